"""The claim book: a durable, local record of which claims entered which window, and what each person was charged."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from client.ledger.spending import YEAR_S
from client.windows.choosing import Seconds
from client.windows.digests import Digests
from client.windows.entered import Entered, Seen, newest
from client.windows.errors import BrokenBookError
from client.windows.filtering import Costs
from client.windows.marks import digest_of
from client.windows.record import COLUMNS, Entry, InBook, windows_in
from client.windows.tables import failing, open_tables, said, writing
from common.errors import EngineError

BACKLOG = 0
"""When claims arrived that were there when the book was begun: before every window."""


class ClaimBook:
    """One bureau's book. One process, one thread at a time, beside an open ledger.

    Guarantees:
        * ``enter`` returns only when a window's claims and charges are on the disk, all of them or none.
        * A session enters once; what it entered is never changed or taken back.
        * After a failed write nothing more is written or read: what the disk holds is not known until it is read anew.
        * No claim key, name or content is in it: digests under the bureau's key alone.
    """

    def __init__(self, path: Path, owner: str) -> None:
        """Open or begin the book in a file.

        Args:
            path: Beside the ledger.
            owner: The ledger's public key; a book of another one is refused.

        Raises:
            BrokenBookError: If it belongs to another ledger.
            EngineError: If it cannot be opened.
        """
        self._connection = open_tables(path)
        try:
            with writing(self._connection):
                self._connection.execute("INSERT OR IGNORE INTO about VALUES ('owner', ?)", (owner,))
            self._insist_owner(owner)
            self._windows = {one.name.session: one for one in windows_in(self._connection)}
            self.entered, self._seen = _entered(self._connection), _seen(self._connection)
        except BaseException:
            self._connection.close()
            raise
        self._failed = False

    @property
    def windows(self) -> tuple[InBook, ...]:
        """All windows, in the order in which they were entered."""
        return tuple(self._windows.values())

    def window_of(self, session: bytes) -> InBook | None:
        """What a session entered, if it did."""
        self._insist_known()
        return self._windows.get(session)

    def enter(self, entry: Entry, now: int) -> InBook:
        """Enter a window's claims, durably.

        Raises:
            EngineError: If they could not be written; nothing may be released about them.
            ValueError: If the session has entered before.
        """
        self._insist_known()
        if entry.name.session in self._windows:
            msg = "a session enters its claims once"
            raise ValueError(msg)
        found = self._next(entry, now)
        self._failed = True
        with writing(self._connection):
            self._write(found, entry)
        self.entered = self.entered.plus(entry.keys, entry.contents, found.id)
        self._windows[entry.name.session] = found
        self._failed = False
        return found

    def first_seen(self, keys: Digests, now: int) -> Seconds:
        """When claims were first seen, noted now for those that never were; what the book begins with is backlog."""
        self._insist_known()
        new, at = self._seen.new(keys), now if len(self._seen.keys) else BACKLOG
        if len(new):
            with writing(self._connection):
                rows = ((claim, at) for claim in sorted(_signed(new)))
                self._connection.executemany("INSERT INTO seen VALUES (?, ?)", rows)
            self._seen = self._seen.plus(new, at)
        return self._seen.of(keys, at)

    def spent_by_persons(self, persons: npt.NDArray[np.uint64], now: int) -> Costs:
        """What each of some persons was charged in the 366 days up to now."""
        sql = "SELECT person, SUM(rho) FROM asked JOIN charges ON person = about WHERE at > ? GROUP BY person"
        return self._of_each(persons, sql, (now - YEAR_S,))

    def spent_by_claims(self, keys: Digests, now: int) -> Costs:
        """What each of some claims was charged in the 366 days up to now."""
        sql = (
            "SELECT claim, SUM(rho) FROM asked JOIN entries ON claim = about "
            "JOIN windows ON window = id WHERE at > ? GROUP BY claim"
        )
        return self._of_each(keys, sql, (now - YEAR_S,))

    def time(self, now: int) -> int:
        """The time that counts: a clock that goes back frees nothing."""
        return max([now, *(one.at for one in list(self._windows.values())[-1:])])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, entry: Entry, now: int) -> InBook:
        return InBook(
            id=len(self._windows) + 1,
            name=entry.name,
            fingerprint=entry.fingerprint,
            at=self.time(now),
            unit=entry.unit,
            rho=entry.rho,
            cap=entry.cap,
            claims=len(entry.keys),
            left_out=entry.left_out,
            digest=digest_of(entry.keys, entry.contents),
        )

    def _write(self, found: InBook, entry: Entry) -> None:
        name, out = found.name, found.left_out
        held = (found.id, name.session, name.stream, name.number, found.fingerprint, found.at, found.unit.value)
        counts = (found.rho, found.cap, found.claims, out.edited, out.spent, out.late, found.digest)
        self._connection.execute(f"INSERT INTO windows ({COLUMNS}) VALUES ({_marks(14)})", (*held, *counts))  # noqa: S608  our own names
        claims = sorted(zip(_signed(entry.keys), _signed(entry.contents), strict=True))
        charges = sorted(zip(_signed(entry.persons), entry.charges.tolist(), strict=True))
        self._connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?)", ((found.id, claim, content) for claim, content in claims)
        )
        self._connection.executemany(
            "INSERT INTO charges VALUES (?, ?, ?, ?)", ((who, found.id, found.at, rho) for who, rho in charges)
        )

    def _of_each(self, digests: Digests, sql: str, terms: tuple[int, ...] = ()) -> npt.NDArray[np.int64]:
        """One number for each digest; 0 where nothing is found."""
        self._insist_known()
        with writing(self._connection):
            self._connection.execute("DELETE FROM asked")
            self._connection.executemany("INSERT OR IGNORE INTO asked VALUES (?)", zip(_signed(digests), strict=True))
            found = np.array(self._connection.execute(sql, terms).fetchall(), np.int64).reshape(-1, 2)
        order = np.argsort(found[:, 0])
        keys, figures = found[order, 0], found[order, 1]
        places = np.minimum(np.searchsorted(keys, digests.view(np.int64)), max(len(keys) - 1, 0))
        if not len(keys):
            return np.zeros(len(digests), np.int64)
        return np.where(keys[places] == digests.view(np.int64), figures[places], 0)

    def _insist_owner(self, owner: str) -> None:
        if said(self._connection, "owner") != owner:
            raise BrokenBookError("it was written beside another ledger")

    def _insist_known(self) -> None:
        if self._failed:
            msg = "the claim book could not be written: free some space or mend the disk, then start the station again"
            raise EngineError(msg)


def _entered(connection: sqlite3.Connection) -> Entered:
    with failing():
        rows = connection.execute("SELECT claim, content, window FROM entries ORDER BY window").fetchall()
    found = np.array(rows, np.int64).reshape(-1, 3)
    keys, contents = (np.ascontiguousarray(found[:, place]).view(np.uint64) for place in (0, 1))
    return newest([Entered(keys=keys, contents=contents, windows=found[:, 2])])


def _seen(connection: sqlite3.Connection) -> Seen:
    with failing():
        rows = connection.execute("SELECT claim, at FROM seen").fetchall()
    found = np.array(rows, np.int64).reshape(-1, 2)
    keys = np.ascontiguousarray(found[:, 0]).view(np.uint64)
    order = np.argsort(keys)
    return Seen(keys=keys[order], times=found[order, 1])


def _signed(digests: Digests) -> list[int]:
    """As SQLite keeps them."""
    found: list[int] = digests.view(np.int64).tolist()
    return found


def _marks(count: int) -> str:
    return ", ".join("?" * count)
