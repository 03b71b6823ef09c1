"""A wrong clock lets nothing pass, revives nothing, and makes nobody forget; over restarts, alone and in batches."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Row

from client.router.claims import RoutedClaims
from client.router.deciding.lanes import Reason
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import replayed
from client.router.router import Router
from client.router.store.tables import SHADOWS
from client.router.store.wrong_clocks import WrongClock, declare_wrong, declared
from common.errors import InputError
from tests.client.router.deciding.worlds import claims as single_claims
from tests.client.router.homes import BEGUN, LASTS_S, Home, belongings, model_bytes, some_claims
from tests.client.router.lone.test_deciding import batch_of, lone_of
from tests.client.router.store.test_overlapping import repeating
from tests.client.router.store.test_router import stage_shadow

HOUR, DAY = 3_600, 86_400


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


def some(start: int, end: int) -> RoutedClaims:
    """Different numbers, different persons."""
    return some_claims(300).select(np.arange(start, end))


def at(home: Home, moment: int) -> Router:
    return Router.open(home.root, clock=lambda: moment)


def decided(home: Home, moment: int, claims: RoutedClaims) -> list[dict[str, object]]:
    with at(home, moment) as router:
        return [json.loads(one) for one in router.decide(claims).records]


def test_a_clock_far_behind_the_latest_decision_lets_nothing_pass_and_the_records_say_it_and_replay(home: Home) -> None:
    decided(home, BEGUN, some(0, 20))
    with at(home, BEGUN - 2 * HOUR) as router:
        assert router.clock_behind_s == 2 * HOUR
        answers = router.decide(some(20, 160))
        assert "FAST" not in answers.lanes
        for held in answers.records:
            record = DecisionRecord.from_json(held)
            assert (record.inputs.clock_behind, record.decided_at) == (True, BEGUN)
            assert Reason.CLOCK_BEHIND in record.reasons
            assert replayed(router.desk, record).to_json() == held
    with at(home, BEGUN + 1) as router:
        assert router.clock_behind_s == 0
        assert "FAST" in router.decide(some(160, 300)).lanes


def test_a_clock_a_little_behind_lets_pass_and_no_decision_is_dated_before_an_earlier_one(home: Home) -> None:
    decided(home, BEGUN, some(0, 20))
    found = decided(home, BEGUN - HOUR, some(20, 160))
    assert "FAST" in {one["lane"] for one in found}
    assert {one["decided_at"] for one in found} == {BEGUN}
    assert b"clock_behind" not in json.dumps(found).encode()


def test_a_clock_set_back_within_one_run_is_seen_by_the_next_decision_and_said_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [BEGUN]
    with Router.open(home.root, clock=lambda: clock[0]) as router:
        router.decide_one(lone_of(single_claims(200, 3)[0]))
        clock[0] -= 2 * HOUR
        assert "FAST" not in router.decide(some(1, 140)).lanes
        router.decide(some(140, 150))
        assert [one.message.startswith("the clock is behind") for one in caplog.records] == [True]
        clock[0] += 2 * HOUR
        assert "FAST" in router.decide(some(150, 300)).lanes


def test_a_claim_alone_is_decided_as_in_a_batch_of_one_also_where_the_clock_is_behind(
    home: Home, tmp_path: Path
) -> None:
    other = Home(tmp_path / "other").begin().accept()
    other.place.pseudonym_key.write_bytes(home.place.pseudonym_key.read_bytes())
    claims = single_claims(200, 3)[:80]
    for one in (home, other):
        decided(one, BEGUN, some_claims(20))
    with at(home, BEGUN - DAY) as router, at(other, BEGUN - DAY) as patient:
        alone = [router.decide_one(lone_of(one)).record for one in claims]
        assert alone == [patient.decide(batch_of([one])).records[0] for one in claims]
    assert all(b'"clock_behind":true' in one for one in alone)


def test_a_clock_set_back_does_not_revive_an_expired_model(home: Home) -> None:
    expires = BEGUN + LASTS_S
    decided(home, expires + 1, some(0, 1))
    found = decided(home, expires - HOUR // 2, some(1, 150))
    assert all("expired_model" in one["reasons"] for one in found)  # type: ignore[operator]


def test_a_clock_far_ahead_makes_no_duplicate_forgotten(home: Home) -> None:
    claims = some(0, 30)
    decided(home, BEGUN, claims)
    for day in range(5):
        decided(home, BEGUN + (9_000 + day) * DAY, some(40 + 3 * day, 43 + 3 * day))
    for moment in (BEGUN + 9_006 * DAY, BEGUN + DAY):
        found = decided(home, moment, repeating(claims, f"again-{moment}"))
        assert all(one["findings"] for one in found)


def test_the_latest_moment_and_the_days_of_decisions_are_those_of_the_store(home: Home) -> None:
    for day in (0, 0, 3, 5):
        decided(home, BEGUN + day * DAY + day, some(2 * day, 2 * day + 2))
    with at(home, BEGUN) as router:
        store, first = router.desk.store.decisions, BEGUN // DAY
        assert store.latest() == BEGUN + 5 * DAY + 5
        assert store.newest_days(2) == [(BEGUN + 5 * DAY + 5) // DAY, (BEGUN + 3 * DAY + 3) // DAY]
        assert store.newest_days(7)[-1] == first


def declares(home: Home, moment: int, why: str = "the battery was empty") -> WrongClock:
    with Desk.open(home.root) as desk:
        return declare_wrong(desk.store.engine, desk.store.decisions.latest(), moment, "Li", why)


def test_a_clock_that_was_declared_wrong_lets_pass_again_and_what_was_decided_keeps_its_moments_and_replays(
    home: Home,
) -> None:
    old = decided(home, BEGUN + 900 * DAY, some(0, 20))
    assert "FAST" not in {one["lane"] for one in decided(home, BEGUN, some(20, 80))}
    declares(home, BEGUN + 5)
    found = decided(home, BEGUN + 10, some(80, 200))
    assert "FAST" in {one["lane"] for one in found}
    assert {one["decided_at"] for one in found} == {BEGUN + 10}
    assert {one["decided_at"] for one in decided(home, BEGUN + 4, some(200, 210))} == {BEGUN + 10}
    with Desk.open(home.root) as desk:
        for one in (*old, *found[:30]):
            record = DecisionRecord.model_validate(one)
            assert replayed(desk, record) == record


def test_a_router_that_decides_on_before_it_hears_of_a_declaration_does_not_undo_it(home: Home) -> None:
    decided(home, BEGUN + 900 * DAY, some(0, 20))
    with at(home, BEGUN) as router:
        declares(home, BEGUN)
        assert "FAST" not in router.decide(some(20, 100)).lanes
        router.swap()
        assert "FAST" in router.decide(some(100, 200)).lanes


def test_a_declaration_stays_with_who_made_it_and_why(home: Home) -> None:
    decided(home, BEGUN + 900 * DAY, some(0, 20))
    made = declares(home, BEGUN)
    decided(home, BEGUN + DAY, some(20, 30))
    with Desk.open(home.root) as desk:
        assert declared(desk.store.engine) == [made]
    assert (made.latest, made.declared_at, made.declared_by) == (BEGUN + 900 * DAY, BEGUN, "Li")


@pytest.mark.parametrize(
    ("ahead", "why"), [(0, "x"), (HOUR, "x"), (9 * HOUR, ""), (9 * HOUR, " "), (9 * HOUR, "x" * 501)]
)
def test_nothing_is_declared_of_a_clock_that_is_not_behind_or_without_a_reason(
    home: Home, ahead: int, why: str
) -> None:
    decided(home, BEGUN + ahead, some(0, 20))
    with pytest.raises(InputError):
        declares(home, BEGUN, why)
    with Desk.open(home.root) as desk:
        assert declared(desk.store.engine) == []
        assert desk.store.decisions.latest() == BEGUN + ahead


def test_a_shadow_lets_nothing_pass_either_where_the_clock_is_behind(home: Home) -> None:
    stage_shadow(home)
    with Desk.open(home.root) as desk:
        belongings(desk, hashlib.sha256(model_bytes(2)).hexdigest())
    decided(home, BEGUN, some(0, 1))
    with at(home, BEGUN - DAY) as router:
        router.decide(some(1, 150))
        for one in single_claims(200, 3)[150:190]:
            router.decide_one(lone_of(one.model_copy(update={"claim_key": f"S-{one.claim_key}"})))
        [model] = {row.model_sha256 for row in shadows(router)}
        counted = router.desk.store.decisions.shadowed(model.hex())
    assert sum(counted.values()) == 190
    assert sum(n for (_, lane), n in counted.items() if lane == "FAST") <= 1  # of the first, when the clock was right


def shadows(router: Router) -> list[Row[Any]]:
    with router.desk.store.engine.connect() as connection:
        return list(connection.execute(SHADOWS.select()))
