"""Cards: bounds that hold with the noise in them, and what follows for a cluster."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from client.router.deciding.carding import cards_from_counts, leading_providers, local_cards
from client.router.deciding.cards import ClusterCard, ClusterCards
from client.router.deciding.clusters import cluster_reasons, provider_shares
from client.router.deciding.lanes import Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.risk import share_bounds
from common.columns import encode_codes
from common.errors import InputError
from tests.client.router.deciding.test_distance import SMALL, model_at
from tests.client.router.deciding.worlds import routing_model


def of(n_clusters: int, digit: str = "0") -> RoutingModel:
    """A model with so many clusters."""
    return replace(model_at(np.zeros((n_clusters, 3), np.int64), SMALL), sha256=digit * 64)


def card(**changes: object) -> ClusterCard:
    held = {
        "cluster": 0,
        "source": "local",
        "reviewed": 100,
        "adverse": 1,
        "noise_std": 0.0,
        "lower": 0.001,
        "upper": 0.05,
        "certainty": 0.9,
        "recent": 100,
    }
    return ClusterCard.model_validate(held | changes)


def test_bounds_without_noise_are_those_of_clopper_and_pearson() -> None:
    for hits, draws in ((0, 30), (3, 30), (30, 30), (250, 1000)):
        exact = stats.binomtest(hits, draws).proportion_ci(0.9, method="exact")
        assert share_bounds(hits, draws, noise_std=0.0, certainty=0.9) == pytest.approx((exact.low, exact.high))


def coverage(*, noise_std: float, told_std: float) -> float:
    """How often bounds that are told of ``told_std`` hold, with noise of ``noise_std`` in the counts."""
    rng = np.random.default_rng(11)
    held, trials, share, draws = 0, 2000, 0.1, 150
    for _ in range(trials):
        counts = rng.binomial(draws, share) + rng.normal(0, noise_std), draws + rng.normal(0, noise_std)
        lower, upper = share_bounds(*counts, noise_std=told_std, certainty=0.9)
        held += lower <= share <= upper
    return held / trials


def test_bounds_hold_with_noise_in_the_counts_and_the_twin_that_ignores_it_fails() -> None:
    assert coverage(noise_std=0.0, told_std=0.0) >= 0.9
    assert coverage(noise_std=10.0, told_std=10.0) >= 0.9
    assert coverage(noise_std=10.0, told_std=0.0) < 0.75


def test_bounds_stay_between_0_and_1_whatever_the_noise_did() -> None:
    for adverse, reviewed in ((-30, -5), (40, 20), (0, 0), (-3, 50)):
        lower, upper = share_bounds(adverse, reviewed, noise_std=8.0, certainty=0.9)
        assert 0.0 <= lower <= upper <= 1.0


def test_a_supported_cluster_passes_and_one_surely_above_the_policys_share_is_reviewed() -> None:
    policy = RouterPolicy(high_risk_share=0.1, largest_risk_share=0.3, min_cluster_reviewed=20)
    assert card().objection(policy) is None
    assert card(lower=0.11, upper=0.2).objection(policy) is Reason.HIGH_RISK_CLUSTER
    assert card(lower=0.1, upper=0.3).objection(policy) is None
    assert card(upper=0.31).objection(policy) is Reason.UNSUPPORTED_CLUSTER
    assert card(reviewed=19).objection(policy) is Reason.UNSUPPORTED_CLUSTER
    assert card(reviewed=40, noise_std=10.1).objection(policy) is Reason.UNSUPPORTED_CLUSTER
    assert card(reviewed=40, noise_std=10.0).objection(policy) is None


def test_a_cluster_without_a_card_has_no_support_unless_the_policy_speaks_for_it() -> None:
    cards = ClusterCards(model_sha256="0" * 64, made_at=1, cards=(card(),))
    assert cluster_reasons(of(2), cards, RouterPolicy()) == (None, Reason.UNSUPPORTED_CLUSTER)
    assert cluster_reasons(of(2), cards, RouterPolicy(clusters={1: "fast", 0: "hold"}, clusters_of="0" * 12)) == (
        Reason.HELD_CLUSTER,
        None,
    )


def test_local_cards_count_what_was_reviewed_and_name_the_leading_providers() -> None:
    model = routing_model()
    providers = encode_codes(["A", "A", "B", None, "C", "D", "D", "D", "D"])
    cards = local_cards(
        model,
        RouterPolicy(certainty=0.9),
        reviewed=np.array([0, 0, 0, 1]),
        adverse=np.array([True, False, False, False]),
        recent=np.array([0, 0, 0, 0, 1, 1, 1, 1, 1]),
        providers=providers,
        made_at=5,
    )
    first, second = cards.cards[:2]
    assert (first.reviewed, first.adverse, first.recent, first.source) == (3, 1, 4, "local")
    assert first.providers == (("A", 500), ("B", 250))
    assert second.providers == (("D", 800), ("C", 200))
    assert (first.lower, first.upper) == share_bounds(1, 3, noise_std=0.0, certainty=0.9)
    assert len(cards.cards) == len(model)
    assert cards.model_sha256 == model.sha256
    assert leading_providers(np.array([0]), None, 2) == [(), ()]


def test_federated_cards_say_so_and_have_the_noise_in_their_bounds() -> None:
    n = len(routing_model())
    held = {"reviewed": np.full(n, 500), "adverse": np.full(n, 10)}
    exact = cards_from_counts(routing_model(), RouterPolicy(), **held, noise_std=0.0)[0]
    noisy = cards_from_counts(routing_model(), RouterPolicy(), **held, noise_std=5.0)[0]
    assert (exact.source, noisy.source) == ("local", "federated")
    assert noisy.lower < exact.lower
    assert exact.upper < noisy.upper


def test_a_share_of_too_few_recent_claims_is_none() -> None:
    held = card(providers=(("A", 900),), recent=29)
    cards = ClusterCards(model_sha256="0" * 64, made_at=1, cards=(held,))
    assert provider_shares(cards.cards, RouterPolicy(min_provider_claims=30)) == {}
    assert provider_shares(cards.cards, RouterPolicy(min_provider_claims=29)) == {(0, "A"): 900}


def test_cards_survive_their_spelling_and_cards_out_of_order_are_refused() -> None:
    cards = ClusterCards(model_sha256="0" * 64, made_at=1, cards=(card(), card(cluster=1, providers=(("A", 10),))))
    again = ClusterCards.from_json(cards.to_json())
    assert (again, again.sha256) == (cards, cards.sha256)
    for wrong in ((card(), card()), (card(cluster=1), card())):
        with pytest.raises(InputError):
            ClusterCards.from_json(cards.model_copy(update={"cards": wrong}).to_json())


def test_cards_of_a_model_without_a_stream_are_spelled_as_they_always_were() -> None:
    held = json.loads(ClusterCards(model_sha256="0" * 64, made_at=1, cards=(card(),)).to_json())
    assert set(held) == {"format", "model_sha256", "made_at", "cards"}
    streamed = ClusterCards(model_sha256="0" * 64, made_at=1, version=0, window=7)
    assert ClusterCards.from_json(streamed.to_json()) == streamed


WORDS = RouterPolicy(clusters={0: "fast", 2: "hold"}, clusters_of="a" * 12)


def test_words_of_the_policy_count_for_the_model_they_name_alone() -> None:
    named = cluster_reasons(of(3, "a"), ClusterCards(model_sha256="a" * 64, made_at=1), WORDS)
    assert named == (None, Reason.UNSUPPORTED_CLUSTER, Reason.HELD_CLUSTER)
    other = cluster_reasons(of(3, "b"), ClusterCards(model_sha256="b" * 64, made_at=1), WORDS)
    assert other == (Reason.QUARANTINED_CLUSTER,) * 3


def test_a_word_for_a_cluster_that_the_model_does_not_have_lets_nothing_pass() -> None:
    found = cluster_reasons(of(2, "a"), ClusterCards(model_sha256="a" * 64, made_at=1), WORDS)
    assert found == (Reason.QUARANTINED_CLUSTER,) * 2


def test_words_without_a_model_are_refused() -> None:
    with pytest.raises(ValueError, match="clusters needs clusters_of"):
        RouterPolicy(clusters={0: "fast"})
