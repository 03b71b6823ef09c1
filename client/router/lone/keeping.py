"""Keeping single decisions: one transaction over the driver itself where the store is SQLite, else as batches are kept.

Guarantees:
    * As of ``DecisionStore``: what ``add`` was given is on the disk when it returns, whole; if it raises, nothing is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, Table, select

from client.router.due import Due
from client.router.store.decisions import LANES, Kept, Memory, New, Shadowed
from client.router.store.opening import StoreError
from client.router.store.sheets import Sheet
from client.router.store.store import Store
from client.router.store.tables import DECISIONS, MEMORIES, SHEETS, UNDRAFTED

_NUMBERS = {lane: number for number, lane in enumerate(LANES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneNew:
    """A decision to keep.

    Attributes:
        asked: What it answers.
        decision_id: Hexadecimal.
        lane: Out of ``LANES``.
        record: In its one spelling.
        decided_at: Unix seconds.
        memory: What the rules are to remember of the claim.
        due: Its payment draft, if it is to have one.
        shadowed: What a shadow would have done.
    """

    asked: bytes
    decision_id: str
    lane: str
    record: bytes
    decided_at: int
    memory: Memory
    due: Due
    shadowed: Shadowed | None = None


class LoneKeeper:
    """Finds and keeps the decisions of one router one by one; for one thread at a time."""

    def __init__(self, store: Store) -> None:
        """Use an open store."""
        self._store = store
        self._plain = store.engine.dialect.name == "sqlite"

    def find(self, asked: bytes) -> Kept | None:
        """The decision about a question, if there is one."""
        if not self._plain:
            return self._store.decisions.find([asked]).get(asked)
        with _failing("read"):
            row = self._driver.execute(self._said.find, (asked,)).fetchone()
        if row is None:
            return None
        decision_id, lane, sheet, place = row
        return Kept(asked=asked, decision_id=decision_id.hex(), lane=LANES[lane], sheet=sheet, place=place)

    def add(self, new: LoneNew) -> None:
        """Keep a decision.

        Raises:
            StoreError: If it could not be kept.
        """
        if self._plain and new.shadowed is None:
            with _failing("written"), self._transaction() as cursor:
                self._write(cursor, new)
            return
        batch = New(
            asked=[new.asked],
            decision_ids=[new.decision_id],
            lanes=[new.lane],
            records=[new.record],
            decided_at=new.decided_at,
        )
        self._store.decisions.add(batch, new.memory, new.shadowed, new.due.keep)

    def close(self) -> None:
        """Give the connection back."""
        if "_connection" in self.__dict__:
            self._connection.close()

    def _write(self, cursor: sqlite3.Cursor, new: LoneNew) -> None:
        sheet = Sheet.of([new.record])
        cursor.execute(self._said.add_sheet, (new.decided_at, sheet.ends, sheet.held))
        decision = bytes.fromhex(new.decision_id)
        cursor.execute(self._said.add, (new.asked, decision, _NUMBERS[new.lane], cursor.lastrowid, 0))
        if new.due.claim_keys:
            cursor.execute(self._said.add_due, (new.due.to_bytes(),))
        cursor.execute(self._said.add_memory, (new.memory.last_day, new.memory.held))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        cursor = self._driver.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            self._driver.rollback()
            raise

    @cached_property
    def _connection(self) -> Any:
        return self._store.engine.raw_connection()

    @cached_property
    def _driver(self) -> sqlite3.Connection:
        driver: sqlite3.Connection = self._connection.driver_connection
        return driver

    @cached_property
    def _said(self) -> _Statements:
        return _Statements.of(self._store.engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statements:
    """How the database is told, as its tables say."""

    find: str
    add: str
    add_sheet: str
    add_due: str
    add_memory: str

    @classmethod
    def of(cls, engine: Engine) -> _Statements:
        held = DECISIONS.c.decision_id, DECISIONS.c.lane, DECISIONS.c.sheet, DECISIONS.c.place
        return cls(
            find=str(select(*held).where(DECISIONS.c.asked == b"").compile(engine)),
            add=_insert(engine, DECISIONS, ("asked", "decision_id", "lane", "sheet", "place")),
            add_sheet=_insert(engine, SHEETS, ("decided_at", "ends", "records")),
            add_due=_insert(engine, UNDRAFTED, ("held",)),
            add_memory=_insert(engine, MEMORIES, ("last_day", "held")),
        )


def _insert(engine: Engine, table: Table, names: Sequence[str]) -> str:
    return str(table.insert().compile(engine, column_keys=list(names)))


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """As ``store.decisions.failing``, for the driver's own errors."""
    try:
        yield
    except sqlite3.Error as error:
        msg = f"the router's store could not be {what} ({type(error).__name__}): mend the disk or the database"
        raise StoreError(msg) from None
