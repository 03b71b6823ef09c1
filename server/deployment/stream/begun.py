"""The stream that was begun, and beginning one."""

from __future__ import annotations

import secrets

from common.errors import InputError, PlanError
from common.stream.state import StreamState
from server.consortium.holding import ROSTER_FILE, Holding
from server.deployment.office import Office
from server.deployment.stream.deciding import Kept, decided
from server.deployment.stream.timing import moment_of
from server.deployment.stream.windows import newest_state, part_of, terms_of
from server.registry.stream import Begun, Wishes

NAME_BYTES = 16


def begun(office: Office) -> Begun:
    """The stream that was begun.

    Raises:
        InputError: If none was.
    """
    found = office.registry.streams.begun()
    if found is None:
        raise InputError("no stream was begun here: fedclaims-coordinator stream init")
    return found


def begin(office: Office, name: str | None = None) -> Begun:
    """Begin to follow a stream; its first tick is one distance from now.

    Args:
        office: Of the coordinator.
        name: 32 hexadecimal digits; None for a new one.

    Raises:
        InputError: If the configuration says nothing of it, or one was begun before.
        PlanError: If its plan protects nobody, or its first window would never be worth asking about.
    """
    part, found = part_of(office), name or secrets.token_hex(NAME_BYTES)
    stream = Begun(name=found, began=office.clock(), every=part.every)
    insist_worth(office, stream)
    office.registry.streams.begin(stream)
    return stream


def insist_worth(office: Office, stream: Begun) -> None:
    """Nothing, if the first window is worth asking about; before there is a roster nobody can tell.

    Raises:
        InputError: If a file needs mending.
        PlanError: If it is not worth it.
    """
    if not (office.place.consortium / ROSTER_FILE).exists():
        return
    roster = Holding(office.place.consortium).roster(office.clock())
    found = decided(terms_of(office, stream.name, roster), moment_of(stream, stream.first + 1), None, Wishes())
    if isinstance(found, Kept):
        msg = f"the stream would never begin ({found.reason}): more expected_units or epsilon, or fewer clusters"
        raise PlanError(msg)


def insist_state(office: Office) -> StreamState:
    """What is believed of the stream.

    Raises:
        InputError: If nothing is: no window was published yet.
    """
    state = newest_state(office, begun(office).name)
    if state is None:
        raise InputError("no window was published yet: wait for the first, and look at `stream status`")
    return state


def pin(office: Office, identity: int, *, pinned: bool) -> None:
    """Have a cluster pinned from the next window on, or no longer.

    Raises:
        InputError: If there is no such cluster now.
    """
    if identity not in insist_state(office).identities:
        msg = f"there is no cluster {identity} now: look at the identities with `stream status`"
        raise InputError(msg)
    office.registry.streams.pin(identity, pinned=pinned)


def reseed(office: Office) -> int:
    """Have clusters looked for anew, as soon as enough claims are expected.

    Returns:
        The window after which they are.

    Raises:
        InputError: If no window was published yet.
    """
    after = insist_state(office).window
    office.registry.streams.reseed(after)
    return after
