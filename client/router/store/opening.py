"""Opening the database behind a store: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from client.ledger.durable import PRIVATE
from client.router.store.tables import ABOUT, METADATA, STORE_FORMAT
from common.errors import EngineError, InputError

BUSY_S = 30
"""How long one process waits for another one's commit."""

CHECKPOINT_PAGES = 4_000
"""Of 4 KiB that the write-ahead log takes before they move to the database: 16 MiB."""

CACHE_KIB = 65_536
"""Of pages that a connection keeps: an index of which too little is in memory is read again for every commit."""

_WRITES = "fedclaims_writes"
_DIALECTS = frozenset({"sqlite", "postgresql"})


class StoreError(EngineError):
    """The store could not be read or written: what was asked is not decided. Mend the disk or the database."""


def open_engine(url: URL) -> Engine:
    """A database with a store's tables in it.

    Guarantees:
        * SQLite: a commit is on the disk when it returns (write-ahead log, synchronous), readers never wait, the file
          is its owner's alone.

    Raises:
        InputError: If it is another kind of database, or holds a store of another format.
        StoreError: If it cannot be reached.
    """
    if url.get_backend_name() not in _DIALECTS:
        msg = f"a router's store is in {' or '.join(sorted(_DIALECTS))}, not in this kind of database"
        raise InputError(msg)
    try:
        with ExitStack() as failed:
            engine = _sqlite(url) if url.get_backend_name() == "sqlite" else create_engine(url, hide_parameters=True)
            failed.callback(engine.dispose)
            METADATA.create_all(engine)
            _insist_format(engine)
            failed.pop_all()
    except (SQLAlchemyError, OSError, ImportError) as error:
        msg = f"the router's store cannot be opened ({type(error).__name__}): check its directory or its address"
        raise StoreError(msg) from None
    return engine


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    with suppress(FileExistsError):
        path.touch(PRIVATE, exist_ok=False)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_S, "check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that will write: it waits for its turn when it begins, and never loses it on the way."""
    return engine.execution_options(**{_WRITES: True}).begin()


def _begin(connection: Connection) -> None:
    """SQLite turns a reader into a writer only if nobody wrote since; so whoever will write says it first."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    for said in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {said}")
    for name, held in (("wal_autocheckpoint", CHECKPOINT_PAGES), ("cache_size", -CACHE_KIB)):
        cursor.execute(f"PRAGMA {name}={held}")
    cursor.close()


def _insist_format(engine: Engine) -> None:
    with writing(engine) as connection:
        held = connection.execute(select(ABOUT.c.held).where(ABOUT.c.name == "format")).scalar()
        if held is None:
            connection.execute(ABOUT.insert().values(name="format", held=STORE_FORMAT))
        elif held != STORE_FORMAT:
            msg = (
                f"the router's store is of format {held}, and this program reads {STORE_FORMAT}: use the right version"
            )
            raise InputError(msg)
