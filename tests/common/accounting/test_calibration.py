from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.accounting import calibration, charges
from common.accounting.calibration import calibrate, recheck, spread
from common.accounting.charges import charge, rdp_epsilon
from common.accounting.guarantee import Guarantee, Unit
from common.errors import PlanError, RefusedError

LAW = settings(derandomize=True, deadline=None, max_examples=8)
SHARES = st.lists(st.integers(1, 100), min_size=1, max_size=20)


def person(epsilon: float) -> Guarantee:
    return Guarantee(epsilon=epsilon, delta=1e-6, unit=Unit.PERSON)


@pytest.mark.parametrize(("rounds", "multiplier"), [(1, 4.53), (10, 14.3), (20, 20.26)])
def test_noise_multipliers_of_even_rounds_are_as_published(rounds: int, multiplier: float) -> None:
    held = calibrate(person(1.0), [1] * rounds)
    assert held.noise_multipliers == pytest.approx([multiplier] * rounds, rel=3e-3)


def test_the_closed_form_is_shown_beside_the_claim_and_is_less() -> None:
    held = calibrate(person(1.0), [3, 2, 1])
    assert held.mu == pytest.approx(0.2207, abs=1e-4)
    assert held.epsilon_gaussian == pytest.approx(0.92738, abs=1e-5)
    assert held.epsilon_rechecked == pytest.approx(held.epsilon_gaussian, rel=1e-4)


@LAW
@given(st.floats(0.1, 16.0), SHARES)
def test_a_calibrated_plan_meets_its_guarantee_and_wastes_nothing(epsilon: float, shares: list[int]) -> None:
    held = calibrate(person(epsilon), shares)
    assert 0.999 * epsilon < held.epsilon <= epsilon
    assert held.epsilon_rechecked <= epsilon
    assert held.epsilon == rdp_epsilon(held.costs, 1e-6)


@LAW
@given(st.integers(0, 10**12), SHARES)
def test_costs_are_proportional_to_shares_to_a_unit(total: int, shares: list[int]) -> None:
    parts = spread(total, shares)
    assert sum(parts) == total
    assert all(abs(part * sum(shares) - total * share) < sum(shares) for part, share in zip(parts, shares, strict=True))


def test_the_noise_of_a_round_is_charged_what_the_plan_says() -> None:
    held = calibrate(person(1.0), [5, 3, 1])
    assert [charge(10**12 + 1, held.noise_variance(at, 10**12 + 1)) for at in range(3)] == list(held.costs)


Accountant = Callable[[Sequence[int], float], float]
WRONG: dict[str, Accountant] = {
    "forgets composition": lambda costs, delta: rdp_epsilon([max(costs)], delta),
    "forgets the last round": lambda costs, delta: rdp_epsilon(costs[:-1], delta),
    "takes mu squared for rho": lambda costs, delta: rdp_epsilon([cost // 2 for cost in costs], delta),
    "claims amplification by sampling a tenth": lambda costs, delta: rdp_epsilon([c // 100 for c in costs], delta),
    "states a larger delta": lambda costs, delta: rdp_epsilon(costs, 1000 * delta),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_accountant_is_caught_by_the_second(wrong: Accountant, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrate(person(1.0), [1, 1, 1, 1])
    for module in (charges, calibration):
        monkeypatch.setattr(module, "rdp_epsilon", wrong)
    with pytest.raises(RefusedError, match="must not run"):
        calibrate(person(1.0), [1, 1, 1, 1])


def test_costs_above_a_claim_are_refused_and_costs_within_it_are_not() -> None:
    held = calibrate(person(1.0), [1, 1])
    assert recheck(held.costs, person(1.0)) == held.epsilon_rechecked
    with pytest.raises(RefusedError, match=r"above 0\.9"):
        recheck(held.costs, person(0.9))
    with pytest.raises(RefusedError, match="above 0"):
        recheck([1_000], person(0.0))


@pytest.mark.parametrize("shares", [[], [0], [3, 0, 1], [2, -1]])
def test_shares_that_are_not_positive_are_refused(shares: list[int]) -> None:
    with pytest.raises(PlanError, match="positive whole share"):
        calibrate(person(1.0), shares)


def test_a_share_too_small_to_buy_a_round_is_refused() -> None:
    with pytest.raises(PlanError, match="buys no round"):
        calibrate(person(1.0), [10**12, 1])
