"""The odometer: what the windows of a station's streams came to, for the bureau's own people. Nothing of it is sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from client.ledger.chain import Chain
from client.ledger.spending import YEAR_S
from client.windows.record import InBook, LeftOut, claims_in, windows_in
from client.windows.tables import BOOK_FILE, failing, open_to_read
from common.accounting.guarantee import Unit, rounded_up

EpsilonOf = Callable[[int], float]
_SPENT = {
    Unit.PERSON: "SELECT SUM(rho) FROM charges WHERE at > ? GROUP BY person",
    Unit.CLAIM: "SELECT SUM(rho) FROM entries JOIN windows ON window = id WHERE at > ? GROUP BY claim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSpending:
    """What units of one kind were charged for windows in the last 366 days.

    Attributes:
        unit: Of which kind.
        units: How many were charged at all.
        largest: The most, as epsilon at the policy's delta.
        median: Of all that were charged.
        cap: The most that the newest window lets anybody be charged.
    """

    unit: Unit
    units: int
    largest: float
    median: float
    cap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Odometer:
    """All windows of a station.

    Attributes:
        windows: With claims or without; sessions about windows that claims were chosen for.
        answered: Of these, those of which an answer was kept.
        claims: That entered.
        lost: Of these, those of windows without an answer: they stay entered.
        left_out: At the newest window.
        spent: Of persons and of claims, as far as there are any.
    """

    windows: int
    answered: int
    claims: int
    lost: int
    left_out: LeftOut
    spent: tuple[UnitSpending, ...]


def read_odometer(directory: Path, chain: Chain, now: int, epsilon_of: EpsilonOf) -> Odometer | None:
    """What the book beside a ledger says; None if no claim ever entered a window.

    Args:
        directory: Of the ledger.
        chain: The ledger.
        now: Seconds since 1970.
        epsilon_of: Of charges in units of 1e-9 rho, at the policy's delta.

    Raises:
        EngineError: If the book cannot be read.
    """
    connection = open_to_read(directory / BOOK_FILE)
    if connection is None:
        return None
    with closing(connection):
        windows = windows_in(connection)
        return _read(connection, windows, chain, now, epsilon_of) if windows else None


def worked_out(directory: Path) -> list[InBook]:
    """Every window, with digest and number of claims as they follow from the claims in the book."""
    connection = open_to_read(directory / BOOK_FILE)
    if connection is None:
        return []
    with closing(connection):
        return [one.counted(*claims_in(connection, one.id)) for one in windows_in(connection)]


def as_fields(odometer: Odometer | None) -> dict[str, Any] | None:
    """For programs."""
    return None if odometer is None else asdict(odometer)


def show(odometer: Odometer, console: Console) -> None:
    """For people."""
    out = odometer.left_out
    console.print(
        f"Windows of streams: {odometer.windows}, {odometer.answered} of them answered; {odometer.claims} claims "
        f"entered, {odometer.lost} of them in windows that were never answered."
    )
    console.print(
        f"Left out of the newest window: {out.edited} claims changed after they had entered, {out.spent} whose year "
        f"is spent, {out.late} that arrived after it closed."
    )
    table = Table("each", "charged", "largest epsilon", "median", "cap", title="Charged for windows in 366 days")
    for one in odometer.spent:
        figures = (rounded_up(one.largest), rounded_up(one.median), rounded_up(one.cap))
        table.add_row(one.unit.value, str(one.units), *figures)
    console.print(table)
    console.print("These figures are this bureau's own: nothing of them is ever sent.")


def _read(
    connection: sqlite3.Connection, windows: list[InBook], chain: Chain, now: int, epsilon_of: EpsilonOf
) -> Odometer:
    kept = {charge.session for charge in chain.book.charges if charge.number in chain.book.kept}
    lost = [one for one in windows if one.name.session.hex() not in kept]
    now = max(now, windows[-1].at)
    spent = (_spent(connection, unit, now - YEAR_S, windows[-1].cap, epsilon_of) for unit in Unit)
    return Odometer(
        windows=len(windows),
        answered=len(windows) - len(lost),
        claims=sum(one.claims for one in windows),
        lost=sum(one.claims for one in lost),
        left_out=windows[-1].left_out,
        spent=tuple(one for one in spent if one.units),
    )


def _spent(connection: sqlite3.Connection, unit: Unit, since: int, cap: int, epsilon_of: EpsilonOf) -> UnitSpending:
    with failing():
        found = np.array(connection.execute(_SPENT[unit], (since,)).fetchall(), np.int64).ravel()
    return UnitSpending(
        unit=unit,
        units=len(found),
        largest=epsilon_of(int(found.max())) if len(found) else 0.0,
        median=epsilon_of(int(np.median(found))) if len(found) else 0.0,
        cap=epsilon_of(cap),
    )
