"""The ledger: reserve, make durable, draw, persist, send - in this order, whatever crashes when."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from client.ledger.book import Book
from client.ledger.chain import NO_ENTRY, Chain, Head, read_chain, seal
from client.ledger.durable import PRIVATE_DIRECTORY, AppendFile, read_unlocked, sync_directory, write_new
from client.ledger.entry import Entry, Marked, Opened, Persisted, Reserved, reserved
from client.ledger.errors import BrokenLedgerError, BudgetError, ReleaseError
from client.ledger.keys import StationKey, create_key, load_key
from client.ledger.release import Charge, ReleaseId
from client.ledger.sessions import Sessions
from client.ledger.spending import Limits, Spending, Spent, objection
from client.ledger.vectors import Vectors, kept_numbers
from common.errors import InputError

Clock = Callable[[], int]
"""Seconds since 1970, UTC."""

KEY_FILE, CHAIN_FILE, VECTORS, SESSIONS = "station.key", "ledger.chain", "vectors", "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A release that is paid for. Whoever draws noise takes one of these first.

    Attributes:
        number: Of the entry that paid.
        release: What may be drawn, once.
        persist: Keeps the noised vector; call it before anything is sent. Raises ``ReleaseError`` the second time.
    """

    number: int
    release: ReleaseId
    persist: Callable[[bytes], None]


