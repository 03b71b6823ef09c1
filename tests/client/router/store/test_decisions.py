"""The store: all or nothing, one decision a question, in SQLite and in PostgreSQL alike; and damage is noticed."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from client.router.store.artefacts import Kind
from client.router.store.decisions import Memory, New, Shadowed
from client.router.store.opening import StoreError
from client.router.store.sheets import MOST_RECORDS
from client.router.store.store import Store
from client.router.store.tables import METADATA, SHEETS
from client.router.store.verdicts import Reviewed, Verdict
from common.errors import InputError
from tests.client.deployment.postgres import running_server


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")
    with running_server() as found:
        yield found.url("owner")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    here = f"sqlite:///{tmp_path / 'store.sqlite'}"
    url = here if request.param == "sqlite" else request.getfixturevalue("postgres")
    with Store.open(make_url(url)) as found:
        yield found
        METADATA.drop_all(found.engine)


def new(*numbers: int, lane: str = "FAST") -> New:
    return New(
        asked=[asked(number) for number in numbers],
        decision_ids=[f"{number:032x}" for number in numbers],
        lanes=[lane] * len(numbers),
        records=[f'{{"number":{number}}}'.encode() for number in numbers],
        decided_at=7,
    )


def asked(number: int) -> bytes:
    return (number % 251).to_bytes(8, "big") + number.to_bytes(16, "big")


def test_what_was_added_is_found_with_its_record(store: Store) -> None:
    store.decisions.add(new(*range(30), lane="HOLD"))
    found = store.decisions.find([asked(number) for number in range(20, 40)])
    assert sorted(found) == [asked(number) for number in range(20, 30)]
    one = store.decisions.by_id(f"{25:032x}")
    assert (one.asked, one.lane, store.decisions.record(one)) == (asked(25), "HOLD", b'{"number":25}')
    assert store.decisions.counts() == {"FAST": 0, "REVIEW": 0, "HUMAN": 0, "HOLD": 30}


def test_many_decisions_take_several_sheets_and_come_back_in_order(store: Store) -> None:
    n_all = 2 * MOST_RECORDS + 5
    store.decisions.add(new(*range(n_all)))
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(SHEETS)).scalar() == 3
    records = [record for _, record in store.decisions.everything()]
    assert records == [f'{{"number":{number}}}'.encode() for number in range(n_all)]


def test_a_question_has_one_decision_and_a_second_one_takes_nothing_with_it(store: Store) -> None:
    store.decisions.add(new(1))
    with pytest.raises(StoreError):
        store.decisions.add(
            new(2, 1, 3), Memory(last_day=1, held=b"x"), Shadowed(model_sha256="aa", lanes=["FAST"] * 3)
        )
    assert list(store.decisions.find([asked(2), asked(3)])) == []
    assert store.decisions.memories(0) == []
    assert store.decisions.shadowed("aa") == {}


def test_what_fails_on_the_way_leaves_nothing(store: Store) -> None:
    def fails(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.decisions.add(new(1), Memory(last_day=1, held=b"x"), also=fails)
    assert sum(store.decisions.counts().values()) == 0
    assert store.decisions.memories(0) == []


def test_memories_come_oldest_first_and_are_forgotten_by_day(store: Store) -> None:
    for day in (5, 6, 7):
        store.decisions.add(new(day), Memory(last_day=day, held=bytes([day])))
    assert store.decisions.memories(6) == [b"\x06", b"\x07"]
    store.decisions.forget(7)
    assert store.decisions.memories(0) == [b"\x07"]


def test_a_shadow_is_counted_over_commits(store: Store) -> None:
    for number in (1, 2):
        store.decisions.add(new(number), shadowed=Shadowed(model_sha256="ab", lanes=["HUMAN"]))
    store.decisions.add(new(3), shadowed=Shadowed(model_sha256="ab", lanes=["FAST"]))
    assert store.decisions.shadowed("ab") == {("FAST", "HUMAN"): 2, ("FAST", "FAST"): 1}
    assert store.decisions.shadowed("cd") == {}


def test_artefacts_are_what_their_digest_says_or_not_given_out(store: Store) -> None:
    digest = store.artefacts.keep(Kind.MODEL, b"held", 1)
    assert store.artefacts.keep(Kind.MODEL, b"held", 2) == digest
    assert store.artefacts.get(digest) == b"held"
    with store.engine.begin() as connection:
        connection.execute(METADATA.tables["artefacts"].update().values(held=b"other"))
    for wanted in (digest, "00" * 32):
        with pytest.raises(InputError):
            store.artefacts.get(wanted)


def test_what_goes_with_a_model_is_said_anew_and_taken_back(store: Store) -> None:
    for sha256 in ("aa", "bb"):
        store.artefacts.point(Kind.CARDS, "model", sha256)
    assert store.artefacts.pointed(Kind.CARDS, "model") == "bb"
    assert store.artefacts.pointed(Kind.CARDS, "other") is None
    store.artefacts.point(Kind.CARDS, "model", None)
    assert store.artefacts.pointed(Kind.CARDS, "model") is None


def test_the_newest_verdict_counts_and_lanes_are_held_against_it(store: Store) -> None:
    store.decisions.add(new(1, 2))
    said = [
        Reviewed(decision_id=f"{1:032x}", verdict=Verdict.ROUTINE, reviewer="Li", given_at=1),
        Reviewed(decision_id=f"{1:032x}", verdict=Verdict.FRAUD, reviewer="Wang", given_at=2, stratum="east"),
        Reviewed(decision_id=f"{2:032x}", verdict=Verdict.ROUTINE, reviewer="Li", given_at=2),
    ]
    assert store.verdicts.add(said) == 3
    assert store.verdicts.add(said[1:]) == 0
    assert list(store.verdicts.counting()) == said[1:]
    assert store.verdicts.by_lane() == {("FAST", Verdict.FRAUD): 1, ("FAST", Verdict.ROUTINE): 1}


def test_a_damaged_sheet_is_noticed(store: Store) -> None:
    store.decisions.add(new(1))
    with store.engine.begin() as connection:
        connection.execute(SHEETS.update().values(records=b"nothing"))
    with pytest.raises(StoreError):
        list(store.decisions.everything())


def test_a_store_of_another_format_is_not_used(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(METADATA.tables["about"].update().values(held="fedclaims/router-store/99"))
    with pytest.raises(InputError, match="format"):
        Store.open(store.engine.url)


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:////no/such/place/store.sqlite"])
def test_a_database_that_cannot_be_used_is_an_error_that_says_so(url: str) -> None:
    with pytest.raises((InputError, StoreError)):
        Store.open(make_url(url))


def test_sqlite_writes_ahead_syncs_every_commit_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store.open(make_url(f"sqlite:///{path}")) as store, store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert path.stat().st_mode & 0o077 == 0


def test_an_error_of_the_database_shows_nothing_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store.open(make_url(f"sqlite:///{path}")) as store:
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TABLE decisions")
        with pytest.raises(StoreError) as found:
            store.decisions.add(new(4711))
    assert "4711" not in str(found.value)


def test_two_processes_write_in_turns_and_neither_fails(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with Store.open(url) as one, Store.open(url) as other:
        keeping = threading.Thread(
            target=lambda: [other.artefacts.keep(Kind.MODEL, str(number).encode(), 1) for number in range(150)]
        )
        keeping.start()
        for number in range(150):
            one.decisions.add(new(number), shadowed=Shadowed(model_sha256="ab", lanes=["FAST"]))
        keeping.join()
        assert one.decisions.shadowed("ab") == {("FAST", "FAST"): 150}
        assert one.artefacts.get(hashlib.sha256(b"149").hexdigest()) == b"149"
