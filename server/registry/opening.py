"""Opening the registry's database: SQLite in a file, or PostgreSQL; transactions that are durable when they end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from common.errors import EngineError, InputError

DIALECTS = frozenset({"postgresql", "sqlite"})
BUSY_S = 60.0
IMMEDIATE = "fedclaims_immediate"
CONNECT_S = 10


class RegistryError(EngineError):
    """The registry's database cannot be used: mend it; what was written before is still there."""


class ConflictError(RegistryError):
    """Another process has written what cannot be written twice; look at what is there, and begin again from that."""


@dataclass(frozen=True, slots=True)
class Database:
    """A database that was opened.

    Guarantees:
        * What ``writing`` wrote is on the disk when it ends; if it ends with an error, nothing of it is.
        * An error names its class and never a statement, a value or a password.

    Attributes:
        engine: Of SQLAlchemy; connects anew for every transaction, so that a server may restart.
    """

    engine: Engine

    @property
    def dialect(self) -> str:
        """Its kind."""
        return str(self.engine.dialect.name)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one state.

        Raises:
            RegistryError: If the database cannot be used.
        """
        options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
        with _guarded(), self.engine.execution_options(**options).connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, whole or not at all; on SQLite no other writes meanwhile.

        Raises:
            ConflictError: If it contradicts what is there.
            RegistryError: If the database cannot be used.
        """
        with _guarded(), self.engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
            yield connection


def open_database(url: str, password: str | None = None) -> Database:
    """Open a database; nothing is asked of it yet.

    Args:
        url: Of SQLAlchemy, without a password.
        password: Of the account, if it needs one.

    Raises:
        InputError: If this is no address of a kind that is known.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        msg = "the registry's url is no address of a database: mend it under [registry]"
        raise InputError(msg) from None
    kind = address.get_backend_name()
    if kind not in DIALECTS:
        msg = f"the registry is kept in {' or '.join(sorted(DIALECTS))}, not in this kind of database"
        raise InputError(msg)
    address = address.set(password=password) if password is not None else address
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_S} if kind == "sqlite" else {}}
    if kind == "postgresql":
        options = {"connect_args": {"connect_timeout": CONNECT_S}}
    try:
        engine = sa.create_engine(address, poolclass=NullPool, hide_parameters=True, **options)
    except (SQLAlchemyError, ImportError) as error:
        msg = f"this kind of database has no driver here, or takes no password ({type(error).__name__})"
        raise InputError(msg) from None
    if kind == "sqlite":
        sa.event.listen(engine, "connect", _make_durable)
        sa.event.listen(engine, "begin", _begin)
    return Database(engine)


def _make_durable(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    wanted = connection.get_execution_options().get(IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if wanted else "BEGIN")


@contextmanager
def _guarded() -> Iterator[None]:
    """Errors without the database's own words, which could hold values."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        msg = f"the registry does not take this twice, or not in this order ({type(error.orig).__name__})"
        raise ConflictError(msg) from None
    except sa.exc.OperationalError as error:
        if _is_serialization(error):
            msg = "another process wrote to the registry at the same moment: do it again"
            raise ConflictError(msg) from None
        msg = (
            f"the registry cannot be reached or written ({type(error.orig).__name__}): check address, account and disk"
        )
        raise RegistryError(msg) from None
    except (SQLAlchemyError, OSError) as error:
        msg = f"the registry refused ({type(error).__name__}): run `fedclaims-coordinator doctor`"
        raise RegistryError(msg) from None


def _is_serialization(error: sa.exc.OperationalError) -> bool:
    return str(getattr(error.orig, "sqlstate", "")) in {"40001", "40P01"}
