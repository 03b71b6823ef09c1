"""Claims from a database: the same claims as from a file, read-only, allow-listed, and no value in any error."""

from __future__ import annotations

import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from client.claims.sources.limits import Limits
from client.claims.sources.parquet import ParquetSource
from client.claims.sources.sql import Relation, SqlSource
from client.deployment.claims import StationClaims
from client.deployment.configuration import load_configuration
from client.deployment.doctor.asking import claims as claims_checks
from client.deployment.doctor.findings import Level
from client.deployment.place import Place
from common.errors import SourceError
from tests.client.deployment.postgres import Server
from tests.client.deployment.stations import Home, plan_of
from tests.client.tables import ingest, wide_row, write_parquet

CANARY = "CANARY-0815"
COLUMNS = ("setl_id", "psn_no", "diag_code", "medfee_sumamt", "amt_01", "amt_09")
RELATION = Relation(table="claims", columns=COLUMNS, order=("setl_id",))


def rows_of(n_rows: int = 50) -> list[dict[str, object]]:
    return [wide_row(number) for number in range(n_rows)] + [wide_row(3), wide_row(900, diag_code=f"{CANARY} ?")]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "claims.sqlite"
    with sqlite3.connect(path) as connection:
        names = (*COLUMNS, "psn_name")
        connection.execute(f"CREATE TABLE claims ({', '.join(names)})")
        for row in rows_of():
            held = [row.get(name, CANARY) for name in names]
            connection.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)", held)
    connection.close()
    return path


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def read(source: SqlSource) -> list[dict[str, Any]]:
    return [row for batch in source.batches(source.schema_names) for row in batch.to_pylist()]


def test_a_database_gives_the_claims_that_a_file_of_the_same_rows_gives(database: Path, tmp_path: Path) -> None:
    from_file, said = ingest(ParquetSource(write_parquet(tmp_path / "c.parquet", rows_of())))
    with SqlSource(url_of(database), RELATION, batch_rows=7) as source:
        from_sql, report = ingest(source)
    assert report == said
    assert dict(report.rejected) == {"duplicate_claim_key": 1, "ill_formed_code": 1}
    persons = [sorted(int(one) for found in held for one in found.table.person_id) for held in (from_file, from_sql)]
    assert persons[0] == persons[1]


def test_every_pass_gives_the_same_rows_in_the_same_order(database: Path) -> None:
    with SqlSource(url_of(database), RELATION, batch_rows=8) as source:
        first = read(source)
        only = next(source.batches(["psn_no"]))
        assert read(source) == first
        assert [row["setl_id"] for row in first] == sorted(row["setl_id"] for row in first)
        assert only["psn_no"].to_pylist() == [row["psn_no"] for row in first][:8]


def test_no_column_is_read_that_is_not_on_the_list(database: Path) -> None:
    asked: list[str] = []
    with SqlSource(url_of(database), RELATION) as source:
        sa.event.listen(source._connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        assert source.schema_names == COLUMNS
        with pytest.raises(SourceError, match="not on the list"):
            next(source.batches(["psn_name"]))
        read(source)
    assert asked
    assert not any("psn_name" in one or "*" in one for one in asked)


def test_a_query_may_be_given_and_can_change_nothing(database: Path) -> None:
    query = "SELECT setl_id, psn_no, diag_code, medfee_sumamt, amt_01, amt_09 FROM claims WHERE setl_id < 'S2';"
    with SqlSource(url_of(database), Relation(query=query, columns=COLUMNS)) as source:
        assert {row["setl_id"] for row in read(source)} == {"S0", "S1"} | {f"S{n}" for n in range(10, 20)}
    for bad in ("DELETE FROM claims RETURNING *", "SELECT 1; DELETE FROM claims"):
        with pytest.raises(SourceError):
            SqlSource(url_of(database), Relation(query=bad, columns=COLUMNS))
    with SqlSource(url_of(database), RELATION) as source:
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            source._connection.exec_driver_sql("DELETE FROM claims")
        assert len(read(source)) == 52


def test_kinds_of_values_become_columns_that_ingest_knows(tmp_path: Path) -> None:
    path = tmp_path / "kinds.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE claims (a, b, c)")
        connection.executemany("INSERT INTO claims VALUES (?, ?, ?)", [(1, 1.5, None), (2, None, "x")])
    with SqlSource(url_of(path), Relation(table="claims", columns=("a", "b", "c"))) as source:
        (batch,) = source.batches(("c", "a", "b"))
        assert batch.schema.names == ["c", "a", "b"]
        assert [column.type for column in batch.columns] == [pa.string(), pa.int64(), pa.float64()]
        given = [source._array("n", held).type for held in ([Decimal(12), None], [Decimal("1.25"), Decimal("NaN")])]
        assert given == [pa.int64(), pa.float64()]
        assert source._array("d", [date(2024, 1, 2)]).type == pa.date32()


