"""Ticks of the schedule in the registry: each is one row, ordered or closed with the reason why it was not run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server.registry.opening import Database
from server.registry.run import OPEN, State, WantedBy
from server.registry.runs import insert
from server.registry.tables import FACTS, RUNS

REACHED, SPELLED = "ticks accounted for until", "schedule"
STILL_GOING_ON = "the run before was still going on"
MISSED = "missed: the service did not run"


@dataclass(frozen=True, slots=True)
class Ticking:
    """Until when the ticks of a schedule are accounted for.

    Guarantees:
        * A tick is accounted for once, also if two processes try, and if a process dies in between.
    """

    database: Database

    def reached(self, schedule: str, now: int) -> int:
        """Up to which second the ticks of this schedule are accounted for; a new schedule begins now.

        Args:
            schedule: In words; another one than before is a new one.
            now: Seconds since 1970.
        """
        with self.database.writing() as connection:
            if _fact(connection, SPELLED) != schedule or (held := _fact(connection, REACHED)) is None:
                _put(connection, SPELLED, schedule)
                _put(connection, REACHED, str(now))
                return now
            return int(held)

    def account(self, ticks: Sequence[int], reached: int, now: int, uncounted: int = 0) -> None:
        """Account for ticks: the last one is ordered, unless an order is open; the ones before it were missed.

        Args:
            ticks: In rising order, all after what was reached before.
            reached: Up to which second they are all.
            now: Seconds since 1970.
            uncounted: Ticks before these that are too many to have a row each.
        """
        with self.database.writing() as connection:
            before = _fact(connection, REACHED)
            if before is not None and int(before) >= reached:
                return
            for place, tick in enumerate(ticks):
                _insert(connection, tick, now, newest=tick == ticks[-1], uncounted=0 if place else uncounted)
            _put(connection, REACHED, str(reached))


def _insert(connection: Connection, tick: int, now: int, *, newest: bool, uncounted: int) -> None:
    n_open = connection.execute(sa.select(sa.func.count()).select_from(RUNS).where(RUNS.c.state.in_(OPEN))).scalar()
    closed: tuple[State, str] | None = None
    if not newest:
        more = f", and so were {uncounted} ticks before it" if uncounted else ""
        closed = State.ABANDONED, MISSED + more
    elif n_open:
        closed = State.ABANDONED, STILL_GOING_ON
    insert(connection, WantedBy.SCHEDULE, now, tick, closed)


def _fact(connection: Connection, name: str) -> str | None:
    held = connection.execute(sa.select(FACTS.c.held).where(FACTS.c.name == name)).scalar()
    return None if held is None else str(held)


def _put(connection: Connection, name: str, held: str) -> None:
    if not connection.execute(FACTS.update().where(FACTS.c.name == name).values(held=held)).rowcount:
        connection.execute(FACTS.insert().values(name=name, held=held))
