"""Figures as published: above the floor, noise taken into account."""

from dataclasses import replace

import numpy as np
import pytest

from common.figures import OutcomeFigures, figures_of, outcome_figures_of
from common.private.asked import PrivateOutcome
from common.private.measured import CountedOutcomes, Measured
from common.rounds import Outcome
from common.summary import Summary
from tests.common.open_run import plan_of
from tests.common.private_run import private_plan


def outcome(counts: list[float], costs: list[list[float]], std: float = 1.0) -> PrivateOutcome:
    k = len(counts)
    measured = Measured(
        counts=np.array(counts),
        square_distances=np.array(counts) * 0.25,
        costs=np.array(costs),
        count_noise_std=std,
        square_noise_stds=np.full(k, std),
        cost_noise_std=std,
    )
    return PrivateOutcome(centroids=np.zeros((k, 2), np.int64), measured=measured, rounds=9, spent=1000)


def test_noisy_figures_are_shown_above_the_floor_and_two_deviations_alone() -> None:
    costs = [[n, 0.5 * n, 0.25 * n] for n in (500.0, 40.0, 300.0, -3.0)]
    found = figures_of(private_plan(2, n_clusters=4), outcome([500.4, 40.0, 300.0, -3.0], costs, std=20.0))
    assert [cluster.count for cluster in found.clusters] == [500, 300, None, None]
    assert found.order.tolist() == [0, 2, 1, 3]
    assert found.clusters[0].mean_square_distance == 0.25
    assert found.clusters[2].mean_square_distance is found.clusters[2].cost_geometric_mean is None
    assert found.clusters[0].cost_geometric_mean == pytest.approx(200_000 * 1000**-0.25)
    assert found.clusters[0].cost_mean is found.clusters[0].cost_cv is found.riv_cost is None
    assert found.n_claims == 837


def test_a_lone_small_cluster_is_not_given_away_by_the_total() -> None:
    costs = [[1000.0, 0.0, 0.0]] * 3
    found = figures_of(private_plan(2, n_clusters=3), outcome([1000.0, 600.0, 5.0], costs))
    assert [cluster.count for cluster in found.clusters] == [1000, None, None]


def test_the_noisy_share_of_variance_is_right_on_average() -> None:
    rng = np.random.default_rng(4)
    n, means, within = np.array([900.0, 700.0, 400.0]), np.array([0.4, 0.0, -0.5]), 0.05
    exact = np.stack([n, n * means, n * (means**2 + within)], axis=1)
    middle = (n * means).sum() / n.sum()
    truth = 1 - within / (within + (n * (means - middle) ** 2).sum() / n.sum())
    plan = private_plan(2, n_clusters=3)
    found = [
        figures_of(plan, outcome(list(n), (exact + rng.normal(0, 30, exact.shape)).tolist(), 30.0)).riv_log_cost
        for _ in range(300)
    ]
    assert np.mean(found) == pytest.approx(truth, abs=0.02)
    assert np.std(found) > 0.005


def test_exact_figures_hide_how_many_few_claims_have_no_cost() -> None:
    k = 3
    summary = Summary(
        counts=np.array([100, 90, 80], np.int64),
        sums=np.zeros((k, 2), np.int64),
        squares=np.zeros(k, np.int64),
        costs=np.array([[98, 980, 9800, 98, 98], [90, 900, 9000, 90, 90], [4, 40, 400, 4, 4]], np.int64),
    )
    found = figures_of(
        plan_of(2, n_clusters=3), Outcome(centroids=np.zeros((k, 2), np.int64), summary=summary, rounds=1)
    )
    assert [cluster.cost_n for cluster in found.clusters] == [None, 90, None]
    assert [cluster.cost_mean for cluster in found.clusters] == [1.0, 1.0, None]


def counted(decided: list[list[float]], largest: list[float], std: float = 1.0) -> PrivateOutcome:
    counts = [2.0 * sum(row) for row in decided]
    found = outcome(counts, [[1000.0, 0.0, 0.0]] * len(decided))
    outcomes = CountedOutcomes(
        decided=np.array(decided), largest_provider=np.array(largest), noise_std=std, provider_noise_std=std
    )
    return replace(found, outcomes=outcomes)


PLAN_OF_FOUR = private_plan(2, n_clusters=4)


def test_outcomes_above_the_floor_are_shown_as_they_were_counted() -> None:
    found = outcome_figures_of(PLAN_OF_FOUR, counted([[400.0, 60.0, 30.0, 40.0]] * 4, [100.0] * 4))
    assert found[0] == OutcomeFigures(decided=530, adverse_low=130, adverse_high=130, fraud=40, largest_provider=100)


def test_few_adverse_outcomes_are_told_as_a_bound_alone() -> None:
    few, *_ = outcome_figures_of(PLAN_OF_FOUR, counted([[400.0, 3.0, 1.0, 0.0]] * 4, [100.0] * 4))
    none, *_ = outcome_figures_of(PLAN_OF_FOUR, counted([[400.0, -2.0, -1.0, 0.0]] * 4, [100.0] * 4))
    assert (few.adverse_low, few.adverse_high) == (none.adverse_low, none.adverse_high) == (0, 15)
    assert few.fraud is none.fraud is None


def test_few_approvals_are_not_given_away_by_the_difference() -> None:
    found, *_ = outcome_figures_of(PLAN_OF_FOUR, counted([[2.0, 200.0, 100.0, 98.0]] * 4, [100.0] * 4))
    assert (found.decided, found.adverse_low, found.adverse_high) == (400, 385, 400)
    assert found.fraud is None


def test_few_other_adverse_outcomes_are_not_given_away_by_fraud() -> None:
    found, *_ = outcome_figures_of(PLAN_OF_FOUR, counted([[400.0, 2.0, 1.0, 97.0]] * 4, [100.0] * 4))
    assert (found.adverse_low, found.adverse_high, found.fraud) == (100, 100, None)


def test_few_undecided_claims_are_not_given_away_by_the_count() -> None:
    decided = [[400.0, 60.0, 30.0, 40.0]] * 4
    for left in (3.0, 0.0, -2.0):
        found = counted(decided, [100.0] * 4)
        few = replace(found, measured=replace(found.measured, counts=np.full(4, 530.0 + left)))
        first, *_ = outcome_figures_of(PLAN_OF_FOUR, few)
        assert first.decided is not None
        assert 530 + left - first.decided >= 11
        assert (first.adverse_low, first.adverse_high) == (130, 130)


def test_hardly_decided_clusters_show_nothing_of_outcomes() -> None:
    found = outcome_figures_of(
        PLAN_OF_FOUR, counted([[400.0, 60.0, 30.0, 40.0]] * 2 + [[5.0, 1.0, 1.0, 0.0]] * 2, [9.0] * 4)
    )
    assert found[2:] == (OutcomeFigures(), OutcomeFigures())


def test_the_largest_provider_is_hidden_with_few_claims_or_few_others() -> None:
    found = outcome_figures_of(PLAN_OF_FOUR, counted([[400.0, 60.0, 30.0, 40.0]] * 4, [9.0, 1055.0, 100.0, 1040.0]))
    assert [one.largest_provider for one in found] == [None, None, 100, 1040]
