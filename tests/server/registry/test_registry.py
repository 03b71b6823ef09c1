"""The registry's laws, on SQLite and on PostgreSQL: what is published stays, one run at a time, every tick once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from common.errors import FedclaimsError, InputError
from common.plan import Phase
from server.registry import schema
from server.registry.models import add_model
from server.registry.opening import ConflictError, RegistryError, open_database
from server.registry.registry import Registry
from server.registry.run import KeptTranscript, Run, RunClosedError, State, Taken, WantedBy
from server.registry.schema import VERSION, insist_current, migrate, version_of
from server.registry.tables import FACTS, MODELS, NODES, ROUNDS, RUNS, TRANSCRIPTS
from server.registry.ticking import MISSED, STILL_GOING_ON
from server.session import RoundReport
from tests.server.registry.databases import NOW, fresh, model_of, postgresql, signed_after

REPORT = RoundReport(number=1, phase=Phase.LLOYD, n_centroids=3, bytes_down=10, bytes_up=20, inertia=1.5, cost=7)
TAKEN = Taken(cohort=["east", "north"], lost=["south"], refused=["late"], heads={"east": "3:ab"})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    if request.param == "sqlite":
        return fresh(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    url = request.getfixturevalue("server")
    with open_database(url).engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return fresh(url)


def running(registry: Registry) -> Run:
    run = registry.runs.order(WantedBy.OPERATOR, NOW)
    registry.runs.start(run.number)
    return registry.runs.claim(run.code, os.getpid(), NOW + 1)


def publish(registry: Registry) -> Run:
    run, signed = running(registry), signed_after(registry.models.newest())
    registry.runs.publish(run.number, signed, model_of(signed.publication.version), TAKEN, NOW + 2)
    found = registry.runs.find(run.number)
    assert found is not None
    return found


def test_versions_follow_each_other_and_keep_what_was_published(registry: Registry) -> None:
    for version in (1, 2, 3):
        run = publish(registry)
        assert (run.state, run.model, run.cohort, run.heads) == (
            State.DONE,
            version,
            ("east", "north"),
            {"east": "3:ab"},
        )
    assert [one.publication.version for one in registry.models.all()] == [3, 2, 1]
    kept = registry.models.find(2)
    assert kept is not None
    assert kept.model == model_of(2)
    assert registry.models.find(4) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 4, "previous": "c" * 64},
        {"version": 2, "previous": "c" * 64},
        {"version": 3, "previous": "c" * 64},
        {"version": 1, "previous": "0" * 64},
    ],
    ids=["a gap", "a fork", "another predecessor", "a second first"],
)
def test_the_database_itself_refuses_what_does_not_follow(registry: Registry, changes: dict[str, object]) -> None:
    publish(registry)
    publish(registry)
    with pytest.raises(ConflictError), registry.database.writing() as connection:
        add_model(connection, signed_after(None, 5, **changes), b"other")
    assert [one.publication.version for one in registry.models.all()] == [2, 1]


@pytest.mark.parametrize(
    "statement", [MODELS.delete(), MODELS.update().values(model=b"other")], ids=["delete", "update"]
)
def test_the_database_itself_keeps_what_was_published(registry: Registry, statement: sa.Executable) -> None:
    with registry.database.writing() as connection:
        add_model(connection, signed_after(None), model_of(1))  # no run holds on to it
    with pytest.raises(ConflictError), registry.database.writing() as connection:
        connection.execute(statement)
    kept = registry.models.find(1)
    assert kept is not None
    assert kept.model == model_of(1)


def test_a_row_that_names_another_than_the_one_before_it_is_refused_however_it_is_written(registry: Registry) -> None:
    first = publish(registry)
    publish(registry)
    newest, skipping = registry.models.newest(), registry.models.find(1)
    assert newest is not None
    assert skipping is not None
    assert first.model == 1
    digest = skipping.signed.publication.digest
    row = {"version": 4, "previous_version": 1, "previous": digest, "digest": "f" * 64}
    row |= {"publication": "{}", "model": b"", "issued": NOW}
    with pytest.raises(ConflictError), registry.database.writing() as connection:
        connection.execute(MODELS.insert().values(**row))


def test_a_run_is_done_and_its_model_published_or_neither(registry: Registry) -> None:
    run = running(registry)
    with pytest.raises(ConflictError):
        registry.runs.publish(run.number, signed_after(None, version=2, previous="c" * 64), b"", TAKEN, NOW)
    found = registry.runs.find(run.number)
    assert found is not None
    assert found.state is State.RUNNING
    assert registry.models.newest() is None
    registry.runs.close(run.number, State.FAILED, "because", NOW)
    with pytest.raises(RunClosedError):
        registry.runs.publish(run.number, signed_after(None), model_of(1), TAKEN, NOW)
    assert registry.models.newest() is None


def test_one_run_at_a_time_is_under_way(registry: Registry) -> None:
    running(registry)
    second = registry.runs.order(WantedBy.OPERATOR, NOW)
    with pytest.raises(ConflictError):
        registry.runs.start(second.number)
    waiting = registry.runs.waiting()
    assert waiting is not None
    assert waiting.number == second.number


def test_an_order_is_taken_once_and_only_while_it_starts(registry: Registry) -> None:
    run = registry.runs.order(WantedBy.OPERATOR, NOW)
    for code in (run.code, "", "0" * 32):
        with pytest.raises(RunClosedError):
            registry.runs.claim(code, 1, NOW)
    registry.runs.start(run.number)
    assert registry.runs.claim(run.code, 1, NOW).state is State.RUNNING
    with pytest.raises(RunClosedError):
        registry.runs.claim(run.code, 2, NOW)


def test_what_is_closed_stays_closed(registry: Registry) -> None:
    run = running(registry)
    registry.runs.add_round(run.number, 1, REPORT, NOW)
    assert registry.runs.close(run.number, State.FAILED, "first", NOW, TAKEN)
    assert not registry.runs.close(run.number, State.ABANDONED, "second", NOW)
    with pytest.raises(RunClosedError):
        registry.runs.add_round(run.number, 2, REPORT, NOW)
    with pytest.raises(RunClosedError):
        registry.runs.note(run.number, flower_run="1")
    found = registry.runs.find(run.number)
    assert found is not None
    assert (found.state, found.reason, found.lost, found.refused) == (State.FAILED, "first", ("south",), ("late",))
    assert len(registry.runs.rounds(run.number)) == 1


def test_rounds_and_transcript_are_kept_as_they_come(registry: Registry) -> None:
    run, kept = running(registry), KeptTranscript(path="a.bin", sha256="d" * 64, bytes=12)
    registry.runs.add_round(run.number, 1, REPORT, NOW)
    registry.runs.keep_transcript(run.number, kept)
    (found,) = registry.runs.rounds(run.number)
    assert (found["inertia"], found["cost"], found["phase"], found["closed"]) == (1.5, 7, "lloyd", NOW)
    assert registry.runs.transcript(run.number) == kept


def test_nobody_can_fail_without_a_reason(registry: Registry) -> None:
    run = running(registry)
    wanted = RUNS.update().where(RUNS.c.number == run.number).values(state="failed", ended=NOW, under_way=None)
    with pytest.raises(ConflictError), registry.database.writing() as connection:
        connection.execute(wanted)


def test_a_bureau_has_one_link_and_a_key_one_bureau(registry: Registry) -> None:
    nodes = registry.nodes
    nodes.admit("east", "key-1", "e" * 64, NOW)
    nodes.admit("east", "key-1", "f" * 64, NOW)
    for name, key, fix in (("east", "key-2", "link revoke"), ("north", "key-1", "link init")):
        with pytest.raises(InputError, match=fix):
            nodes.admit(name, key, "e" * 64, NOW)
    assert [(one.name, one.bundle) for one in nodes.live()] == [("east", "f" * 64)]
    nodes.revoke("east", NOW)
    with pytest.raises(InputError):
        nodes.revoke("east", NOW)
    nodes.admit("east", "key-2", "e" * 64, NOW)
    assert [one.public_key for one in nodes.live()] == ["key-2"]
    assert len(nodes.all()) == 2


def test_a_node_key_that_was_revoked_never_comes_back(registry: Registry) -> None:
    nodes = registry.nodes
    nodes.admit("east", "key-1", "e" * 64, NOW)
    nodes.revoke("east", NOW)
    for name in ("east", "north"):
        with pytest.raises(InputError, match="never comes back"):
            nodes.admit(name, "key-1", "e" * 64, NOW)
    with pytest.raises(ConflictError), registry.database.writing() as connection:
        connection.execute(
            NODES.insert().values(name="x", public_key="key-1", bundle="e" * 64, admitted=NOW, revoked=NOW)
        )
    assert len(nodes.all()) == 1


def test_of_a_key_that_an_older_registry_let_in_twice_the_last_row_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        older.setattr(schema, "VERSION", 1)
        migrate(database, NOW)
    held = {"name": "east", "public_key": "key-1", "bundle": "e" * 64, "admitted": NOW}
    with database.writing() as connection:
        connection.execute(NODES.insert().values(**held, revoked=NOW))
        connection.execute(NODES.insert().values(**held, live=1))
    assert migrate(database, NOW) == 1
    assert [(one.public_key, one.revoked) for one in Registry(database).nodes.live()] == [("key-1", None)]
    assert len(Registry(database).nodes.all()) == 2


def test_a_tick_is_accounted_for_once(registry: Registry) -> None:
    ticking = registry.ticking
    assert ticking.reached("a", NOW) == NOW
    ticking.account([NOW + 1, NOW + 2, NOW + 3], NOW + 5, NOW + 5, uncounted=4)
    ticking.account([NOW + 1, NOW + 2, NOW + 3], NOW + 5, NOW + 5)
    ticking.account([NOW + 6], NOW + 6, NOW + 6)
    runs = {run.tick: (run.state, run.reason) for run in registry.runs.newest(10)}
    assert runs == {
        NOW + 1: (State.ABANDONED, f"{MISSED}, and so were 4 ticks before it"),
        NOW + 2: (State.ABANDONED, MISSED),
        NOW + 3: (State.ORDERED, ""),
        NOW + 6: (State.ABANDONED, STILL_GOING_ON),
    }
    assert ticking.reached("a", NOW + 9) == NOW + 6
    assert ticking.reached("another", NOW + 9) == NOW + 9


def test_two_at_once_publish_one_version(registry: Registry) -> None:
    signed = [signed_after(None, session) for session in range(8)]

    def add(one: int) -> bool:
        try:
            with registry.database.writing() as connection:
                add_model(connection, signed[one], model_of(1))
        except RegistryError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(8))) == 1
    assert [one.publication.version for one in registry.models.all()] == [1]


WRITER = """
import sys
from server.registry.opening import open_database, RegistryError
from server.registry.registry import Registry
from server.registry.runs import WantedBy
registry = Registry(open_database(sys.argv[1]))
won = 0
for tick in range(20):
    try:
        registry.runs.order(WantedBy.SCHEDULE, 1_800_000_000, tick)
        won += 1
    except RegistryError:
        pass
