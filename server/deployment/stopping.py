"""Stopping the service: after the run that is under way, or now. The kill switch needs nothing but the registry."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

from common.errors import EngineError, InputError
from server.consortium.files import replace
from server.deployment.office import Office
from server.deployment.place import Place
from server.deployment.watching import STOPPED
from server.registry.run import State


class Stop(StrEnum):
    """When to stop."""

    AFTER_RUN = "after"
    NOW = "now"


def order_stop(place: Place, when: Stop) -> None:
    """Tell the service to end.

    Raises:
        InputError: If there is no such coordinator.
    """
    if not place.state.is_dir():
        msg = f"{place.root} is no coordinator's directory that this user may write to; stop the process instead"
        raise InputError(msg)
    replace(place.stop, when.value.encode())


def ordered_stop(place: Place) -> Stop | None:
    """Whether, and when, the service is to end; what cannot be read means now."""
    try:
        held = place.stop.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return Stop.NOW
    return Stop.AFTER_RUN if held == Stop.AFTER_RUN.value.encode() else Stop.NOW


def forget_stop(place: Place) -> None:
    """The order was followed, and the next service starts.

    Raises:
        EngineError: If the old order cannot be removed.
    """
    try:
        with suppress(FileNotFoundError):
            place.stop.unlink()
    except OSError:
        msg = f"{place.stop} cannot be removed: only the service's user may start it"
        raise EngineError(msg) from None


def end_runs(office: Office, reason: str = STOPPED) -> list[int]:
    """Close whatever is under way or waits; whoever still works on it cannot go on.

    Returns:
        Numbers of the runs that were closed.
    """
    runs, closed = office.registry.runs, list[int]()
    while (run := runs.under_way() or runs.waiting()) is not None:
        if runs.close(run.number, State.ABANDONED, reason, office.clock()):
            closed.append(run.number)
    return closed
