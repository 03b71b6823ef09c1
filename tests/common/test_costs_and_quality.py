import math

import numpy as np
import pytest
from sklearn.metrics import r2_score

from common.costs import LOG_UNITS, costs_of, sum_costs
from common.quality import cv_of_cost, riv_of_cost, riv_of_log_cost, share_with_cv_below_one

RNG = np.random.default_rng(4)
LABELS = RNG.integers(0, 5, 4_000).astype(np.int32)
TOTALS = np.rint(np.exp(RNG.normal(11 + LABELS / 3, 1.0))).astype(np.int64)


def sums(totals: np.ndarray = TOTALS, labels: np.ndarray = LABELS, k: int = 5) -> np.ndarray:
    return sum_costs(costs_of(totals, 200_000), labels, k)


def test_costs_are_rounded_to_yuan_capped_and_put_on_a_logarithmic_scale() -> None:
    costs = costs_of(np.array([0, -500, 1, 149, 150, 100_000, 10**12]), 200_000)
    assert costs.yuan.tolist() == [0, 0, 1, 1, 2, 1_000, 200_000]
    assert costs.log.tolist() == [
        0,
        0,
        0,
        *(round(math.log(fen) / math.log(2e7) * LOG_UNITS) for fen in (149, 150, 1e5)),
        LOG_UNITS,
    ]


def test_claims_without_a_positive_cost_take_no_part() -> None:
    assert sums(np.array([0, -100, 5_000]), np.zeros(3, np.int32), 1)[0].tolist()[0] == 1


def test_cost_sums_add_up_over_bureaus() -> None:
    assert np.array_equal(sums(), sums(TOTALS[:1_000], LABELS[:1_000]) + sums(TOTALS[1_000:], LABELS[1_000:]))


def test_riv_is_r_squared_of_the_group_means() -> None:
    capped = np.minimum(TOTALS / 100, 200_000)
    logs = np.log(capped * 100)
    for values, found in ((logs, riv_of_log_cost(sums())), (capped, riv_of_cost(sums()))):
        means = np.array([values[k == LABELS].mean() for k in range(5)])[LABELS]
        assert found == pytest.approx(r2_score(values, means), abs=2e-4)


def test_riv_of_random_labels_is_next_to_nothing() -> None:
    assert riv_of_log_cost(sums(labels=RNG.permutation(LABELS))) < 0.01


def test_cv_is_deviation_over_mean() -> None:
    capped = np.minimum(TOTALS / 100, 200_000)
    expected = [capped[k == LABELS].std() / capped[k == LABELS].mean() for k in range(5)]
    assert cv_of_cost(sums()) == pytest.approx(expected, rel=1e-3)
    assert share_with_cv_below_one(sums()) == np.mean(np.array(expected) < 1)


def test_a_cluster_without_costs_has_no_cv_and_no_part_in_the_share() -> None:
    found = sums(k=6)
    assert np.isnan(cv_of_cost(found)[5])
    assert share_with_cv_below_one(found) == share_with_cv_below_one(sums())
    assert share_with_cv_below_one(np.zeros((3, 5), np.int64)) == 0.0
    assert riv_of_cost(np.zeros((3, 5), np.int64)) == 0.0
