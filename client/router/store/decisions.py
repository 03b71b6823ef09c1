"""Decisions in the store: found by what was asked or by their identity, added all at once or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from sqlalchemy import Connection, Engine, Row, Select, and_, func, select, true
from sqlalchemy.exc import SQLAlchemyError

from client.router.records import Records
from client.router.store.asking import CONTENT_BYTES, key_prefix
from client.router.store.bulk import find, insert
from client.router.store.moments import latest_moment
from client.router.store.opening import StoreError, writing
from client.router.store.sheets import MOST_RECORDS, Sheet
from client.router.store.tables import DECISIONS, MEMORIES, SHADOWS, SHEETS
from common.errors import InputError

SHEETS_IN_MEMORY = 4
LANES: tuple[str, ...] = ("FAST", "REVIEW", "HUMAN", "HOLD")
"""As they are numbered in the store; new ones only ever at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Decisions to add.

    Attributes:
        asked: What each of them answers; all different.
        decision_ids: Hexadecimal.
        lanes: Out of ``LANES``.
        records: In their one spelling.
        decided_at: Unix seconds; not before those that are kept already, but where their clock was declared wrong.
    """

    asked: Sequence[bytes]
    decision_ids: Sequence[str]
    lanes: Sequence[str]
    records: Sequence[bytes]
    decided_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the rules are to remember of the same claims.

    Attributes:
        last_day: Of these claims, days since 1970: when it is old, all of this is forgotten.
        held: Opaque.
    """

    last_day: int
    held: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """What a shadow would have done with the same claims.

    Attributes:
        model_sha256: Of the shadow.
        lanes: One for each claim, in their order.
    """

    model_sha256: str
    lanes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where a decision is.

    Attributes:
        asked: What it answers.
        decision_id: Hexadecimal.
        lane: Where the claim went.
        sheet: Its record's.
        place: Of its record on the sheet.
    """

    asked: bytes
    decision_id: str
    lane: str
    sheet: int
    place: int


class DecisionStore:
    """The decisions of one router.

    Guarantees:
        * What ``add`` was given is on the disk when it returns, whole, together with what rules remember of it; if it
          raises, nothing of it is.
        * One question has one decision: a second one for the same question is refused by the database.
    """

    def __init__(self, engine: Engine) -> None:
        """Use an open database."""
        self._engine = engine
        self._sheet = lru_cache(SHEETS_IN_MEMORY)(self._read_sheet)

    def find(self, asked: Sequence[bytes]) -> dict[bytes, Kept]:
        """Those of some questions that have a decision."""
        with self._reading() as connection:
            return {bytes(row.asked): _kept(row) for row in find(connection, asked)}

    def add(
        self,
        new: New,
        memory: Memory | None = None,
        shadowed: Shadowed | None = None,
        also: Callable[[Connection], object] = lambda _: None,
    ) -> None:
        """Keep decisions, what rules remember of their claims, and what a shadow would have done with them.

        Args:
            new: The decisions.
            memory: Of their claims.
            shadowed: By a shadow.
            also: Writes what else belongs to them, in the same transaction.

        Raises:
            StoreError: If they could not be kept; none of them is.
        """
        with failing("written"), writing(self._engine) as connection:
            if new.asked:
                _add(connection, new)
            also(connection)
            if memory is not None:
                connection.execute(MEMORIES.insert().values(last_day=memory.last_day, held=memory.held))
            if shadowed is not None:
                _count(
                    connection,
                    bytes.fromhex(shadowed.model_sha256),
                    Counter(zip(new.lanes, shadowed.lanes, strict=True)),
                )

    def by_id(self, decision_id: str) -> Kept:
        """A decision by its identity.

        Raises:
            InputError: If there is none.
        """
        try:
            wanted = bytes.fromhex(decision_id)
        except ValueError:
            wanted = b""
        found = list(self._kept(select(DECISIONS).where(DECISIONS.c.decision_id == wanted)))
        if not found:
            msg = "there is no such decision here: give its 32 hexadecimal digits, or the claim's key"
            raise InputError(msg)
        return found[0]

    def of_claim(self, claim_key: str) -> list[Kept]:
        """All decisions about a claim key, in the order in which they were made."""
        first = key_prefix(claim_key)
        last = first + b"\xff" * CONTENT_BYTES
        near = select(DECISIONS).where(DECISIONS.c.asked.between(first, last))
        return list(self._kept(near.order_by(DECISIONS.c.sheet, DECISIONS.c.place)))

    def record(self, kept: Kept) -> bytes:
        """The record of a decision, as it was written."""
        return self._sheet(kept.sheet)[kept.place]

    def everything(self) -> Iterator[tuple[Kept, bytes]]:
        """Every decision with its record, in the order in which they were made; memory holds one sheet."""
        with self._reading() as connection:
            sheets = connection.execute(select(SHEETS.c.sheet).order_by(SHEETS.c.sheet)).scalars().all()
        for sheet in sheets:
            records = self._read_sheet(sheet)
            on_it = select(DECISIONS).where(DECISIONS.c.sheet == sheet).order_by(DECISIONS.c.place)
            yield from ((kept, records[kept.place]) for kept in self._kept(on_it))

    def counts(self) -> dict[str, int]:
        """How many decisions there are by lane."""
        with self._reading() as connection:
            rows = connection.execute(select(DECISIONS.c.lane, func.count()).group_by(DECISIONS.c.lane)).all()
        found = {LANES[lane]: count for lane, count in rows}
        return {lane: found.get(lane, 0) for lane in LANES}

    def shadowed(self, model_sha256: str) -> dict[tuple[str, str], int]:
        """How many claims went to one lane, and would have gone to another under this shadow."""
        wanted = select(SHADOWS).where(SHADOWS.c.model_sha256 == bytes.fromhex(model_sha256))
        with self._reading() as connection:
            rows = connection.execute(wanted).all()
        return {(LANES[row.lane], LANES[row.shadow_lane]): row.n_claims for row in rows}

    def memories(self, since_day: int) -> list[bytes]:
        """What rules remember of claims of this day or later, oldest first."""
        recent = select(MEMORIES.c.held).where(MEMORIES.c.last_day >= since_day).order_by(MEMORIES.c.number)
        with self._reading() as connection:
            return list(connection.execute(recent).scalars())

    def newest_days(self, most: int) -> list[int]:
        """The last days of which rules remember something, newest first."""
        days: list[int] = []
        with self._reading() as connection:
            while len(days) < most:
                earlier = select(func.max(MEMORIES.c.last_day)).where(
                    MEMORIES.c.last_day < days[-1] if days else true()
                )
                day = connection.execute(earlier).scalar()
                if day is None:
                    break
                days.append(day)
        return days

    def latest(self) -> int:
        """When the latest decision was made (``moments.latest_moment``)."""
        with self._reading() as connection:
            return latest_moment(connection)

    def forget(self, before_day: int) -> None:
        """Remove what rules remember of claims before a day."""
        with failing("written"), writing(self._engine) as connection:
            connection.execute(MEMORIES.delete().where(MEMORIES.c.last_day < before_day))

    def _kept(self, statement: Select[tuple[object, ...]]) -> Iterator[Kept]:
        with self._reading() as connection:
            rows = connection.execute(statement).all()
        return map(_kept, rows)

    def _read_sheet(self, sheet: int) -> list[bytes]:
        wanted = select(SHEETS.c.ends, SHEETS.c.records).where(SHEETS.c.sheet == sheet)
        with self._reading() as connection:
            row = connection.execute(wanted).one()
        return Sheet(ends=row.ends, held=row.records).records()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with failing("read"), self._engine.connect() as connection:
            yield connection


def _add(connection: Connection, new: New) -> None:
    """Sheets of records, and where each of them is."""
    records, every = Records.of(new.records), np.arange(len(new.asked))
    numbers = [
        _add_sheet(connection, new.decided_at, Sheet.of(records[start : start + MOST_RECORDS]))
        for start in range(0, len(records), MOST_RECORDS)
    ]
    insert(
        connection,
        new.asked,
        new.decision_ids,
        lanes=np.array([_NUMBERS[lane] for lane in new.lanes], np.int64),
        sheets=np.array(numbers, np.int64)[every // MOST_RECORDS],
        places=every % MOST_RECORDS,
    )


def _add_sheet(connection: Connection, decided_at: int, sheet: Sheet) -> int:
    added = SHEETS.insert().values(decided_at=decided_at, ends=sheet.ends, records=sheet.held)
    kept = connection.execute(added).inserted_primary_key
    return kept[0] if kept is not None else 0


def _count(connection: Connection, model: bytes, pairs: Counter[tuple[str, str]]) -> None:
    """Add to what was counted before; in the same commit as the decisions, so that none is counted twice."""
    for (lane, shadow_lane), n_claims in pairs.items():
        place = {"model_sha256": model, "lane": _NUMBERS[lane], "shadow_lane": _NUMBERS[shadow_lane]}
        here = and_(*(SHADOWS.c[name] == held for name, held in place.items()))
        added = SHADOWS.update().where(here).values(n_claims=SHADOWS.c.n_claims + n_claims)
        if not connection.execute(added).rowcount:
            connection.execute(SHADOWS.insert().values(**place, n_claims=n_claims))


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(
        asked=bytes(row.asked),
        decision_id=bytes(row.decision_id).hex(),
        lane=LANES[row.lane],
        sheet=row.sheet,
        place=row.place,
    )


_NUMBERS = {lane: number for number, lane in enumerate(LANES)}


@contextmanager
def failing(what: str) -> Iterator[None]:
    """The database's own words could hold values: only the class of its error is said."""
    try:
        yield
    except SQLAlchemyError as error:
        msg = f"the router's store could not be {what} ({type(error).__name__}): mend the disk or the database"
        raise StoreError(msg) from None
