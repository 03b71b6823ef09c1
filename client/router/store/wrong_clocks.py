"""Declarations that a clock was wrong: who said so, when and why; they stay for good."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from client.router.clocks import moment_of
from client.router.store.decisions import failing
from client.router.store.opening import writing
from client.router.store.tables import SHEETS, WRONG_CLOCKS
from common.errors import InputError

MOST_NAME, MOST_WHY = 64, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongClock:
    """One declaration.

    Attributes:
        latest: When the latest decision was made, by the clock that was wrong; Unix seconds.
        declared_at: By the clock that is right; likewise.
        declared_by: A name.
        why: In that person's words.
    """

    latest: int
    declared_at: int
    declared_by: str
    why: str


def declare_wrong(engine: Engine, latest: int, now: int, by: str, why: str) -> WrongClock:
    """Say that the clock was ahead when the latest decisions were made: from now on time counts from now.

    Guarantees:
        * What was decided keeps its moments, and replays. Whoever declares, and why, is kept for good.
        * Nothing can be declared of a clock that is not behind.

    Args:
        engine: Of the router's store.
        latest: When the latest decision was made, as ``DecisionStore.latest`` says.
        now: Unix seconds.
        by: Who declares it.
        why: What was found out about the clock.

    Raises:
        InputError: If the clock is not behind, or a name or a reason is missing or too long.
        StoreError: If it could not be kept.
    """
    if not moment_of(now, latest).behind:
        raise InputError("the clock is not behind the latest decision: there is nothing to declare")
    if not 0 < len(by.strip()) <= MOST_NAME or not 0 < len(why.strip()) <= MOST_WHY:
        msg = f"say who declares it (1 to {MOST_NAME} characters) and why (1 to {MOST_WHY})"
        raise InputError(msg)
    found = WrongClock(latest=latest, declared_at=now, declared_by=by.strip(), why=why.strip())
    with failing("written"), writing(engine) as connection:
        connection.execute(WRONG_CLOCKS.insert().values(sheet=_newest_sheet(connection), **_row(found)))
    return found


def declared(engine: Engine) -> list[WrongClock]:
    """All declarations, the oldest first."""
    names = ("latest", "declared_at", "declared_by", "why")
    wanted = select(*(WRONG_CLOCKS.c[name] for name in names)).order_by(WRONG_CLOCKS.c.number)
    with failing("read"), engine.connect() as connection:
        return [WrongClock(**dict(zip(names, row, strict=True))) for row in connection.execute(wanted).all()]


def declared_text(found: WrongClock) -> str:
    """One declaration, for people."""
    ahead = found.latest - found.declared_at
    return f"The clock was declared {ahead:,} seconds ahead by {found.declared_by}: {found.why}"


def _newest_sheet(connection: Connection) -> int:
    return connection.execute(select(func.max(SHEETS.c.sheet))).scalar() or 0


def _row(found: WrongClock) -> dict[str, object]:
    return {
        "latest": found.latest,
        "declared_at": found.declared_at,
        "declared_by": found.declared_by,
        "why": found.why,
    }
