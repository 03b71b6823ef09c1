"""Ticks of a stream in the registry: what became of each.

A tick is a row: it has a run, whose end is the tick's end, or the reason why it has none. So it is published if and
only if its model is, in one transaction, wherever a process is killed.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server.registry.opening import Database
from server.registry.run import OPEN, Run, State, WantedBy
from server.registry.runs import insert
from server.registry.tables import RUNS, TICK_COLUMNS, TICKS
from server.registry.tick import Moment, Tick

LATEST = 2**31
"""No tick has this number."""

OVERLAPPED = "the run before was still going on"
NOT_BEGUN = "its turn did not come before the next tick"


@dataclass(frozen=True, slots=True)
class Ticks:
    """The ticks of a registry's stream.

    Guarantees:
        * Ticks are accounted for in rising order, each once, also if two processes try or one dies in between.
        * A tick that was accounted for is published, kept for a reason, or still under way; nothing else.
    """

    database: Database

    def keep(self, stream: str, moment: Moment, since: int, reason: str, now: int) -> bool:
        """Account for ticks that ask nothing: those from ``since`` to the moment's.

        Returns:
            Whether they were not accounted for before.
        """
        with self.database.writing() as connection:
            if _reached(connection, stream) >= since:
                return False
            _insert(connection, stream, moment, now, since=since, reason=reason)
        return True

    def order(self, stream: str, moment: Moment, now: int) -> Run | None:
        """Account for a tick by ordering its run, unless another run is open.

        An order of an earlier tick that still waits is closed: its claims are in this window, too.

        Returns:
            The run; None if another one was open, or the tick was accounted for before.
        """
        with self.database.writing() as connection:
            if _reached(connection, stream) >= moment.number:
                return None
            _close_waiting(connection, now)
            if connection.execute(sa.select(RUNS.c.number).where(RUNS.c.state.in_(OPEN))).first() is not None:
                _insert(connection, stream, moment, now, reason=OVERLAPPED)
                return None
            run = insert(connection, WantedBy.SCHEDULE, now, None)
            _insert(connection, stream, moment, now, run=run.number)
        return run

    def reached(self, stream: str) -> int:
        """The last tick that is accounted for; 0 if none is."""
        with self.database.reading() as connection:
            return _reached(connection, stream)

    def of_run(self, run: int) -> Tick | None:
        """The tick that a run was ordered for, if there is one."""
        return next(iter(self._ticks(TICKS.c.run == run)), None)

    def since(self, stream: str, closes: int) -> list[Tick]:
        """Ticks whose windows close at a moment or later, the newest first."""
        return self._ticks((TICKS.c.stream == stream) & (TICKS.c.closes >= closes))

    def newest(self, stream: str, limit: int = 1) -> list[Tick]:
        """The last ticks, the newest first."""
        return self._ticks(TICKS.c.stream == stream, limit)

    def published(self, stream: str, after: int = 0) -> list[Tick]:
        """Ticks whose models are newer than a version, the newest first."""
        return self._ticks((TICKS.c.stream == stream) & (RUNS.c.model > after))

    def newest_published(self, stream: str, before: int = LATEST) -> Tick | None:
        """The newest tick before a number that has a model, if there is one."""
        wanted = (TICKS.c.stream == stream) & RUNS.c.model.is_not(None) & (TICKS.c.number < before)
        return next(iter(self._ticks(wanted, 1)), None)

    def counts(self, stream: str) -> dict[str, int]:
        """How many ticks were kept, by reason."""
        n_ticks = sa.func.sum(TICKS.c.number - TICKS.c.since + 1)
        reason = sa.case((TICKS.c.run.is_(None), TICKS.c.reason), else_=RUNS.c.reason)
        wanted = (TICKS.c.stream == stream) & (
            TICKS.c.run.is_(None) | RUNS.c.state.in_((State.FAILED, State.ABANDONED))
        )
        asked = (
            sa.select(reason.label("reason"), n_ticks.label("n")).select_from(_JOINED).where(wanted).group_by(reason)
        )
        with self.database.reading() as connection:
            return {row.reason: int(row.n) for row in connection.execute(asked)}

    def _ticks(self, wanted: sa.ColumnElement[bool], limit: int | None = None) -> list[Tick]:
        columns = [TICKS.c[name] for name in TICK_COLUMNS if name != "reason"]
        outcome = (TICKS.c.reason, RUNS.c.state, RUNS.c.model, RUNS.c.reason.label("run_reason"))
        asked = sa.select(*columns, *outcome).select_from(_JOINED).where(wanted).order_by(TICKS.c.number.desc())
        with self.database.reading() as connection:
            rows = connection.execute(asked if limit is None else asked.limit(limit)).mappings()
            return [Tick.of_row(row) for row in rows]


_JOINED = TICKS.outerjoin(RUNS, TICKS.c.run == RUNS.c.number)


def _reached(connection: Connection, stream: str) -> int:
    found = connection.execute(sa.select(sa.func.max(TICKS.c.number)).where(TICKS.c.stream == stream)).scalar()
    return int(found or 0)


def _insert(
    connection: Connection,
    stream: str,
    moment: Moment,
    now: int,
    *,
    since: int | None = None,
    run: int | None = None,
    reason: str = "",
) -> None:
    held = {"stream": stream, "number": moment.number, "since": since or moment.number, "closes": moment.closes}
    connection.execute(TICKS.insert().values(**held, noted=now, run=run, reason=reason))


def _close_waiting(connection: Connection, now: int) -> None:
    waiting = (RUNS.c.state == State.ORDERED) & RUNS.c.number.in_(
        sa.select(TICKS.c.run).where(TICKS.c.run.is_not(None))
    )
    held = {"state": State.ABANDONED, "reason": NOT_BEGUN, "ended": now}
    connection.execute(RUNS.update().where(waiting).values(**held))
