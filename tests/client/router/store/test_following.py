"""A router that follows a stream: what it knows of clusters outlives the versions of the model, and records replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.router.belonging import about
from client.router.claims import RoutedClaims
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import replayed
from client.router.router import Router, now
from client.router.store.artefacts import Kind
from common.model import Model, Outcomes
from tests.client.router.deciding.test_federating import HIDDEN, counted
from tests.client.router.deciding.worlds import K
from tests.client.router.homes import some_claims
from tests.client.router.store.streaming import StreamHome
from tests.client.router.store.test_concentrating import of_one_provider
from tests.client.router.streams import IDENTITIES, OTHER_STREAM, cluster, happened, in_order, streamed

ORDER = (3, 0, 5, 1, 4, 2)


def usual(window: int = 50) -> Model:
    return streamed(in_order(IDENTITIES), window=window)


def shuffled(window: int = 51) -> Model:
    return streamed([in_order(IDENTITIES)[place] for place in ORDER], window=window)


@pytest.fixture
def home(tmp_path: Path) -> StreamHome:
    """A stream's first version in force, with all that belongs to it."""
    found = StreamHome.begin(tmp_path / "router")
    found.accept(usual())
    found.settle(1)
    return found


def some(start: int, end: int) -> RoutedClaims:
    return some_claims(900).select(np.arange(start, end))


def told(router: Router, claims: RoutedClaims) -> list[dict[str, Any]]:
    return [json.loads(one) for one in router.decide(claims).records]


def lanes(held: list[dict[str, Any]]) -> list[str]:
    return [one["lane"] for one in held]


def test_a_new_version_of_a_stream_decides_with_the_cards_habits_and_calibration_of_the_one_before(
    home: StreamHome, tmp_path: Path
) -> None:
    with home.open() as router:
        before = told(router, some(0, 200))
    other = StreamHome.begin(tmp_path / "other")
    other.home.place.pseudonym_key.write_bytes(home.home.place.pseudonym_key.read_bytes())
    other.accept(usual())
    other.settle(1)
    other.accept(shuffled())
    with other.open() as router:
        after = told(router, some(0, 200))
    assert lanes(before) == lanes(after)
    assert len(set(lanes(after))) > 2
    assert {one.get("cards_version") for one in before} == {None}
    assert {one["cards_version"] for one in after} == {1}
    with Desk.open(other.home.root) as desk:
        for one in after[::20]:
            record = DecisionRecord.model_validate(one)
            assert replayed(desk, record) == record


def test_records_of_earlier_versions_replay_when_cards_were_made_anew(home: StreamHome) -> None:
    with home.open() as router:
        old = told(router, some(0, 40))
    home.accept(shuffled())
    home.settle(2, (Kind.CARDS,))
    with home.open() as router:
        new = told(router, some(40, 80))
    assert {one.get("cards_version") for one in new} == {None}
    with Desk.open(home.home.root) as desk:
        for one in (*old, *new):
            record = DecisionRecord.model_validate(one)
            assert replayed(desk, record) == record


def test_another_stream_takes_nothing_over(home: StreamHome) -> None:
    home.accept(streamed(in_order(IDENTITIES), stream=OTHER_STREAM))
    with home.open() as router:
        assert set(lanes(told(router, some(0, 100)))) <= {"HUMAN", "REVIEW", "HOLD"}
        assert router.bench.artefacts.cards.cards == ()
        assert router.bench.artefacts.habits is None


def test_nothing_is_taken_over_from_a_version_that_was_refused(home: StreamHome) -> None:
    refused = home.receive(usual(51))
    wrong = home.settle(refused)
    with Desk.open(home.home.root) as desk:
        desk.shelf.refuse(refused, now())
    home.accept(usual(52))
    with home.open() as router:
        assert router.bench.artefacts.cards.version == 1 != wrong.version


def test_a_calibration_that_was_taken_out_of_force_does_not_come_back(home: StreamHome) -> None:
    home.accept(usual(51))
    with Desk.open(home.home.root) as desk:
        desk.store.artefacts.point(Kind.CALIBRATION, about(home.routing(2)), None)
    home.accept(usual(52))
    with home.open() as router:
        assert router.bench.artefacts.habits is not None
        assert router.bench.artefacts.calibration is None


def test_what_a_later_version_was_given_does_not_count_for_an_earlier_one(home: StreamHome) -> None:
    later = home.receive(usual(51))
    home.settle(later, (Kind.CARDS,))
    with home.open() as router:
        assert router.bench.artefacts.cards.version == 1


def test_a_version_with_outcomes_of_all_bureaus_keeps_what_this_one_has_found(home: StreamHome) -> None:
    outcomes = Outcomes(
        noise_std=5.0, provider_noise_std=5.0, clusters=(counted(5000, 4900, 5000), *[HIDDEN] * (K - 1))
    )
    model = Model.model_validate_json(shuffled().model_copy(update={"outcomes": outcomes}).to_json())
    home.accept(model)
    home.open().close()
    home.accept(usual(52))
    with home.open() as router:
        cards = {card.cluster: card for card in router.bench.artefacts.cards.cards}
        assert router.bench.artefacts.cards.version == 2
    known = IDENTITIES[ORDER[0]]
    assert cards[known].reviewed == 5000
    assert {one: card.source for one, card in cards.items()} == {
        one: "federated" if one == known else "local" for one in IDENTITIES
    }


def flagged(held: list[dict[str, Any]]) -> list[bool]:
    return ["provider_concentration" in one["reasons"] for one in held]


def test_providers_of_a_stream_are_counted_over_its_versions_and_over_restarts(home: StreamHome) -> None:
    with home.open() as router:
        told(router, of_one_provider(some(0, 600)))
        home.accept(shuffled())
        router.swap()
        held = told(router, of_one_provider(some(600, 700)))
        one_by_one = flagged(held)
        assert router.bench.artefacts.model.version == 2
    assert all(one_by_one)
    home.accept(usual(52))
    with home.open() as router:
        assert all(flagged(told(router, of_one_provider(some(700, 800)))))


def test_a_cluster_that_took_another_one_in_has_the_claims_of_both(home: StreamHome) -> None:
    gone, stays = IDENTITIES[0], IDENTITIES[1]
    with home.open() as router:
        before = told(router, of_one_provider(some(0, 500)))
        merged = streamed(in_order(IDENTITIES)[1:], [happened(51, "merge", stays, gone)], window=51)
        home.accept(merged)
        router.swap()
        of_both = sum(one["cluster"] in {0, 1} for one in before)
        found = router._memory.concentration
        assert found._total(found._generations[0][0]) == of_both
        assert of_both > sum(one["cluster"] == 1 for one in before) > 0


def test_halves_of_a_cluster_go_by_its_claims_until_they_have_enough_of_their_own(home: StreamHome) -> None:
    elder = IDENTITIES[0]
    with home.open() as router:
        told(router, of_one_provider(some(0, 600)))
        halves = [cluster(0, 60), *in_order(IDENTITIES)[1:]]
        home.accept(streamed(halves, [happened(51, "split", 60, elder)], window=51))
        router.swap()
        share = router._memory.concentration.share(0, "FLOOD")
        others = router._memory.concentration.share(0, "OTHER")
    assert (share, others) == (1000, 0)
