"""Claims from a database: one table or one SELECT, an allow-list of columns, read-only, batch by batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from client.claims.sources.limits import Limits
from client.claims.sources.sql_digest import digest_rows
from common.errors import SourceError

DIALECTS = frozenset({"postgresql", "sqlite"})
_BATCH_ROWS = 20_000
_INT64 = 2**63
_FAILURES = (
    SQLAlchemyError,
    pa.ArrowException,
    sqlite3.Error,
    OSError,
    ValueError,
    TypeError,
    OverflowError,
    ImportError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What is read.

    Attributes:
        table: Its name, perhaps behind its schema's and a dot; empty if ``query`` says what is read.
        query: A SELECT; empty if ``table`` says it.
        columns: The allow-list: no other column is ever asked for.
        order: Those of ``columns`` that come first in the order of rows: the claim's key.
    """

    table: str = ""
    query: str = ""
    columns: tuple[str, ...]
    order: tuple[str, ...] = ()


class SqlSource:
    """Rows of a database; a ``ClaimSource``. Close it after use.

    Guarantees:
        * Everything is read in one read-only transaction, at one state of the database, in one order.
        * Nothing but the allow-listed columns is asked for.
        * Memory holds one batch: PostgreSQL reads through a cursor at the server.
        * An error names a class and a column, never a value, a statement or a password.
    """

    def __init__(
        self, url: str | URL, relation: Relation, limits: Limits | None = None, *, batch_rows: int = _BATCH_ROWS
    ) -> None:
        """Connect and see that the columns are there.

        Raises:
            SourceError: If the database is not reached, is of another kind, or does not have them.
        """
        self._relation, self._limits, self._batch_rows = relation, limits or Limits(), batch_rows
        self._connection = _connected(url)
        try:
            self._connection.execute(self._select(relation.columns).limit(0)).close()
        except _FAILURES as error:
            self.close()
            raise _failure(
                error, "the table, the query or a column is not there, or this account may not read"
            ) from None

    @property
    def schema_names(self) -> tuple[str, ...]:
        """The allow-list."""
        return self._relation.columns

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Read some columns; see ``ClaimSource.batches``."""
        if unknown := [name for name in columns if name not in self._relation.columns]:
            msg = f"column {unknown[0]!r} is not on the list of columns that may be read"
            raise SourceError(msg)
        n_rows = 0
        for rows in self._partitions(columns):
            n_rows += len(rows)
            yield self._batch(columns, rows, n_rows)

    def digest(self) -> str:
        """SHA-256 of all allow-listed columns of all rows, in the order in which ``batches`` gives them.

        Raises:
            SourceError: If they cannot be read to their end.
        """
        try:
            return digest_rows(self._relation.columns, self._partitions(self._relation.columns))
        except (TypeError, ValueError, OverflowError) as error:
            raise _failure(error, "a column holds values of a kind that claims do not have") from None

    def snapshot(self) -> str:
        """The database's own name for the state that is read; empty where it has none."""
        if self._connection.dialect.name != "postgresql":
            return ""
        try:
            return str(self._connection.execute(sa.text("SELECT CAST(pg_current_snapshot() AS text)")).scalar())
        except _FAILURES as error:
            raise _failure(error, "the database's state cannot be asked") from None

    def may_write(self) -> bool:
        """Whether this account could change the table; False where that cannot be asked."""
        if self._connection.dialect.name != "postgresql" or not self._relation.table:
            return False
        asked = sa.text("SELECT has_table_privilege(CAST(:table AS text), 'INSERT,UPDATE,DELETE,TRUNCATE')")
        try:
            return bool(self._connection.execute(asked, {"table": self._relation.table}).scalar())
        except _FAILURES as error:
            raise _failure(error, "the account's rights cannot be asked") from None

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _partitions(self, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
        try:
            streamed = self._select(columns).execution_options(stream_results=True, yield_per=self._batch_rows)
            with self._connection.execute(streamed) as result:
                yield from result.partitions(self._batch_rows)
        except _FAILURES as error:
            raise _failure(error, "reading failed") from None

    def _select(self, columns: Sequence[str]) -> sa.Select[Any]:
        """Rows in a total order that they alone decide: by the key, then by every other column that may be read."""
        relation = self._relation
        named: list[sa.ColumnClause[Any]] = [sa.column(name) for name in relation.columns]
        if relation.query:
            held: Any = sa.text(relation.query.strip().rstrip(";")).columns(*named).subquery("claims")
        else:
            schema, _, table = relation.table.rpartition(".")
            held = sa.table(table, *named, schema=schema or None)
        order = dict.fromkeys((*relation.order, *relation.columns))
        return sa.select(*(held.c[name] for name in columns)).order_by(*(self._ordered(held.c[name]) for name in order))

    def _ordered(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """By bytes: another version of the server's language files must not change the order."""
        if self._connection.dialect.name != "postgresql":
            return column
        return sa.cast(column, sa.Text).collate("C")

    def _batch(self, columns: Sequence[str], rows: Sequence[Any], n_rows: int) -> pa.RecordBatch:
        if n_rows > self._limits.rows:
            msg = f"the database gives more than {self._limits.rows} rows; split them"
            raise SourceError(msg)
        held = [self._array(name, values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)]
        return pa.RecordBatch.from_arrays(held, names=list(columns))

    def _array(self, name: str, values: Sequence[Any]) -> pa.Array:
        try:
            column = pa.array(_plain(values))
            longest = pc.max(pc.binary_length(column)).as_py() if pa.types.is_string(column.type) else 0
        except _FAILURES:
            msg = f"column {name!r} holds values of several kinds, or of one that claims do not have"
            raise SourceError(msg) from None
        if longest is not None and longest > self._limits.field_bytes:
            msg = f"column {name!r} has a field of {longest} bytes, the limit is {self._limits.field_bytes}"
            raise SourceError(msg)
        return column


def _plain(values: Sequence[Any]) -> Sequence[Any]:
    """Decimals as whole numbers where all are, else as floats; everything else as it is."""
    given = [value for value in values if isinstance(value, Decimal)]
    if not given:
        return values
    whole = all(value.is_finite() and value == value.to_integral_value() and abs(value) < _INT64 for value in given)
    change = int if whole else float
    return [change(value) if isinstance(value, Decimal) else value for value in values]


def _connected(url: str | URL) -> Connection:
    """A connection in a read-only transaction that sees one state of the database."""
    try:
        address = make_url(url)
        if address.get_backend_name() not in DIALECTS:
            msg = f"claims are read from {' or '.join(sorted(DIALECTS))}, not from this kind of database"
            raise SourceError(msg)
        if address.get_backend_name() == "sqlite":
            connection = _of_sqlite(address).connect()
            connection.exec_driver_sql("BEGIN")
            return connection
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        engine = sa.create_engine(address, poolclass=NullPool, hide_parameters=True, execution_options=options)
        return engine.connect()
    except _FAILURES as error:
        raise _failure(error, "the database is not reached: check address, account and password file") from None


def _of_sqlite(address: URL) -> Engine:
    path = Path(address.database or "")
    if not path.is_file():
        msg = "there is no such SQLite file"
        raise SourceError(msg)
    target = f"{path.absolute().as_uri()}?mode=ro"
    return sa.create_engine(
        "sqlite://",
        poolclass=NullPool,
        hide_parameters=True,
        creator=lambda: sqlite3.connect(target, uri=True, isolation_level=None, check_same_thread=False),
    )


def _failure(error: BaseException, what: str) -> SourceError:
    """An error without the database's own words, which could hold values."""
    return SourceError(f"{what} ({type(error).__name__})")
