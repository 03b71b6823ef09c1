"""What stands in the claim book of a window: its terms, its claims as digests, what stayed out and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from client.windows.digests import Digests
from client.windows.filtering import Costs
from client.windows.marks import WindowName, digest_of
from client.windows.tables import failing
from common.accounting.guarantee import Unit

COLUMNS = "id, session, stream, number, fingerprint, at, unit, rho, cap, claims, edited, spent, late, digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Claims that stayed out of a window, by reason.

    Attributes:
        edited: They were changed after they had entered.
        spent: The year of their person, or their own, has too little left.
        late: They arrived when the window had closed.
    """

    edited: int
    spent: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InBook:
    """A window that claims have entered.

    Attributes:
        id: Rising with every window, from 1.
        name: Whose it is.
        fingerprint: Of the plan under which they entered.
        at: When its claims entered, seconds since 1970.
        unit: Whom it protects.
        rho: What it costs, units of 1e-9.
        cap: The most that anybody was charged for windows in 366 days, this one included.
        claims: How many entered.
        left_out: How many did not.
        digest: Of the claims, as in the ledger's mark.
    """

    id: int
    name: WindowName
    fingerprint: str
    at: int
    unit: Unit
    rho: int
    cap: int
    claims: int
    left_out: LeftOut
    digest: bytes

    def counted(self, keys: Digests, contents: Digests) -> InBook:
        """The same, with number and digest of these claims."""
        return replace(self, claims=len(keys), digest=digest_of(keys, contents))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A window's claims and charges, about to be entered.

    Attributes:
        name: Whose it is.
        fingerprint: As in ``InBook``, like ``unit``, ``rho``, ``cap`` and ``left_out``.
        keys: Digests of the keys of its claims.
        contents: Digests of what stands in them.
        persons: Who is charged.
        charges: What each of them is charged.
    """

    name: WindowName
    fingerprint: str
    unit: Unit
    rho: int
    cap: int
    left_out: LeftOut
    keys: Digests
    contents: Digests
    persons: npt.NDArray[np.uint64]
    charges: Costs


def windows_in(connection: sqlite3.Connection) -> list[InBook]:
    """All windows of a book, in their order."""
    with failing():
        rows = connection.execute(f"SELECT {COLUMNS} FROM windows ORDER BY id").fetchall()  # noqa: S608  our own names
    return [_window(row) for row in rows]


def claims_in(connection: sqlite3.Connection, window: int) -> tuple[Digests, Digests]:
    """Keys and contents of what entered a window."""
    with failing():
        rows = connection.execute("SELECT claim, content FROM entries WHERE window = ?", (window,)).fetchall()
    found = np.array(rows, np.int64).reshape(-1, 2).view(np.uint64)
    return np.ascontiguousarray(found[:, 0]), np.ascontiguousarray(found[:, 1])


def _window(row: Sequence[Any]) -> InBook:
    number, session, stream, window, fingerprint, at, unit, rho, cap, claims, edited, spent, late, digest = row
    return InBook(
        id=number,
        name=WindowName(stream=stream, number=window, session=session),
        fingerprint=fingerprint,
        at=at,
        unit=Unit(unit),
        rho=rho,
        cap=cap,
        claims=claims,
        left_out=LeftOut(edited=edited, spent=spent, late=late),
        digest=digest,
    )
