"""Single claims through a router: kept as in a batch, before they are answered, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from client.router.due import draw_due
from client.router.lone.claim import LoneClaim, lone_claim
from client.router.router import Router
from client.router.store.opening import StoreError, writing
from client.router.store.tables import DECISIONS, MEMORIES, SHEETS, UNDRAFTED
from common.claim import Claim
from tests.client.router.deciding.worlds import claims
from tests.client.router.homes import BEGUN, Home, model_bytes
from tests.client.router.lone.test_deciding import batch_of, lone_of, odd_claims
from tests.client.router.store.test_router import stage_shadow

TABLES = (DECISIONS, SHEETS, MEMORIES, UNDRAFTED)


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    with open_at(tmp_path / "r") as found:
        yield found


def open_at(root: Path) -> Router:
    home = Home(root).begin()
    home.place.pseudonym_key.write_bytes(bytes(32))  # spot checks are drawn with it
    home.accept()
    return Router.open(root, lambda: BEGUN)


def some(n_claims: int = 40) -> list[Claim]:
    found = [one.model_copy(update={"claim_key": f"K{place}"}) for place, one in enumerate(claims(200, 3)[:n_claims])]
    return [*found, *odd_claims()]


def held(router: Router) -> list[list[tuple[Any, ...]]]:
    with router.desk.store.engine.connect() as connection:
        return [[tuple(row) for row in connection.execute(table.select())] for table in TABLES]


def test_the_store_holds_the_same_as_after_batches_of_one(router: Router, tmp_path: Path) -> None:
    with open_at(tmp_path / "other") as other:
        alone = [router.decide_one(lone_of(one)) for one in some()]
        batches = [other.decide(batch_of([one])) for one in some()]
        [mine, theirs] = held(router), held(other)
    assert [one.record for one in alone] == [one.records[0] for one in batches]
    assert [(one.decision_id, one.lane) for one in alone] == [(one.decision_ids[0], one.lanes[0]) for one in batches]
    assert mine == theirs
    assert all(mine)


def test_a_claim_asked_again_gets_its_decision_alone_or_in_a_batch(router: Router) -> None:
    asked = some()
    first = [router.decide_one(lone_of(one)) for one in asked]
    assert [router.decide_one(lone_of(one)) for one in asked] == first
    again = router.decide(batch_of(asked))
    assert not again.fresh.any()
    assert list(again.records) == [one.record for one in first]
    [new] = claims(200, 4)[:1]
    together = router.decide(batch_of([new]))
    assert router.decide_one(lone_of(new)).record == together.records[0]


def test_after_the_router_was_closed_its_single_decisions_are_there(tmp_path: Path) -> None:
    [one] = some(1)[:1]
    with open_at(tmp_path / "r") as router:
        first = router.decide_one(lone_of(one))
    with Router.open(tmp_path / "r") as router:
        assert router.decide_one(lone_of(one)) == first
        kept = router.desk.store.decisions.by_id(first.decision_id)
        assert router.desk.store.decisions.record(kept) == first.record


@pytest.mark.parametrize("table", ["sheets", "decisions", "memories"])
def test_what_cannot_be_kept_whole_is_not_decided_and_not_remembered(router: Router, table: str) -> None:
    one, engine = lone_of(some(1)[0]), router.desk.store.engine
    refuse = f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'K0'); END"
    with writing(engine) as connection:
        connection.execute(text(refuse))
    with pytest.raises(StoreError) as caught:
        router.decide_one(one)
    assert "K0" not in str(caught.value)
    assert held(router) == [[], [], [], []]
    with writing(engine) as connection:
        connection.execute(text("DROP TRIGGER full"))
    assert json.loads(router.decide_one(one).record)["findings"] == []  # it did not meet itself


def test_a_fast_claim_alone_gets_a_payment_draft(router: Router) -> None:
    found = [one for one in some(200) if router.decide_one(lone_of(one)).lane == "FAST"]
    assert len(found) > 5
    numbers = held(router)[3]
    assert len(numbers) == len(found)
    draw_due(router.desk.store, bytes(32), BEGUN)
    assert held(router)[3] == []


def test_a_refusal_of_automation_is_heard_alone(router: Router) -> None:
    [one] = some(1)[:1]
    refused: LoneClaim = lone_claim(one, 1, refused=True)
    assert router.decide_one(refused).lane == "HUMAN"
    assert router.decide_one(lone_claim(one, 1, refused=False)).decision_id != router.decide_one(refused).decision_id


def test_what_a_shadow_would_do_with_single_claims_is_counted(tmp_path: Path) -> None:
    home = Home(tmp_path / "r").begin().accept()
    stage_shadow(home)
    with home.open() as router:
        lanes = [router.decide_one(lone_of(one)).lane for one in some()]
        counted = router.desk.store.decisions.shadowed(hashlib.sha256(model_bytes(2)).hexdigest())
    assert sum(counted.values()) == len(lanes)
    assert {lane for lane, _ in counted} == set(lanes)
