"""One provider that takes over a cluster is seen as it happens: alone, in batches, over restarts and new models."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.router.claims import RoutedClaims
from client.router.clocks import DAYS_TO_BELIEVE
from client.router.concentration import RECENT_DAYS
from client.router.deciding.cards import ClusterCards
from client.router.deciding.lanes import Reason
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import replayed
from client.router.router import Router, now
from client.router.store.artefacts import Kind
from common.claim import Claim
from common.columns import CodeColumn
from tests.client.router.deciding.worlds import K
from tests.client.router.deciding.worlds import claims as single_claims
from tests.client.router.homes import BEGUN, Home, belongings, chain, model_bytes, some_claims
from tests.client.router.lone.test_deciding import batch_of, lone_of

DAY = 86_400
LEAST = 30


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return uncounted(Home(tmp_path / "router").begin().accept())


def uncounted(home: Home, version: int = 1) -> Home:
    """With cards that say nothing of recent claims."""
    with Desk.open(home.root) as desk:
        digest = hashlib.sha256(model_bytes(version)).hexdigest()
        held = ClusterCards.from_json(desk.store.artefacts.get(desk.store.artefacts.pointed(Kind.CARDS, digest) or ""))
        cards = tuple(card.model_copy(update={"recent": 0, "providers": ()}) for card in held.cards)
        kept = desk.store.artefacts.keep(Kind.CARDS, held.model_copy(update={"cards": cards}).to_json(), now())
        desk.store.artefacts.point(Kind.CARDS, digest, kept)
    return home


def twin(home: Home, root: Path) -> Home:
    other = Home(root).begin().accept()
    other.place.pseudonym_key.write_bytes(home.place.pseudonym_key.read_bytes())
    return uncounted(other)


def opened(home: Home, moment: int = BEGUN) -> Router:
    return Router.open(home.root, clock=lambda: moment)


def of_one_provider(claims: RoutedClaims) -> RoutedClaims:
    codes = CodeColumn(indices=np.zeros(len(claims), np.int32), values=("FLOOD",))
    return replace(claims, table=replace(claims.table, attributes={**claims.table.attributes, "fixmedins_code": codes}))


def some(start: int, end: int) -> RoutedClaims:
    return some_claims(900).select(np.arange(start, end))


def told(router: Router, claims: RoutedClaims) -> list[dict[str, Any]]:
    return [json.loads(one) for one in router.decide(claims).records]


def test_claims_of_a_provider_that_takes_over_its_cluster_are_reviewed_though_nobody_calibrated_since(
    home: Home,
) -> None:
    with opened(home) as router:
        before = told(router, some(0, 300))
        found = told(router, of_one_provider(some(300, 900)))
    assert not any("provider_concentration" in one["reasons"] for one in before)
    flagged = ["provider_concentration" in one["reasons"] for one in found]
    assert flagged == [one["inputs"]["provider_share"] > 500 for one in found]
    assert not any(flagged[:100])
    assert all(flagged[-50:])
    assert "FAST" not in {one["lane"] for one in found[-50:]}


def test_until_enough_claims_of_a_cluster_were_counted_none_of_them_is_fast(home: Home) -> None:
    seen = np.zeros(K, np.int64)
    with opened(home) as router:
        answers = router.decide(some(0, 600))
        for held in answers.records:
            record = DecisionRecord.from_json(held)
            assert (record.inputs.provider_share is None) is bool(seen[record.cluster] < LEAST)
            assert (Reason.UNCOUNTED_PROVIDERS in record.reasons) is (record.inputs.provider_share is None)
            assert replayed(router.desk, record).to_json() == held
            seen[record.cluster] += 1
    assert "FAST" in answers.lanes


def distinct(n_claims: int) -> list[Claim]:
    """No rule compares them."""
    found = single_claims(n_claims, 3)
    return [one.model_copy(update={"claim_key": f"K{n}", "psn_key": f"person-{n}"}) for n, one in enumerate(found)]


def test_claims_have_the_same_records_one_after_another_and_together(home: Home, tmp_path: Path) -> None:
    claims = distinct(500)
    flooded = [
        one.model_copy(update={"fixmedins_code": (*("FLOOD",) * 10, None, " ")[place % 12]})
        for place, one in enumerate(claims[200:])
    ]
    asked = [*claims[:200], *flooded]
    with opened(home) as router, opened(twin(home, tmp_path / "other")) as other:
        alone = [router.decide_one(lone_of(one)).record for one in asked]
        together = [*other.decide(batch_of(asked[:350])).records]
        together += [one for _, answers in other.decide_all([batch_of(asked[350:420]), batch_of(asked[420:])])
                     for one in answers.records]  # fmt: skip
    assert alone == together
    assert {json.loads(one)["inputs"]["provider_share"] for one in alone} > {None, 0}
    assert any(b'"provider_concentration"' in one for one in alone)


def test_counts_are_the_same_after_a_restart_and_only_recent_days_count(home: Home, tmp_path: Path) -> None:
    other, flood = twin(home, tmp_path / "other"), of_one_provider(some(300, 900))
    with opened(home) as router, opened(other) as stays:
        told(router, flood), told(stays, flood)
        expected = told(stays, some(0, 40))
    with opened(home) as router:
        assert told(router, some(0, 40)) == expected
    for day in range(1, DAYS_TO_BELIEVE + 1):
        with opened(home, BEGUN + (RECENT_DAYS + day) * DAY) as router:
            told(router, some(40 + day, 41 + day))
    with opened(home, BEGUN + (RECENT_DAYS + DAYS_TO_BELIEVE + 1) * DAY) as router:
        assert all(one["inputs"]["provider_share"] is None for one in told(router, some(60, 90)))


def test_a_batch_that_could_not_be_kept_counts_for_nobody(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(home) as router:
        with monkeypatch.context() as broken:
            broken.setattr("client.router.committing.Fresh.keep", lambda *_: (_ for _ in ()).throw(OSError))
            with pytest.raises(OSError):  # noqa: PT011
                router.decide(of_one_provider(some(0, 600)))
            with pytest.raises(OSError):  # noqa: PT011
                list(router.decide_all([of_one_provider(some(0, 600))]))
        assert all(one["inputs"]["provider_share"] is None for one in told(router, some(0, 30)))


def test_under_another_model_providers_are_counted_anew_and_back_under_the_first_as_before(home: Home) -> None:
    flood = of_one_provider(some(0, 300))
    with opened(home) as router:
        told(router, flood)
        accept_second(home)
        router.swap()
        anew = told(router, of_one_provider(some(300, 330)))
        assert all(one["inputs"]["provider_share"] is None and one["lane"] != "FAST" for one in anew)
        with Desk.open(home.root) as desk:
            desk.shelf.roll_back(1, desk.trust(now()), now())
        router.swap()
        assert {one["inputs"]["provider_share"] for one in told(router, of_one_provider(some(330, 360)))} == {1000}


def accept_second(home: Home) -> None:
    with Desk.open(home.root) as desk:
        trust = desk.trust(now())
        desk.shelf.receive(chain(2)[1].to_json(), model_bytes(2), trust, now())
        desk.shelf.accept(2, trust, now())
        belongings(desk, hashlib.sha256(model_bytes(2)).hexdigest())
    uncounted(home, 2)
