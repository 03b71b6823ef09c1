"""Ticks of the schedule in the registry: each is one row, ordered or closed with the reason why it was not run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server.registry.facts import fact, number, put
from server.registry.opening import Database
from server.registry.run import OPEN, State, WantedBy
from server.registry.runs import insert
from server.registry.tables import RUNS

REACHED, SPELLED = "ticks accounted for until", "schedule"
ANEW, CONFIRMED = "schedule began anew", "clock confirmed although entries reach until"
STILL_GOING_ON = "the run before was still going on"
MISSED = "missed: the service did not run"


@dataclass(frozen=True, slots=True)
class Ticking:
    """Until when the ticks of a schedule are accounted for.

    Guarantees:
        * A tick is accounted for once, also if two processes try, a process dies in between, or a clock went back.
    """

    database: Database

    def reached(self, schedule: str, now: int) -> int:
        """Up to which second the ticks of this schedule are accounted for; a new schedule begins now.

        Args:
            schedule: In words; another one than before is a new one.
            now: Seconds since 1970.
        """
        with self.database.writing() as connection:
            if fact(connection, SPELLED) != schedule or (held := fact(connection, REACHED)) is None:
                put(connection, SPELLED, schedule)
                put(connection, REACHED, str(now))
                return now
            return int(held)

    def begin_anew(self, reached: int, now: int) -> None:
        """Go on from now, whatever was accounted for ahead of it; ``began_anew`` tells of it.

        Args:
            reached: What was found; nothing is changed if it is something else by now.
            now: Seconds since 1970.
        """
        with self.database.writing() as connection:
            if fact(connection, REACHED) == str(reached):
                put(connection, REACHED, str(now))
                put(connection, ANEW, str(now))

    def began_anew(self) -> int | None:
        """When the schedule last began anew, because a clock had run ahead."""
        return self._number(ANEW)

    def confirm_clock(self, newest: int) -> None:
        """What was written up to this moment is known, although the clock says less."""
        with self.database.writing() as connection:
            put(connection, CONFIRMED, str(newest))

    def confirmed_clock(self) -> int:
        """Up to which moment entries from the future are known; 0 if none are."""
        return self._number(CONFIRMED) or 0

    def _number(self, name: str) -> int | None:
        with self.database.reading() as connection:
            return number(connection, name)

    def account(self, ticks: Sequence[int], reached: int, now: int, uncounted: int = 0) -> None:
        """Account for ticks: the last one is ordered, unless an order is open; the ones before it were missed.

        Args:
            ticks: In rising order, all after what was reached before.
            reached: Up to which second they are all.
            now: Seconds since 1970.
            uncounted: Ticks before these that are too many to have a row each.
        """
        with self.database.writing() as connection:
            before = fact(connection, REACHED)
            if before is not None and int(before) >= reached:
                return
            there = set(connection.execute(sa.select(RUNS.c.tick).where(RUNS.c.tick.in_(ticks))).scalars())
            for place, tick in enumerate(one for one in ticks if one not in there):
                _insert(connection, tick, now, newest=tick == ticks[-1], uncounted=0 if place else uncounted)
            put(connection, REACHED, str(reached))


def _insert(connection: Connection, tick: int, now: int, *, newest: bool, uncounted: int) -> None:
    n_open = connection.execute(sa.select(sa.func.count()).select_from(RUNS).where(RUNS.c.state.in_(OPEN))).scalar()
    closed: tuple[State, str] | None = None
    if not newest:
        more = f", and so were {uncounted} ticks before it" if uncounted else ""
        closed = State.ABANDONED, MISSED + more
    elif n_open:
        closed = State.ABANDONED, STILL_GOING_ON
    insert(connection, WantedBy.SCHEDULE, now, tick, closed)
