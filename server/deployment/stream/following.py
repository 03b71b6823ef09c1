"""Following a stream: every tick that has come is ordered, or kept with the reason why nothing was asked."""

from __future__ import annotations

import logging

from common.errors import FedclaimsError
from server.consortium.holding import Holding
from server.deployment.logs import say
from server.deployment.office import Office
from server.deployment.stream.deciding import MISSED, PAUSED, Kept
from server.deployment.stream.timing import due, moment_of, number_at, under_clock
from server.deployment.stream.windows import asked_at
from server.registry.stream import Begun
from server.registry.tick import Moment


def follow(office: Office) -> bool:
    """Account for all ticks of the stream up to now; of several the newest is asked, the others were missed.

    Guarantees:
        * Every tick since the stream was begun is accounted for, whatever the service did meanwhile.
        * Whatever is wrong with a tick, the next one is looked at as if nothing had been.

    Returns:
        Whether a tick has come.

    Raises:
        RegistryError: If the registry cannot be used.
    """
    part, stream = office.configuration.stream, office.registry.streams.begun()
    if part is None or stream is None:
        return False
    now, ticks = office.clock(), office.registry.ticks
    reached = ticks.reached(stream.name)
    stream = _under_clock(office, stream, part.every, reached)
    found = due(stream, reached, now)
    if found is None:
        return False
    paused = office.registry.streams.wishes().paused is not None
    if paused:
        return ticks.keep(stream.name, found.moment, found.since, PAUSED, now)
    if found.missed is not None:
        ticks.keep(stream.name, found.missed, found.since, MISSED, now)
    _begin(office, stream, found.moment)
    return True


def tick_now(office: Office) -> None:
    """Have the next tick come now; those after it follow at the usual distance."""
    stream = office.registry.streams.begun()
    if stream is None:
        return
    now = office.clock()
    number = max(number_at(stream, now), office.registry.ticks.reached(stream.name)) + 1
    office.registry.streams.change_clock(Begun(name=stream.name, began=now, every=stream.every, first=number))


def _under_clock(office: Office, stream: Begun, every: int, reached: int) -> Begun:
    now = office.clock()
    found = under_clock(stream, every, reached, now)
    if found != stream:
        office.registry.streams.change_clock(found)
        following = moment_of(found, number_at(found, now) + 1)
        say("the stream's clock changes", level=logging.WARNING, every=every, tick=following.number)
    return found


def _begin(office: Office, stream: Begun, moment: Moment) -> None:
    ticks, now = office.registry.ticks, office.clock()
    reason = _objection(office, stream, moment)
    if reason is not None:
        ticks.keep(stream.name, moment, moment.number, reason, now)
        say("tick kept", tick=moment.number, reason=reason)
    elif (run := ticks.order(stream.name, moment, now)) is not None:
        say("tick begins", tick=moment.number, run=run.number)


def _objection(office: Office, stream: Begun, moment: Moment) -> str | None:
    """Why nothing is asked at a tick; None if something is."""
    try:
        asked = asked_at(office, stream.name, moment, Holding(office.place.consortium).roster(office.clock()))
    except FedclaimsError as error:
        return str(error)
    return asked.reason if isinstance(asked, Kept) else None
