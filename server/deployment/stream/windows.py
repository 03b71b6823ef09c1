"""The plan of a tick, from the directory and the registry alone: so any process, also after a kill, makes the same."""

from __future__ import annotations

from pydantic import ValidationError

from common.consortium.roster import Role, Roster
from common.errors import InputError, PlanError
from common.model import Model
from common.plan import Plan
from common.stream.state import StreamState
from server.deployment.configuration import StreamPart
from server.deployment.office import Office
from server.deployment.plan_file import load_plan
from server.deployment.stream.deciding import Kept, Terms, decided
from server.registry.run import Run
from server.registry.tick import Moment


def part_of(office: Office) -> StreamPart:
    """What the configuration says of a stream.

    Raises:
        InputError: If it says nothing.
    """
    part = office.configuration.stream
    if part is None:
        raise InputError("coordinator.toml has no [stream]: write the section, then `stream init`")
    return part


def terms_of(office: Office, stream: str, roster: Roster) -> Terms:
    """On what a stream goes now.

    Raises:
        InputError: If a file needs mending.
        PlanError: If no plan can be so, or it protects nobody.
    """
    part = part_of(office)
    base = load_plan(office.place.within(part.plan))
    if base.privacy is None:
        msg = f"a stream is asked about under a protected plan: set protection in {part.plan}"
        raise PlanError(msg)
    return Terms(
        stream=stream,
        base=base,
        n_bureaus=len(roster.of_role(Role.BUREAU)),
        memory=part.memory,
        fewest_bureaus=part.fewest_bureaus,
        reseeds=part.reseed == "when drift demands",
    )


def model_of(office: Office, version: int) -> Model:
    """A model that a tick has published.

    Raises:
        InputError: If the registry does not hold it, or this software cannot read it.
    """
    kept = office.registry.models.find(version)
    if kept is None:
        msg = f"the registry holds no model of version {version}: restore it from a copy"
        raise InputError(msg)
    try:
        return Model.model_validate_json(kept.model)
    except ValidationError:
        msg = f"model version {version} is of another version of the software: go on with that one"
        raise InputError(msg) from None


def newest_state(office: Office, stream: str) -> StreamState | None:
    """What is believed after the newest window that was published; None before the first."""
    newest = office.registry.ticks.newest_published(stream)
    return None if newest is None or newest.version is None else model_of(office, newest.version).stream


def asked_at(office: Office, stream: str, moment: Moment, roster: Roster) -> Plan | Kept:
    """What a tick asks, or why it keeps the old model.

    Raises:
        InputError: If a file needs mending.
        PlanError: If the plan does.
    """
    terms = terms_of(office, stream, roster)
    return decided(terms, moment, newest_state(office, stream), office.registry.streams.wishes())


def plan_of_window(office: Office, run: Run, roster: Roster) -> Plan | None:
    """The plan of a run that was ordered for a tick; None of any other run.

    Raises:
        InputError: If a file needs mending.
        PlanError: If the plan does, or what was asked at the tick is not worth asking any more.
    """
    tick = office.registry.ticks.of_run(run.number)
    if tick is None:
        return None
    found = asked_at(office, tick.stream, tick.moment, roster)
    if isinstance(found, Kept):
        raise PlanError(found.reason)
    return found
