"""When the ticks of a stream are. Pure: time is an argument, in seconds since 1970; no clock on a wall matters."""

from __future__ import annotations

from dataclasses import dataclass

from server.registry.stream import Begun
from server.registry.tick import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A tick that has come.

    Attributes:
        moment: Of the newest tick.
        missed: The one before it, if ticks before it were not accounted for.
        since: The first that was not accounted for.
    """

    moment: Moment
    missed: Moment | None
    since: int


def moment_of(stream: Begun, number: int) -> Moment:
    """When a tick is."""
    return Moment(number=number, closes=stream.began + (number - stream.first) * stream.every)


def number_at(stream: Begun, now: int) -> int:
    """The newest tick at a moment: ``floor((now - began) / every)``, counted from ``first``."""
    return stream.first + (now - stream.began) // stream.every


def next_tick(stream: Begun, reached: int, now: int) -> Moment:
    """The tick that comes next."""
    return moment_of(stream, max(number_at(stream, now), reached, 0) + 1)


def due(stream: Begun, reached: int, now: int) -> Due | None:
    """What has come since the tick that was accounted for last; None if nothing has.

    Guarantees:
        * Looks that follow each other give every number once, wherever they are, also if the clock is put back.
    """
    number = number_at(stream, now)
    if number <= max(reached, 0):
        return None
    missed = moment_of(stream, number - 1) if number > reached + 1 else None
    return Due(moment=moment_of(stream, number), missed=missed, since=reached + 1)


def under_clock(stream: Begun, every: int, reached: int, now: int) -> Begun:
    """The stream under the distance that counts now, and a clock that does not lie behind it.

    Guarantees:
        * No number comes twice and none is left out: after a change the next number comes one distance from now.
        * A clock that ran ahead for more than a tick and was put right ends nothing.
    """
    last = max(number_at(stream, now), reached, 0)
    if every == stream.every and last <= number_at(stream, now) + 1:
        return stream
    return Begun(name=stream.name, began=now, every=every, first=last)
