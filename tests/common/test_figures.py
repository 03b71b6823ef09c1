"""Figures as published: above the floor, noise taken into account."""

import numpy as np
import pytest

from common.figures import figures_of
from common.private.lbg import PrivateOutcome
from common.private.measured import Measured
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