print(won)
"""


def test_two_processes_at_once_order_every_tick_once(registry: Registry) -> None:
    url = registry.database.engine.url.render_as_string(hide_password=False)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE)  # noqa: S603  our own code
        for _ in range(2)
    ]
    won = [int(one.communicate(timeout=60)[0]) for one in writers]
    assert sum(won) == 20
    assert sorted(run.tick or 0 for run in registry.runs.newest(100)) == list(range(20))


KILLED = """
import os, sys
from server.registry.opening import open_database
from server.registry.registry import Registry
from server.registry.runs import WantedBy
from server.registry.tables import RUNS
registry = Registry(open_database(sys.argv[1]))
registry.runs.order(WantedBy.OPERATOR, 1_800_000_000)
with registry.database.writing() as connection:
    connection.execute(RUNS.update().values(reason="half"))
    os.kill(os.getpid(), 9)
"""


def test_what_was_written_outlives_a_kill_and_what_was_half_written_is_not_there(registry: Registry) -> None:
    url = registry.database.engine.url.render_as_string(hide_password=False)
    ran = subprocess.run([sys.executable, "-c", KILLED, url], check=False, timeout=60)  # noqa: S603  our own code
    assert ran.returncode == -9
    (run,) = registry.runs.newest(10)
    assert (run.state, run.reason) == (State.ORDERED, "")


def test_the_tables_are_those_that_statements_name(registry: Registry) -> None:
    with registry.database.reading() as connection:
        asked = sa.inspect(connection)
        for table in (FACTS, MODELS, NODES, ROUNDS, RUNS, TRANSCRIPTS):
            assert {one["name"] for one in asked.get_columns(table.name)} == {one.name for one in table.columns}


def test_an_older_registry_is_brought_up_and_a_newer_one_left_alone(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(registry)
    step = lambda connection, _: connection.exec_driver_sql("ALTER TABLE facts ADD COLUMN added BIGINT")  # noqa: E731
    with monkeypatch.context() as newer:
        newer.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        newer.setattr(schema, "VERSION", VERSION + 1)
        with pytest.raises(RegistryError, match=f"needs {VERSION + 1}"):
            insist_current(registry.database)
        assert migrate(registry.database, NOW) == VERSION
        assert migrate(registry.database, NOW) == VERSION + 1
    assert registry.models.newest() is not None
    with pytest.raises(InputError, match="install the newer one"):
        migrate(registry.database, NOW)


def test_a_step_that_fails_leaves_the_registry_as_it_was(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(connection: sa.Connection, _: str) -> None:
        connection.exec_driver_sql("ALTER TABLE facts ADD COLUMN added BIGINT")
        connection.exec_driver_sql("SELECT nothing FROM nowhere")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    with pytest.raises(RegistryError):
        migrate(registry.database, NOW)
    assert version_of(registry.database) == VERSION
    with registry.database.reading() as connection:
        names = {one["name"] for one in sa.inspect(connection).get_columns("facts")}
    assert names == {"name", "held"}


def test_sqlite_is_durable_and_keeps_foreign_keys(tmp_path: Path) -> None:
    registry = fresh(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    with registry.database.reading() as connection:
        said = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert said == ["wal", 2, 1]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mysql://host/db", InputError),
        ("no address", InputError),
        ("sqlite:////no/such/place/r.sqlite", RegistryError),
        ("postgresql+psycopg://nobody@/db?host=/no/such/place", RegistryError),
    ],
)
def test_what_is_not_reached_is_an_error_that_quotes_nothing(url: str, error: type[FedclaimsError]) -> None:
    with pytest.raises(error) as caught:
        version_of(open_database(url, "PASSWORD-0815" if url.startswith("postgres") else None))
    assert "PASSWORD-0815" not in f"{caught.value!r} {caught.value.__cause__!r}"
