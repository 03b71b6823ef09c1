"""What the router answers is on the disk, the same question gets the same answer, and everything replays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.router.clocks import DAYS_TO_BELIEVE
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import replayed
from client.router.router import Router, now
from client.router.store.decisions import LANES, DecisionStore
from client.router.store.opening import StoreError
from common.errors import EngineError, InputError
from tests.client.router.homes import Home, chain, model_bytes, some_claims


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


def test_decisions_are_found_again_after_the_router_was_closed(home: Home) -> None:
    claims = some_claims()
    with home.open() as router:
        first = router.decide(claims)
    assert first.fresh.all()
    assert len(set(first.lanes)) > 1
    with home.open() as router:
        again = router.decide(claims)
        assert router.desk.store.decisions.counts() == {lane: first.lanes.count(lane) for lane in LANES}
    assert not again.fresh.any()
    assert (again.decision_ids, again.lanes, again.records) == (first.decision_ids, first.lanes, first.records)
    np.testing.assert_array_equal(again.confidences, first.confidences)


def test_a_question_that_stands_twice_in_a_batch_is_decided_once(home: Home) -> None:
    claims = some_claims(20)
    with home.open() as router:
        answers = router.decide(claims.select(np.array([*range(20), 3, 3, 7])))
        assert answers.fresh.sum() == 20
        assert answers.decision_ids[20:] == [answers.decision_ids[row] for row in (3, 3, 7)]
        assert sum(router.desk.store.decisions.counts().values()) == 20


def test_an_answer_says_what_its_record_says(home: Home) -> None:
    with home.open() as router:
        claims = some_claims(50)
        answers = router.decide(claims)
        for row, held in enumerate(answers.records):
            record = DecisionRecord.from_json(held)
            assert record.claim_key == claims.claim_keys[row]
            assert (record.decision_id, record.lane) == (answers.decision_ids[row], answers.lanes[row])
            assert record.confidence == answers.confidences[row]


def test_every_record_replays_from_what_the_store_holds(home: Home) -> None:
    with home.open() as router:
        answers = router.decide(some_claims(60))
        for held in answers.records:
            record = DecisionRecord.from_json(held)
            assert replayed(router.desk, record).to_json() == held


def test_what_could_not_be_kept_is_not_decided_and_not_remembered(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = some_claims(10)

    def fails(*_: object) -> None:
        raise StoreError("the disk is full")

    with home.open() as router:
        with monkeypatch.context() as broken:
            broken.setattr(DecisionStore, "add", fails)
            with pytest.raises(StoreError):
                router.decide(claims)
        assert sum(router.desk.store.decisions.counts().values()) == 0
        assert not len(router._memory.history)
        assert router.decide(claims).fresh.all()
        assert router.decide(claims).fresh.sum() == 0


def test_rules_remember_claims_over_a_restart(home: Home) -> None:
    claims = some_claims(10)
    with home.open() as router:
        router.decide(claims)
        remembered = router._memory.history.table()
    with home.open() as router:
        np.testing.assert_array_equal(router._memory.history.table(), remembered)
        assert len(remembered) == 10


def test_one_process_decides_in_a_directory(home: Home) -> None:
    with home.open(), pytest.raises(EngineError, match="another process"):
        home.open()
    with home.open():
        pass


def test_without_an_accepted_model_nothing_is_decided(tmp_path: Path) -> None:
    home = Home(tmp_path / "router").begin()
    with pytest.raises(InputError, match="model accept"):
        home.open()


def test_without_a_calibration_no_claim_is_fast(tmp_path: Path) -> None:
    with Home(tmp_path / "router").begin().accept(calibrated=False).open() as router:
        assert "FAST" not in router.decide(some_claims()).lanes


def test_a_shadow_is_counted_and_changes_nothing(home: Home, tmp_path: Path) -> None:
    alone = Home(tmp_path / "alone").begin().accept()
    alone.place.pseudonym_key.write_bytes(home.place.pseudonym_key.read_bytes())  # the same lot for spot checks
    stage_shadow(home)
    claims = some_claims(100)
    with home.open() as router, alone.open() as other:
        answers = router.decide(claims)
        assert answers.lanes == other.decide(claims).lanes
        assert router._shadow is not None
        assert router._shadow.model_sha256 is not None
        found = router.desk.store.decisions.shadowed(router._shadow.model_sha256)
        assert sum(found.values()) == 100
        assert {lane for lane, _ in found} == set(answers.lanes)
        router.decide(claims)
        assert sum(router.desk.store.decisions.shadowed(router._shadow.model_sha256).values()) == 100


def stage_shadow(home: Home) -> None:
    with Desk.open(home.root) as desk:
        desk.shelf.receive(chain(2)[1].to_json(), model_bytes(2), desk.trust(now()), now())
        desk.shelf.shadow(2)


def test_an_empty_batch_has_no_answers(home: Home) -> None:
    with home.open() as router:
        assert router.decide(some_claims(3).select(np.array([], np.intp))).lanes == []


def test_the_python_call_is_a_router(home: Home) -> None:
    with Router.open(home.root) as router:
        assert len(router.decide(some_claims(1)).decision_ids) == 1


def test_an_expired_model_lets_nothing_pass(home: Home) -> None:
    with Router.open(home.root, clock=lambda: now() + 40 * 86_400) as router:
        assert "FAST" not in router.decide(some_claims()).lanes


def test_what_lies_too_far_back_is_forgotten_in_memory_and_on_the_disk_after_a_week_of_days_with_decisions(
    home: Home,
) -> None:
    moment = [now()]
    with Router.open(home.root, clock=lambda: moment[0]) as router:
        router.decide(some_claims(10))
        moment[0] += 400 * 86_400
        for day in range(DAYS_TO_BELIEVE):
            router.decide(some_claims(4, seed=8 + day))
            assert len(router._memory.history) == 14 + 4 * day
            moment[0] += 86_400
        router.decide(some_claims(4, seed=80))
        assert len(router._memory.history) == 4 * DAYS_TO_BELIEVE + 4
        assert len(router.desk.store.decisions.memories(0)) == DAYS_TO_BELIEVE + 1
        assert sum(router.desk.store.decisions.counts().values()) == 14 + 4 * DAYS_TO_BELIEVE
