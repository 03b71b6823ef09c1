"""The data version of a database: the same rows, the same version; read at one state, in bounded memory."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
import uuid
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from client.claims.sources.sql import Relation, SqlSource
from client.claims.sources.sql_digest import digest_rows
from client.deployment.claims import StationClaims
from client.deployment.configuration import load_configuration
from client.deployment.place import Place
from client.ledger.release import DATA_VERSION
from client.policy import Policy
from client.station import Station
from common.errors import InputError, SourceError
from common.features.default import default_spec
from common.plan import Plan, Protection
from simulations.conducting import conduct
from simulations.loopback import Loopback
from tests.client.deployment.postgres import NAMES, Server, fill
from tests.client.deployment.stations import Home

ROWS: list[tuple[Any, ...]] = [("S1", 1, Decimal("1.50"), None), ("S2", 2, Decimal(3), dt.date(2024, 1, 2))]
OPEN = Plan(features=default_spec(), n_clusters=4, protection=Protection.NONE, min_cohort=1)
MIB = 1 << 20
MEASURE = """
import json, resource, sys
from pathlib import Path
from client.deployment.claims import StationClaims
from client.deployment.configuration import load_configuration
from client.deployment.place import Place
from client.policy import Policy
from client.station import Station
from common.plan import Plan, Protection
from simulations.conducting import conduct
from simulations.loopback import Loopback
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
place, plan = Place(Path(sys.argv[1])), Plan.from_canonical(sys.stdin.buffer.read())
claims = StationClaims(place, load_configuration(place.configuration))
known = peak()
rows = claims.rows_for(plan)
read = peak()
station = Station("north", Policy(min_cohort=1, protections=frozenset({Protection.NONE})), claims.rows_for)
with Loopback({"north": station.answer}, 1) as transport:
    model = conduct(plan, ("north",), transport, lambda _: None).model
