"""Runs: what was ordered, by whom, and what became of it. Every order ends, and if it is not done, with a reason."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from common.consortium.publishing import SignedPublication
from server.registry.models import add_model
from server.registry.opening import Database
from server.registry.run import (
    LISTS,
    OPEN,
    UNDER_WAY,
    KeptTranscript,
    Purpose,
    Run,
    RunClosedError,
    State,
    Taken,
    WantedBy,
)
from server.registry.tables import ROUND_COLUMNS, ROUNDS, RUN_COLUMNS, RUNS, TRANSCRIPTS
from server.session import RoundReport

CODE_BYTES = 16
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a registry.

    Guarantees:
        * One run at a time is under way, and only its process can write about it: what is closed stays closed.
        * A run is done if and only if its model is published, in one transaction.
    """

    database: Database

    def order(self, wanted_by: WantedBy, now: int, tick: int | None = None, purpose: Purpose = Purpose.CLUSTERS) -> Run:
        """Put a run into the queue.

        Raises:
            ConflictError: If this tick was ordered already.
        """
        with self.database.writing() as connection:
            return insert(connection, wanted_by, now, tick, purpose=purpose)

    def waiting(self) -> Run | None:
        """The order whose turn is next, if there is one."""
        return self._first(RUNS.c.state == State.ORDERED, RUNS.c.number)

    def under_way(self) -> Run | None:
        """The run that is under way, if there is one."""
        return self._first(RUNS.c.state.in_(UNDER_WAY), RUNS.c.number)

    def find(self, number: int) -> Run | None:
        """A run by its number."""
        return self._first(RUNS.c.number == number, RUNS.c.number)

    def of_session(self, session: str) -> Run | None:
        """The run of a session, if there is one."""
        return self._first(RUNS.c.session == session, RUNS.c.number)

    def newest(self, limit: int) -> list[Run]:
        """The last orders, the newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(_select().order_by(RUNS.c.number.desc()).limit(limit)).mappings()
            return [_run(row) for row in rows]

    def latest_time(self) -> int:
        """The newest time that any order carries; 0 without one."""
        with self.database.reading() as connection:
            found = connection.execute(sa.select(sa.func.max(RUNS.c.ordered), sa.func.max(RUNS.c.ended))).one()
        return max(int(one or 0) for one in found)

    def start(self, number: int) -> None:
        """An order's turn has come.

        Raises:
            ConflictError: If another run is under way.
            RunClosedError: If it waits no more.
        """
        with self.database.writing() as connection:
            wanted = (RUNS.c.number == number) & (RUNS.c.state == State.ORDERED)
            _insist(connection.execute(RUNS.update().where(wanted).values(state=State.STARTING, under_way=1)).rowcount)

    def claim(self, code: str, process: int, now: int) -> Run:
        """Take a run that is starting; only once.

        Raises:
            RunClosedError: If no run of this code is starting.
        """
        with self.database.writing() as connection:
            wanted = (RUNS.c.code == code) & (RUNS.c.state == State.STARTING)
            change = RUNS.update().where(wanted).values(state=State.RUNNING, process=process, started=now)
            _insist(connection.execute(change).rowcount)
            return _run(connection.execute(_select().where(RUNS.c.code == code)).mappings().one())

    def note(self, number: int, **facts: object) -> None:
        """Write down something about a run that is under way.

        Raises:
            RunClosedError: If it is not.
        """
        with self.database.writing() as connection:
            _change(connection, number, **facts)

    def add_round(self, number: int, place: int, report: RoundReport, now: int) -> None:
        """A round was closed.

        Args:
            number: Of the run.
            place: Of the round in it, from 1; a lost round has one of its own.
            report: What it moved.
            now: Seconds since 1970.

        Raises:
            RunClosedError: If the run is not under way.
        """
        with self.database.writing() as connection:
            _change(connection, number, state=State.RUNNING)
            held = {name: getattr(report, name) for name in ROUND_COLUMNS if name != "closed"}
            held |= {"run": number, "place": place, "phase": str(report.phase), "closed": now}
            connection.execute(ROUNDS.insert().values(**held))

    def rounds(self, number: int) -> list[dict[str, Any]]:
        """The closed rounds of a run, in order."""
        columns = [ROUNDS.c[name] for name in ("place", *ROUND_COLUMNS)]
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(*columns).where(ROUNDS.c.run == number).order_by(ROUNDS.c.place))
            return [dict(row) for row in rows.mappings()]

    def keep_transcript(self, number: int, kept: KeptTranscript) -> None:
        """Note where a run's transcript is."""
        with self.database.writing() as connection:
            held = {"run": number, "path": kept.path, "sha256": kept.sha256, "bytes": kept.bytes}
            connection.execute(TRANSCRIPTS.insert().values(**held))

    def transcript(self, number: int) -> KeptTranscript | None:
        """Where a run's transcript is, if it has one."""
        wanted = sa.select(TRANSCRIPTS.c.path, TRANSCRIPTS.c.sha256, TRANSCRIPTS.c.bytes)
        with self.database.reading() as connection:
            row = connection.execute(wanted.where(TRANSCRIPTS.c.run == number)).mappings().first()
        return None if row is None else KeptTranscript(**row)

    def publish(self, number: int, signed: SignedPublication, model: bytes, taken: Taken, now: int) -> None:
        """Keep a run's model, and close the run as done; both or neither.

        Raises:
            RunClosedError: If the run is not under way.
            ConflictError: If the model does not follow the newest version.
        """
        with self.database.writing() as connection:
            add_model(connection, signed, model)
            closed = {"state": State.DONE, "ended": now, "under_way": None, "model": signed.publication.version}
            _change(connection, number, **closed, **taken.columns())

    def close(self, number: int, state: State, reason: str, now: int, taken: Taken | None = None) -> bool:
        """Close an order that is open as failed or abandoned.

        Returns:
            Whether it was open.
        """
        held = {"state": state, "reason": reason[:LONGEST_REASON] or "unknown", "ended": now, "under_way": None}
        held |= taken.columns() if taken else {}
        with self.database.writing() as connection:
            wanted = (RUNS.c.number == number) & RUNS.c.state.in_(OPEN)
            return bool(connection.execute(RUNS.update().where(wanted).values(**held)).rowcount)

    def _first(self, wanted: sa.ColumnElement[bool], order: sa.ColumnElement[Any]) -> Run | None:
        with self.database.reading() as connection:
            row = connection.execute(_select().where(wanted).order_by(order).limit(1)).mappings().first()
        return None if row is None else _run(row)


