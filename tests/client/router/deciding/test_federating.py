"""Cards from all bureaus' past claims: bounds with their noise, beside the bureau's own."""

from typing import Any

import numpy as np

from client.router.belonging import first_cards
from client.router.deciding.cards import ClusterCard, ClusterCards
from client.router.deciding.clusters import cluster_reasons
from client.router.deciding.federating import federated_cards, with_federated
from client.router.deciding.lanes import Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from common.model import ClusterOutcomes, Model, Outcomes
from tests.common.test_model import MODEL

POLICY = RouterPolicy()
OF_THREE = RoutingModel.of(MODEL, sha256="a" * 64)
HIDDEN = ClusterOutcomes(decided=None, adverse_low=None, adverse_high=None, fraud=None, largest_provider=None)


def counted(decided: int, low: int, high: int) -> ClusterOutcomes:
    return ClusterOutcomes(decided=decided, adverse_low=low, adverse_high=high, fraud=None, largest_provider=None)


def model_with(*clusters: ClusterOutcomes, noise_std: float = 5.0) -> Model:
    outcomes = Outcomes(noise_std=noise_std, provider_noise_std=noise_std, clusters=clusters)
    return MODEL.model_copy(update={"outcomes": outcomes})


def own(cluster: int = 0, **changes: Any) -> ClusterCard:
    held = {
        "cluster": cluster,
        "source": "local",
        "reviewed": 40,
        "adverse": 1,
        "noise_std": 0.0,
        "lower": 0.001,
        "upper": 0.11,
        "certainty": POLICY.certainty,
        "recent": 900,
        "providers": (("H1", 200),),
    }
    return ClusterCard.model_validate(held | changes)


def local(*cards: ClusterCard) -> ClusterCards:
    return ClusterCards(model_sha256="a" * 64, made_at=1, cards=cards)


def test_a_model_without_outcomes_gives_no_cards() -> None:
    assert federated_cards(MODEL.model_copy(update={"outcomes": None}), POLICY) == ()


def test_a_hidden_cluster_gets_no_card_and_so_no_support() -> None:
    cards = federated_cards(model_with(HIDDEN, counted(5000, 20, 20), HIDDEN), POLICY)
    assert [card.cluster for card in cards] == [1]
    reasons = cluster_reasons(OF_THREE, local(*cards), POLICY)
    assert reasons[0] is reasons[2] is Reason.UNSUPPORTED_CLUSTER
    assert reasons[1] is None


def test_few_adverse_outcomes_count_as_the_most_there_can_be() -> None:
    few, *_ = federated_cards(model_with(counted(5000, 0, 21), HIDDEN, HIDDEN), POLICY)
    all_of_them, *_ = federated_cards(model_with(counted(5000, 21, 21), HIDDEN, HIDDEN), POLICY)
    assert few.lower == 0.0
    assert few.upper == all_of_them.upper > 21 / 5000


def test_bounds_hold_for_counts_with_the_noise_of_the_run() -> None:
    rng, share, held, trials = np.random.default_rng(5), 0.08, 0, 400
    for _ in range(trials):
        kinds = rng.multinomial(2000, [1 - share, share / 2, share / 4, share / 4]) + rng.normal(0, 20.0, 4)
        decided, adverse = round(kinds.sum()), round(kinds[1:].sum())
        found = model_with(counted(decided, adverse, adverse), HIDDEN, HIDDEN, noise_std=20.0)
        card, *_ = federated_cards(found, POLICY)
        held += card.lower <= share <= card.upper
    assert held / trials >= POLICY.certainty


def test_a_mostly_adverse_cluster_is_a_high_risk_for_everybody() -> None:
    cards = federated_cards(model_with(counted(3000, 2900, 3000), HIDDEN, HIDDEN), POLICY)
    assert cluster_reasons(OF_THREE, local(*cards), POLICY)[0] is Reason.HIGH_RISK_CLUSTER


def test_the_closer_bounds_count_and_the_bureau_s_own_figures_stay() -> None:
    federated = federated_cards(model_with(counted(5000, 50, 50), counted(60, 30, 30), HIDDEN), POLICY)
    found = with_federated(local(own(0), own(1), own(2)), federated, POLICY)
    assert [card.source for card in found.cards] == ["federated", "local", "local"]
    assert (found.cards[0].recent, found.cards[0].providers) == (900, (("H1", 200),))


def test_no_other_bureau_takes_back_what_this_one_has_found() -> None:
    federated = federated_cards(model_with(counted(100_000, 1000, 1000), HIDDEN, HIDDEN), POLICY)
    risky = own(reviewed=200, adverse=80, lower=0.34, upper=0.46)
    worse_here = own(reviewed=200, adverse=12, lower=0.03, upper=0.09)
    for mine in (risky, worse_here):
        assert with_federated(local(mine), federated, POLICY).cards == (mine,)
    assert cluster_reasons(OF_THREE, local(risky), POLICY)[0] is Reason.HIGH_RISK_CLUSTER


def test_what_all_bureaus_found_worse_counts_against_a_better_experience_of_ones_own() -> None:
    federated = federated_cards(model_with(counted(3000, 2900, 3000), HIDDEN, HIDDEN), POLICY)
    found = with_federated(local(own(lower=0.001, upper=0.01)), federated, POLICY)
    assert [card.source for card in found.cards] == ["federated"]


def test_clusters_that_only_one_side_knows_are_kept() -> None:
    federated = federated_cards(model_with(counted(5000, 50, 50), HIDDEN, HIDDEN), POLICY)
    assert [card.cluster for card in with_federated(local(own(2)), federated, POLICY).cards] == [0, 2]
    assert with_federated(local(own(2)), (), POLICY) == local(own(2))


def test_a_router_begins_with_what_the_model_itself_says() -> None:
    found = first_cards(model_with(counted(5000, 50, 50), HIDDEN, HIDDEN), OF_THREE, POLICY, 7)
    assert (found.made_at, [card.source for card in found.cards]) == (7, ["federated"])
    none = MODEL.model_copy(update={"outcomes": None})
    assert first_cards(none, OF_THREE, POLICY, 7) == ClusterCards(model_sha256="a" * 64, made_at=0)