print(json.dumps([known, read, len(rows), rows.n_features, model.centroids_sha256]))
"""


def home_of(root: Path, server: Server, table: str, version: str = "snapshot") -> Home:
    home = Home(root).begin()
    columns = ", ".join(f'"{name}"' for name in NAMES)
    home.configure('files = ["claims.parquet"]', "")
    home.configure('data_version = "content"', f'data_version = "{version}"')
    sql = f'[claims.sql]\nurl = "{server.url("reader")}"\ntable = "{table}"\ncolumns = [{columns}]\n[socket]'
    home.configure("[socket]", sql)
    home.configure("memory_share = 0.1", "memory_share = 0.000001")
    return home


def file_home(root: Path, path: Path) -> Home:
    home = Home(root).begin()
    home.configure('files = ["claims.parquet"]', f'files = ["{path}"]')
    home.configure("memory_share = 0.1", "memory_share = 0.000001")
    return home


def claims_of(home: Home) -> StationClaims:
    place = Place(home.root)
    return StationClaims(place, load_configuration(place.configuration))


def centroids_of(home: Home) -> str:
    policy = Policy(min_cohort=1, protections=frozenset({Protection.NONE}))
    claims = claims_of(home)
    station = Station("north", policy, claims.rows_for)
    with closing(claims.rows_for(OPEN)), Loopback({"north": station.answer}, 1) as transport:
        return conduct(OPEN, ("north",), transport, lambda _: None).model.centroids_sha256


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("claims") / "claims.parquet"


@pytest.fixture(scope="module")
def filled(server: Server, path: Path) -> Server:
    with server.connected() as connection:
        connection.execute("CREATE ROLE reader LOGIN")
    fill(server, "claims", path, 20_000)
    copied(server, "small", "claims LIMIT 2000", "*")
    return server


def change(server: Server, statement: str) -> None:
    with server.connected() as connection:
        connection.execute(statement)


def copied(server: Server, table: str, held: str, columns: str = ", ".join(NAMES)) -> None:
    """Another table that ``reader`` may read as it may ``claims``."""
    change(server, f"CREATE TABLE {table} AS SELECT {columns} FROM {held}")  # noqa: S608  our own words
    change(server, f"GRANT SELECT ({', '.join(NAMES)}) ON {table} TO reader")


def test_the_digest_tells_rows_apart_that_look_alike() -> None:
    def digest(*rows: tuple[Any, ...]) -> str:
        return digest_rows(("a", "b"), [rows])

    held: list[Any] = ["1", 1, 1.0, True, None, Decimal(1), Decimal("1.0"), b"1", "", ["1"], [1], [], "None", "nan"]
    held += [dt.date(2024, 1, 1), dt.datetime(2024, 1, 1), "2024-01-01", dt.time(1), uuid.UUID(int=1), Decimal("NaN")]  # noqa: DTZ001
    held += [dt.timedelta(1), dt.timedelta(seconds=1)]
    found = {digest((one, "x")) for one in held}
    assert len(found) == len(held)
    assert digest(("a", "bc")) != digest(("ab", "c"))
    assert digest(("a", "b")) != digest(("a", "b"), ("a", "b")) != digest()
    assert digest_rows(("a",), [[("x",)]]) != digest_rows(("b",), [[("x",)]])


def test_the_digest_does_not_depend_on_batches_or_time_zones() -> None:
    assert digest_rows("abcd", [ROWS]) == digest_rows("abcd", [[row] for row in ROWS])
    east = dt.timezone(dt.timedelta(hours=8))
    here, there = dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, 8, tzinfo=east)
    assert digest_rows("a", [[(here,)]]) == digest_rows("a", [[(there,)]])


def test_the_digest_is_what_it_was_yesterday() -> None:
    assert digest_rows("abcd", [ROWS]) == "9b38a52ce56e476f3ae1912aed840abcb9d59357759dc7c617878b1f0ad30eb5"


def test_a_value_that_no_claim_holds_is_refused() -> None:
    for value in (object(), {1, 2}, range(3)):
        with pytest.raises(TypeError, match="no claim holds"):
            digest_rows("a", [[(value,)]])


def test_the_same_rows_have_the_same_version_in_whatever_order_they_were_written(
    filled: Server, tmp_path: Path
) -> None:
    copied(filled, "shuffled", "small ORDER BY random()")
    found = claims_of(home_of(tmp_path / "a", filled, "small"))
    again = claims_of(home_of(tmp_path / "b", filled, "shuffled"))
    assert found.data_version == again.data_version
    assert re.fullmatch(DATA_VERSION, found.data_version)
    for statement in (
        "UPDATE shuffled SET amt_01 = amt_01 + 0.01 WHERE setl_id = (SELECT min(setl_id) FROM shuffled)",
        "DELETE FROM shuffled WHERE setl_id = (SELECT max(setl_id) FROM shuffled)",
        "INSERT INTO shuffled (setl_id) VALUES (NULL)",
    ):
        before = claims_of(home_of(tmp_path / statement[:2], filled, "shuffled")).data_version
        change(filled, statement)
        assert claims_of(home_of(tmp_path / statement[:3], filled, "shuffled")).data_version != before


def test_a_column_that_may_not_be_read_does_not_change_the_version(filled: Server, tmp_path: Path) -> None:
    before = claims_of(home_of(tmp_path / "a", filled, "small")).data_version
    change(filled, "UPDATE small SET psn_name = 'another'")
    assert claims_of(home_of(tmp_path / "b", filled, "small")).data_version == before


def test_rows_that_have_changed_since_the_station_started_are_not_given(filled: Server, tmp_path: Path) -> None:
    copied(filled, "moving", "claims LIMIT 500")
    home = home_of(tmp_path / "n", filled, "moving")
    claims = claims_of(home)
    first = claims.rows_for(OPEN)
    change(filled, "UPDATE moving SET amt_01 = amt_01 + 1 WHERE setl_id = (SELECT min(setl_id) FROM moving)")
    assert claims.rows_for(OPEN) is first
    with pytest.raises(SourceError, match="have changed since the station started"):
        claims.rows_for(OPEN.model_copy(update={"cost_cap_yuan": 1_000}))
    again = claims_of(home)
    assert again.data_version != claims.data_version
    assert len(again.rows_for(OPEN)) > 0


def test_version_and_rows_are_of_one_state_whatever_is_written_meanwhile(filled: Server) -> None:
    relation = Relation(table="small", columns=NAMES, order=("setl_id",))
    with SqlSource(filled.url("reader"), relation, batch_rows=1_000) as source:
        digest, snapshot = source.digest(), source.snapshot()
        change(filled, "CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM small WHERE false")
        change(
            filled,
            "WITH gone AS (DELETE FROM small WHERE setl_id = (SELECT max(setl_id) FROM small) RETURNING *) "
            "INSERT INTO kept SELECT * FROM gone",
        )
        try:
            assert (source.digest(), source.snapshot()) == (digest, snapshot)
            with SqlSource(filled.url("reader"), relation) as other:
                assert other.digest() != digest
                assert other.snapshot() != snapshot
        finally:
            change(filled, "INSERT INTO small SELECT * FROM kept")


def test_an_account_with_grants_on_columns_suffices_and_nothing_else_is_asked(filled: Server) -> None:
    relation, asked = Relation(table="small", columns=NAMES, order=("setl_id",)), list[str]()
    with SqlSource(filled.url("reader"), relation) as source:
        sa.event.listen(source._connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        source.digest()
        source.snapshot()
        for _ in source.batches(NAMES):
            pass
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            source._connection.exec_driver_sql("SELECT psn_name FROM small")
    assert len(asked) == 4
    assert [one for one in asked[:3] if "FROM small" not in one] == ["SELECT CAST(pg_current_snapshot() AS text)"]
    assert not any("psn_name" in one or "*" in one for one in asked[:3])


def test_files_have_contents_and_databases_have_snapshots(filled: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match='for a database say "snapshot"'):
        claims_of(home_of(tmp_path / "a", filled, "claims", version="content"))
    home = Home(tmp_path / "b").begin()
    home.configure('data_version = "content"', 'data_version = "snapshot"')
    with pytest.raises(InputError, match='for files say "content"'):
        claims_of(home)


def test_a_table_and_a_file_of_the_same_rows_end_at_the_same_centroids(
    filled: Server, path: Path, tmp_path: Path
) -> None:
    found = centroids_of(home_of(tmp_path / "sql", filled, "claims"))
    assert found == centroids_of(file_home(tmp_path / "file", path))


@dataclass(frozen=True)
class Measured:
    """Peaks of memory after the version was known and after the rows were made, the rows, and where they end."""

    version: int
    reading: int
    n_rows: int
    n_features: int
    centroids: str


def measured(home: Home) -> Measured:
    ran = subprocess.run(  # noqa: S603  our own code
        [sys.executable, "-c", MEASURE, str(home.root)], input=OPEN.canonical(), capture_output=True, check=True
    )
    return Measured(*json.loads(ran.stdout))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_million_claims_are_read_in_bounded_memory_and_end_at_the_same_centroids(
    filled: Server, tmp_path: Path
) -> None:
    found = []
    for n_claims in (100_000, 1_000_000):
        table, path = f"claims_{n_claims}", tmp_path / f"{n_claims}.parquet"
        fill(filled, table, path, n_claims)
        found.append(measured(home_of(tmp_path / table, filled, table)))
        print(found[-1])  # noqa: T201  to be read with -s
    small, large = found
    assert large.n_rows > 990_000
    assert large.version - small.version < MIB * 16
    assert large.reading - small.reading < MIB * 150 < large.n_rows * large.n_features * 4 / 2
    of_files = measured(file_home(tmp_path / "file", tmp_path / "1000000.parquet"))
    print(of_files)  # noqa: T201
    assert (of_files.centroids, of_files.n_rows) == (large.centroids, large.n_rows)
