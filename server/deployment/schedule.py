"""When runs are due: at even distances, or at times of the day somewhere. Pure: time is an argument, in UTC seconds.

A tick is one due moment. Where clocks go forward, a time that does not exist is taken as late as it would have been;
where they go back, a time that comes twice is taken once, the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORTEST_S = 60
MOST_TICKS = 1000
"""Of one look; more ticks than that were missed in a row are told as a number."""

_LONGEST_WEEK_S = 8 * 86_400
"""A week, and a day for clocks that are put forward or back."""

DAY_S, SLACK_DAYS = 86_400, 4
"""Days of a place begin up to a day before and after those of UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Some due moments a day, for ever; none if neither is said.

    Attributes:
        every: Seconds between two ticks, or None.
        at: Times of the day.
        days: Monday is 0; on which ``at`` counts.
        zone: Of the times and days.
    """

    every: int | None
    at: tuple[time, ...]
    days: frozenset[int]
    zone: ZoneInfo

    @property
    def spelled(self) -> str:
        """In words; another schedule has others."""
        at = " ".join(sorted(f"{one:%H:%M}" for one in self.at))
        return f"every {self.every or '-'}; at {at or '-'} on {sorted(self.days)} in {self.zone.key}"

    def next_tick(self, after: int) -> int | None:
        """The first tick after a moment; None if there is none for ever."""
        found = [one for one in (self._next_even(after), self._next_at(after)) if one is not None]
        return min(found, default=None)

    def _next_even(self, after: int) -> int | None:
        return None if self.every is None else (after // self.every + 1) * self.every

    def moments(self, after: int, until: int) -> Iterator[int]:
        """The times of the day after one moment, up to another and with it; the work is a few steps a day."""
        if not self.at or until <= after:
            return
        first = datetime.fromtimestamp(after, self.zone).date() - timedelta(days=1)
        n_days = (until - after) // DAY_S + SLACK_DAYS
        for number in range(n_days):
            yield from (one for one in self._on(first + timedelta(days=number)) if after < one <= until)

    def _next_at(self, after: int) -> int | None:
        return min(self.moments(after, after + _LONGEST_WEEK_S), default=None)

    def _on(self, day: date) -> Iterator[int]:
        if day.weekday() in self.days:
            yield from (int(datetime.combine(day, one, self.zone).astimezone(UTC).timestamp()) for one in self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Ticks that have come.

    Attributes:
        ticks: In rising order; at most ``MOST_TICKS``, the last ones.
        uncounted: How many came before these.
    """

    ticks: tuple[int, ...]
    uncounted: int


def schedule_of(*, every: int | None, at: Sequence[str], days: Sequence[str], timezone: str) -> Schedule:
    """The schedule of a configuration.

    Raises:
        ValueError: If it cannot be kept; the text says why.
    """
    if every is not None and every < SHORTEST_S:
        msg = f"runs are at least {SHORTEST_S} seconds apart"
        raise ValueError(msg)
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = "the timezone is not known here: write one like Asia/Shanghai or UTC"
        raise ValueError(msg) from None
    numbers = frozenset(DAYS.index(day) for day in days) or frozenset(range(len(DAYS)))
    return Schedule(every=every, at=tuple(time.fromisoformat(one) for one in at), days=numbers, zone=zone)


def due(schedule: Schedule, after: int, until: int) -> Due:
    """The ticks after one moment, up to another and with it.

    Guarantees:
        * Spans that follow each other give every tick once, wherever they are cut.
        * The work is bounded: an even distance is counted, not walked, and times of the day cost a few steps a day.
    """
    even, n_even = _even_ticks(schedule.every, after, until)
    at = {one for one in schedule.moments(after, until) if schedule.every is None or one % schedule.every}
    ticks = sorted(at.union(even))[-MOST_TICKS:]
    return Due(ticks=tuple(ticks), uncounted=n_even + len(at) - len(ticks))


def _even_ticks(every: int | None, after: int, until: int) -> tuple[range, int]:
    """The last ticks at an even distance, and how many there are of all."""
    if every is None or until <= after:
        return range(0), 0
    first, last = after // every + 1, until // every
    return range(max(first, last - MOST_TICKS + 1) * every, last * every + 1, every), max(last - first + 1, 0)
