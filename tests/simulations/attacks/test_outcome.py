"""Limits of rates, by hand and against another implementation."""

from __future__ import annotations

import pytest
from scipy import stats

from common.accounting.guarantee import Guarantee, Unit
from simulations.attacks.outcome import (
    AttackOutcome,
    Rate,
    accuracy_limit,
    gaussian_accuracy_limit,
    identification_limit,
)

ONE = Guarantee(epsilon=1.0, delta=1e-6, unit=Unit.PERSON)


@pytest.mark.parametrize(("successes", "tries"), [(0, 1), (0, 100), (1, 100), (54, 100), (99, 100), (100, 100)])
def test_limits_of_a_rate_are_those_of_clopper_and_pearson(successes: int, tries: int) -> None:
    found = stats.binomtest(successes, tries).proportion_ci(0.998, "exact")
    rate = Rate(successes, tries)
    assert (rate.lower(), rate.upper()) == pytest.approx((found.low, found.high), abs=1e-9)


def test_no_success_in_a_hundred_tries_leaves_a_rate_below_seven_per_cent() -> None:
    """By hand: ``(1 - 0.0667)**100 = 0.001``."""
    assert Rate(0, 100).upper() == pytest.approx(0.0667, abs=1e-4)


def test_no_privacy_limits_nothing_and_perfect_privacy_leaves_a_coin() -> None:
    assert accuracy_limit(Guarantee(epsilon=0.0, delta=1e-12, unit=Unit.PERSON)) == pytest.approx(0.5)
    assert accuracy_limit(Guarantee(epsilon=100.0, delta=1e-12, unit=Unit.PERSON)) == pytest.approx(1.0)
    assert gaussian_accuracy_limit(0.0) == pytest.approx(0.5)
    assert identification_limit(Guarantee(epsilon=0.0, delta=1e-12, unit=Unit.PERSON), 100) == pytest.approx(0.01)


def test_the_gaussian_limit_is_the_area_left_of_half_the_shift() -> None:
    assert gaussian_accuracy_limit(1.7) == pytest.approx(float(stats.norm.cdf(0.85)))


@pytest.mark.parametrize(("successes", "stopped"), [(0, True), (54, True), (84, True), (90, False), (100, False)])
def test_a_rate_that_is_surely_above_the_limit_is_not_stopped(successes: int, stopped: bool) -> None:  # noqa: FBT001
    outcome = AttackOutcome(
        name="",
        success="",
        unprotected=Rate(100, 100),
        protected=Rate(successes, 100),
        limit=accuracy_limit(ONE),
    )
    assert outcome.is_stopped is stopped