def insert(
    connection: Connection,
    wanted_by: WantedBy,
    now: int,
    tick: int | None,
    closed: tuple[State, str] | None = None,
    *,
    purpose: Purpose = Purpose.CLUSTERS,
) -> Run:
    """Put an order into a transaction, open, or closed with a reason."""
    state, reason = closed or (State.ORDERED, "")
    held = {
        "code": secrets.token_hex(CODE_BYTES),
        "wanted_by": wanted_by,
        "tick": tick,
        "ordered": now,
        "purpose": purpose,
    }
    held |= {"state": state, "reason": reason, "ended": now if closed else None}
    connection.execute(RUNS.insert().values(**held))
    return _run(connection.execute(_select().where(RUNS.c.code == held["code"])).mappings().one())


def _select() -> sa.Select[Any]:
    return sa.select(*(RUNS.c[name] for name in RUN_COLUMNS))


def _run(row: Mapping[Any, Any]) -> Run:
    held = dict(row) | {name: json.loads(row[name]) for name in LISTS}
    held |= {name: tuple(held[name]) for name in LISTS if name != "heads"}
    words = {"state": State(row["state"]), "wanted_by": WantedBy(row["wanted_by"]), "purpose": Purpose(row["purpose"])}
    return Run(**held | words)


def _change(connection: Connection, number: int, **facts: object) -> None:
    wanted = (RUNS.c.number == number) & (RUNS.c.state.in_(UNDER_WAY))
    _insist(connection.execute(RUNS.update().where(wanted).values(**facts)).rowcount)


def _insist(n_changed: int) -> None:
    if n_changed != 1:
        msg = "this run is not under way: it was closed meanwhile, or never begun"
        raise RunClosedError(msg)
