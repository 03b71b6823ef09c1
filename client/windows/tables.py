"""The tables of the claim book, and how its file is opened. Digests are kept as signed whole numbers of 64 bits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client.ledger.durable import PRIVATE, sync_directory
from common.errors import EngineError, InputError

BOOK_FILE = "claims.book"
"""Beside the ledger's chain: one backup holds both."""

FORMAT = 1
BUSY_S = 30
_BROKEN = "the claim book cannot be read or written: free some space or mend the disk, then start the station again"
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (claim INTEGER PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS windows (
    id INTEGER PRIMARY KEY, session BLOB NOT NULL UNIQUE, stream TEXT NOT NULL, number INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, at INTEGER NOT NULL, unit TEXT NOT NULL,
    rho INTEGER NOT NULL, cap INTEGER NOT NULL, claims INTEGER NOT NULL,
    edited INTEGER NOT NULL, spent INTEGER NOT NULL, late INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    window INTEGER NOT NULL, claim INTEGER NOT NULL, content INTEGER NOT NULL,
    PRIMARY KEY (window, claim)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_of_claim ON entries (claim);
CREATE TABLE IF NOT EXISTS charges (
    person INTEGER NOT NULL, window INTEGER NOT NULL, at INTEGER NOT NULL, rho INTEGER NOT NULL,
    PRIMARY KEY (person, window)) WITHOUT ROWID;
CREATE TEMP TABLE asked (about INTEGER PRIMARY KEY);
"""


def open_tables(path: Path) -> sqlite3.Connection:
    """The file, made if it is not there, for its owner alone.

    Guarantees:
        * A commit is on the disk when it returns.

    Raises:
        EngineError: If it cannot be opened.
        InputError: If it is a book of another format.
    """
    with failing():
        with suppress(FileExistsError):
            path.touch(PRIVATE, exist_ok=False)
            sync_directory(path.parent)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.executescript(_TABLES)
        connection.execute("INSERT OR IGNORE INTO about VALUES ('format', ?)", (str(FORMAT),))
    if said(connection, "format") != str(FORMAT):
        msg = f"{path} is a claim book of another format: install the version of fedclaims that wrote it"
        raise InputError(msg)
    return connection


def open_to_read(path: Path) -> sqlite3.Connection | None:
    """The file as it is now, also while a station writes it; None if there is none."""
    if not path.exists():
        return None
    with failing():
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
    return connection


def said(connection: sqlite3.Connection, name: str) -> str | None:
    """What the book says of itself."""
    with failing():
        found = connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
    return None if found is None else str(found[0])


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction: all of it, durably, or nothing."""
    with failing():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


@contextmanager
def failing() -> Iterator[None]:
    """An error of the database says no value."""
    try:
        yield
    except (sqlite3.Error, OSError):
        raise EngineError(_BROKEN) from None