class Ledger:
    """A station's record of releases. One process, one thread.

    Guarantees:
        * ``reserve`` returns only when the charge is on the disk, so no noise is drawn without an entry.
        * A session, plan and round is charged at most once, ever; what was reserved and not persisted stays spent and
          is never drawn again.
        * ``vector_of`` gives the same bytes for ever, or None; it charges nothing.
        * Whatever limits say, nothing beyond them is charged, and a clock that goes back frees nothing.
        * It does not open on a chain that is broken, re-ordered, forged, signed by another key, shorter than a head
          that was seen, or shorter than a vector it keeps.
    """

    def __init__(  # noqa: PLR0917  one call, in ``open``
        self, file: AppendFile, chain: Chain, vectors: Vectors, key: StationKey, clock: Clock, sessions: Sessions
    ) -> None:
        """Use ``Ledger.open``."""
        self._file, self._chain, self._vectors, self._key, self._clock = file, chain, vectors, key, clock
        self.sessions = sessions

    @staticmethod
    def create(directory: Path, *, clock: Clock, passphrase: bytes | None = None) -> Head:
        """Make a ledger and its key in a new directory, or in an empty one; all or nothing.

        Raises:
            InputError: If there is something in the directory.
        """
        directory.parent.mkdir(parents=True, exist_ok=True)
        built = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            head = _build(built, clock, passphrase)
            built.rename(directory)
        except OSError:
            msg = f"{directory} is not empty or cannot be written: a new ledger takes a new directory"
            raise InputError(msg) from None
        finally:
            shutil.rmtree(built, ignore_errors=True)
        sync_directory(directory.parent)
        return head

    @classmethod
    def open(
        cls, directory: Path, *, clock: Clock, passphrase: bytes | None = None, seen: Head | None = None
    ) -> Ledger:
        """Check everything, and be the one writer until ``close``.

        Args:
            directory: Where it was created.
            clock: Says what time it is.
            passphrase: Of the key, if it has one.
            seen: The newest head that others have seen, if known.

        Raises:
            BrokenLedgerError: If the record cannot be trusted.
            InputError: If there is none, or its key file is missing, open to others or another one's.
            LedgerBusyError: If another process has it open.
        """
        key = load_key(directory / KEY_FILE, passphrase)
        file = AppendFile(directory / CHAIN_FILE)
        try:
            chain = _trusted(directory, file.read, key.public)
            if seen is not None:
                chain.check_against(seen)
            if chain.torn_bytes:
                file.cut(chain.whole_bytes)
        except BaseException:
            file.close()
            raise
        return cls(file, chain, Vectors(directory / VECTORS, key), key, clock, Sessions(directory / SESSIONS, key))

    def reserve(self, release: ReleaseId, charge: Charge, limits: Limits) -> Reservation:
        """Pay for a release; when this returns, its noise may be drawn, once.

        Raises:
            ReleaseError: If there is an entry for this session, plan and round: ask ``vector_of``.
            BudgetError: If the charge exceeds a limit; nothing is charged.
            EngineError: If the disk fails; the charge may count, the release may not be drawn.
        """
        if self._book.paid(release.place) is not None:
            raise ReleaseError("this round was charged before: its noise is never drawn again")
        time = self._time()
        asked = Spent.of(charge, time=time, session=release.session)
        if (limit := objection(self._book.spending, asked, limits)) is not None:
            raise BudgetError(limit)
        number, previous = self._next()
        self._append(reserved(release, charge, number=number, previous=previous, time=time))
        return Reservation(number=number, release=release, persist=lambda vector: self._persist(number, vector))

    def vector_of(self, release: ReleaseId) -> bytes | None:
        """The bytes that answer a retry; None if there is no entry, or nothing was kept for it.

        Raises:
            ReleaseError: If this round answered another question.
            BrokenLedgerError: If the kept bytes were changed.
        """
        paid = self._book.paid(release.place)
        if paid is None:
            return None
        if paid.question != release.question:
            raise ReleaseError("this round was asked another question before: ask it in a new round")
        kept = self._book.kept.get(paid.number)
        if kept is None:
            return None
        return self._vectors.kept(paid.number, self._chain.digests[paid.number], kept.vector)

    def mark(self, place: str, value: bytes) -> None:
        """Say something that is never contradicted; when this returns, it is on the disk. The same again is nothing.

        Args:
            place: What it is about: a word, a colon, and a hexadecimal name.
            value: 32 bytes.

        Raises:
            ReleaseError: If something else was said there.
            EngineError: If the disk fails.
        """
        known = self._book.marks.get(place)
        if known == value.hex():
            return
        if known is not None:
            raise ReleaseError("this was answered otherwise before: it is never contradicted")
        number, previous = self._next()
        self._append(Marked(number=number, previous=previous, time=self._time(), place=place, value=value.hex()))

    def marked(self, place: str) -> bytes | None:
        """What was said in a place, or None."""
        known = self._book.marks.get(place)
        return None if known is None else bytes.fromhex(known)

    def marks_of(self, kind: str) -> dict[str, bytes]:
        """What was said in all places that begin with a word."""
        return {place: bytes.fromhex(value) for place, value in self._book.marks.items() if place.startswith(kind)}

    def forget_vectors(self, session: bytes) -> None:
        """Delete the vectors of a session that is over; its releases stay spent, and are never drawn again."""
        for number, entry in enumerate(self._book.entries):
            if isinstance(entry, Reserved) and entry.session == session.hex():
                self._vectors.forget(number)

    def head(self) -> Head:
        """What others should see and keep."""
        return self._chain.head

    def check_against(self, seen_head: Head) -> None:
        """Make sure that this ledger continues the one whose head was seen.

        Raises:
            BrokenLedgerError: If it is shorter or another one.
        """
        self._chain.check_against(seen_head)

    @property
    def public_key(self) -> str:
        """Of the station, hexadecimal."""
        return self._chain.public_key

    @property
    def chain(self) -> Chain:
        """All that stands in it; to be read only."""
        return self._chain

    @property
    def spending(self) -> Spending:
        """What was spent so far; to be read only."""
        return self._book.spending

    def close(self) -> None:
        """Let another process write."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _book(self) -> Book:
        return self._chain.book

    def _persist(self, number: int, vector: bytes) -> None:
        digest = self._vectors.keep(number, self._chain.digests[number], vector)
        following, previous = self._next()
        entry = Persisted(number=following, previous=previous, time=self._time(), reservation=number, vector=digest)
        self._append(entry)

    def _append(self, entry: Entry) -> None:
        held, digest = seal(entry, self._key.signing)
        self._file.append(held)
        self._book.admit(entry)
        self._chain.digests.append(digest)

    def _next(self) -> tuple[int, str]:
        return len(self._chain.digests), self._chain.digests[-1]

    def _time(self) -> int:
        return max(self._clock(), self._book.entries[-1].time)


def inspect(directory: Path, public_key: str | None = None) -> Chain:
    """Check a ledger without writing it, even while a station does.

    Raises:
        BrokenLedgerError: If it cannot be trusted.
        InputError: If there is none.
    """
    return _trusted(directory, lambda: read_unlocked(directory / CHAIN_FILE), public_key)


def _build(directory: Path, clock: Clock, passphrase: bytes | None) -> Head:
    """Key, vectors and first entry."""
    (directory / VECTORS).mkdir(PRIVATE_DIRECTORY)
    key = create_key(directory / KEY_FILE, passphrase)
    opened = Opened(number=0, previous=NO_ENTRY, time=clock(), public_key=key.public)
    held, digest = seal(opened, key.signing)
    write_new(directory / CHAIN_FILE, held)
    return Head(number=0, digest=digest)


def _trusted(directory: Path, read: Callable[[], bytes], public_key: str | None) -> Chain:
    """The chain, unless a vector is kept for an entry it does not have.

    Vectors are written after their entry and looked for before the entries are read, so a station at work does no harm.
    """
    kept = kept_numbers(directory / VECTORS)
    chain = read_chain(read(), public_key)
    entries = chain.book.entries
    for number in kept:
        if number >= len(entries) or not isinstance(entries[number], Reserved):
            reason = f"a vector is kept for entry {number}, which is not there: the ledger was shortened or replaced"
            raise BrokenLedgerError(reason, entry=min(number, len(entries)))
    return chain
