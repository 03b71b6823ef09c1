import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.accounting.charges import (
    LEAST_EPSILON,
    RHO_UNITS,
    budget,
    charge,
    guarantee_of,
    noise_multiplier,
    noise_variance,
    pld_epsilon,
    rdp_epsilon,
)
from common.accounting.guarantee import Guarantee, Language, Scope, Unit
from common.errors import PlanError

LAW = settings(derandomize=True, deadline=None, max_examples=25)
COSTS = st.lists(st.integers(1, RHO_UNITS // 10), min_size=1, max_size=12)
EIGHTH = RHO_UNITS // 128
"""The cost of noise eight times the sensitivity."""


def person(epsilon: float, delta: float = 1e-6) -> Guarantee:
    return Guarantee(epsilon=epsilon, delta=delta, unit=Unit.PERSON)


def test_twenty_rounds_of_noise_eight_times_the_sensitivity_cost_what_was_published() -> None:
    assert charge(100, 6_400) == EIGHTH
    assert rdp_epsilon([EIGHTH] * 20, 1e-6) == pytest.approx(2.7335, abs=1e-4)
    assert pld_epsilon([EIGHTH] * 20, 1e-6, 2.7) == pytest.approx(2.5487, abs=2e-4)


def test_an_eighth_more_noise_or_a_round_less_is_not_mistaken_for_it() -> None:
    assert abs(rdp_epsilon([EIGHTH] * 19, 1e-6) - 2.7335) > 0.05
    assert abs(rdp_epsilon([charge(100, 8_100)] * 20, 1e-6) - 2.7335) > 0.2


@LAW
@given(st.integers(1, 10**12), st.fractions(16, 2**80))
def test_a_charge_covers_the_true_cost_and_less_than_a_unit_more(squared: int, variance: Fraction) -> None:
    true = RHO_UNITS * Fraction(squared) / (2 * variance)
    assert true <= charge(squared, variance) < true + 1


@pytest.mark.parametrize(("squared", "variance"), [(1, 0), (1, -16), (-1, 16)])
def test_a_charge_without_noise_or_sensitivity_is_refused(squared: int, variance: int) -> None:
    with pytest.raises(ValueError, match="positive variance"):
        charge(squared, variance)


@LAW
@given(st.integers(1, RHO_UNITS), st.fractions(1, 10**12))
def test_noise_bought_at_a_cost_is_charged_exactly_that(cost: int, squared: Fraction) -> None:
    variance = noise_variance(cost, squared)
    assert charge(squared, variance) == cost
    assert noise_multiplier(cost) == pytest.approx(float(variance / squared) ** 0.5, rel=1e-12)


@LAW
@given(COSTS, st.randoms(use_true_random=False))
def test_the_order_of_releases_changes_nothing(costs: list[int], chance: random.Random) -> None:
    shuffled = list(costs)
    chance.shuffle(shuffled)
    assert rdp_epsilon(shuffled, 1e-6) == rdp_epsilon(costs, 1e-6)


@LAW
@given(COSTS)
def test_cutting_a_release_in_two_changes_nothing_but_rounding(costs: list[int]) -> None:
    halves = [part for cost in costs for part in (cost // 2, cost - cost // 2)]
    assert rdp_epsilon(halves, 1e-6) == pytest.approx(rdp_epsilon([sum(costs)], 1e-6), rel=1e-9)


@LAW
@given(COSTS, st.integers(1, RHO_UNITS))
def test_every_further_release_costs_epsilon(costs: list[int], further: int) -> None:
    assert rdp_epsilon([*costs, further], 1e-6) > rdp_epsilon(costs, 1e-6)


def test_nothing_released_costs_nothing() -> None:
    assert rdp_epsilon([], 1e-6) == rdp_epsilon([0, 0], 1e-6) == 0.0


def test_nothing_is_ever_paid_back() -> None:
    with pytest.raises(ValueError, match="negative"):
        rdp_epsilon([5, -1], 1e-6)


@settings(LAW, max_examples=5)
@given(st.lists(st.integers(RHO_UNITS // 10_000, RHO_UNITS // 10), min_size=1, max_size=12))
def test_a_ledger_within_the_budget_of_a_year_is_within_its_guarantee(costs: list[int]) -> None:
    year = guarantee_of(costs, 1e-6, Unit.PERSON, Scope.YEAR)
    assert sum(costs) - 1 <= budget(year) <= sum(costs) + 1  # bounds meet but for the last digit of a float


@pytest.mark.parametrize("epsilon", [LEAST_EPSILON, 0.1, 1.0, 4.0, 30.0])
def test_a_budget_is_the_last_unit_that_fits(epsilon: float) -> None:
    total = budget(person(epsilon))
    assert epsilon * 0.999 < rdp_epsilon([total], 1e-6) <= epsilon < rdp_epsilon([total + 1], 1e-6)


@settings(LAW, max_examples=5)
@given(st.floats(0.02, 10.0), st.floats(1.01, 2.0))
def test_a_budget_grows_with_epsilon_and_with_delta(epsilon: float, factor: float) -> None:
    assert budget(person(epsilon)) < budget(person(epsilon * factor))
    assert budget(person(epsilon)) < budget(person(epsilon, 1e-6 * factor))


def test_an_epsilon_too_small_for_whole_units_is_refused() -> None:
    with pytest.raises(PlanError, match=r"below 0\.01"):
        budget(person(0.009))


def test_all_releases_of_a_year_are_stated_together() -> None:
    runs = [budget(person(1.0))] * 4
    held = guarantee_of(runs, 1e-6, Unit.PERSON, Scope.YEAR)
    assert 2.0 < held.epsilon < 2.2  # about twice one run's, not four times
    assert held.epsilon == rdp_epsilon(runs, 1e-6)
    assert "year" in held.sentence(Language.ENGLISH)


def test_importing_the_books_does_not_load_the_accountants() -> None:
    names = "common.accounting.charges, common.accounting.calibration"
    code = f"import sys, {names}; sys.exit('dp_accounting' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0  # noqa: S603