def test_an_error_names_a_column_and_never_a_value(tmp_path: Path) -> None:
    path = tmp_path / "mixed.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE claims (a)")
        connection.executemany("INSERT INTO claims VALUES (?)", [(1,), (CANARY,)])
    with SqlSource(url_of(path), Relation(table="claims", columns=("a",))) as source:
        with pytest.raises(SourceError, match="column 'a'") as caught:
            read(source)
        assert CANARY not in f"{caught.value!r} {caught.value.__cause__!r}"
    limits = Limits(field_bytes=5)
    with pytest.raises(SourceError, match="limit is 5"):
        read(SqlSource(url_of(path), Relation(query="SELECT a FROM claims WHERE a > 'A'", columns=("a",)), limits))
    with pytest.raises(SourceError, match="more than 1 rows"):
        read(SqlSource(url_of(path), Relation(table="claims", columns=("a",)), Limits(rows=1)))


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("sqlite:////no/such/file", "no such SQLite file"),
        ("mysql://host/db", "postgresql or sqlite"),
        ("no address", "not reached"),
        ("postgresql+psycopg://nobody@/db?host=/no/such/place", "not reached"),
    ],
)
def test_what_is_not_reached_is_an_error_that_says_so(url: str, word: str) -> None:
    with pytest.raises(SourceError, match=word):
        SqlSource(url, RELATION)


def test_a_missing_table_or_column_is_an_error_before_anything_is_read(database: Path) -> None:
    for relation in (
        Relation(table="nothing", columns=COLUMNS),
        Relation(table="claims", columns=("setl_id", "nothing")),
    ):
        with pytest.raises(SourceError, match="not there"):
            SqlSource(url_of(database), relation)


def sql_home(root: Path, url: str, password_file: str = "") -> Home:
    home = Home(root).begin(plan_of())
    given = f'password_file = "{password_file}"\n' if password_file else ""
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    home.configure('files = ["claims.parquet"]', "")
    home.configure('"content"', '"v1"')
    home.configure("[socket]", f'[claims.sql]\nurl = "{url}"\n{given}table = "claims"\ncolumns = [{columns}]\n[socket]')
    return home


def test_a_station_reads_its_claims_from_a_database(database: Path, tmp_path: Path) -> None:
    home = sql_home(tmp_path / "n", url_of(database))
    place = Place(home.root)
    found = StationClaims(place, load_configuration(place.configuration))
    assert (len(found.rows_for(plan_of())), found.data_version) == (50, "v1")


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    engine = sa.create_engine(server.url("owner"))
    amounts = ", ".join(f"{name} numeric(12, 2)" for name in ("medfee_sumamt", "amt_01", "amt_09"))
    values = "'S' || n, n / 3, 'I10.x05', 100, 60, 40, 'x'"
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"CREATE TABLE claims (setl_id text, psn_no bigint, diag_code text, {amounts}, psn_name text)")
        )
        connection.execute(sa.text(f"INSERT INTO claims SELECT {values} FROM generate_series(1, 30000) n"))  # noqa: S608
        connection.execute(sa.text("CREATE ROLE reader LOGIN; GRANT SELECT ON claims TO reader"))
    engine.dispose()
    return server


def test_postgresql_gives_every_row_through_a_cursor_at_the_server(filled: Server) -> None:
    with SqlSource(filled.url("reader"), RELATION, batch_rows=4_000) as source:
        batches = list(source.batches(COLUMNS))
        assert [batch.num_rows for batch in batches] == [4_000] * 7 + [2_000]
        assert [str(column.type) for column in batches[0].columns] == ["string", "int64", "string", *["int64"] * 3]
        _, report = ingest(source)
        assert (report.accepted, report.seen) == (30_000, 30_000)
        assert not source.may_write()
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            source._connection.exec_driver_sql("SELECT * FROM pg_authid")


def test_postgresql_is_read_at_one_state_and_written_by_nobody(filled: Server) -> None:
    engine = sa.create_engine(filled.url("owner"))
    with SqlSource(filled.url("owner"), RELATION) as source:
        first = sum(batch.num_rows for batch in source.batches(["setl_id"]))
        with engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO claims VALUES ('new', 1, 'I10', 1, 1, 0, '')"))
        assert sum(batch.num_rows for batch in source.batches(["setl_id"])) == first
        assert source.may_write()
        with pytest.raises(sa.exc.InternalError, match="read-only"):
            source._connection.exec_driver_sql("DELETE FROM claims")
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM claims WHERE setl_id = 'new'"))
    engine.dispose()


def test_doctor_warns_of_an_account_that_may_write(filled: Server, tmp_path: Path) -> None:
    for user, level in (("owner", Level.WARNING), ("reader", None)):
        home = sql_home(tmp_path / user, filled.url(user))
        place = Place(home.root)
        found = {one.check: one.level for one in claims_checks(place, load_configuration(place.configuration))}
        assert found.get("database account") == level
        assert found["claims"] is Level.FINE
