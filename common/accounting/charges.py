"""The books: what a release costs, and what all releases together amount to.

Costs are zero-concentrated privacy losses rho in whole billionths, so that a ledger adds integers and two bureaus
never differ in a last digit. Rho adds up over rounds, runs and sessions; epsilon does not, and is derived at the end.
Every bureau takes part in every round, so no amplification by subsampling is claimed anywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction

from common.accounting.guarantee import Guarantee, Scope, Unit
from common.errors import PlanError

RHO_UNITS = 10**9
"""Units of cost in ``rho = 1``."""

LEAST_EPSILON = 0.01
"""Below it a cost of one unit would be a noticeable part of the budget."""

_PLD_STEPS = 2_000
"""The second accountant's grid steps in one epsilon; it rounds upwards, by at most a step a round."""

_LARGEST_BUDGET = 1_000 * RHO_UNITS


def charge(squared_sensitivity: Fraction | int, variance: Fraction | int) -> int:
    """The cost of one release with discrete Gaussian noise, ``sensitivity**2 / (2 * variance)``, rounded upwards.

    Guarantees:
        * Never below the true cost: the quotient is rational, and rounded once.

    Args:
        squared_sensitivity: Squared L2 sensitivity of the whole release, squared grid units, not negative.
        variance: Of the noise that is counted on, squared grid units, positive.

    Returns:
        Cost in units of 1e-9 rho.

    Raises:
        ValueError: If the variance is not positive, or the squared sensitivity negative.

    References:
        Canonne, Kamath, Steinke, NeurIPS 2020, Theorem 4: the discrete Gaussian is charged like the continuous one.
    """
    if variance <= 0 or squared_sensitivity < 0:
        raise ValueError("a charge needs a positive variance and a squared sensitivity that is not negative")
    return math.ceil(RHO_UNITS * Fraction(squared_sensitivity) / (2 * Fraction(variance)))


def rdp_epsilon(costs: Iterable[int], delta: float) -> float:
    """Epsilon at ``delta`` of all releases together: the figure that is charged and claimed.

    Guarantees:
        * The same for any order of the costs, bit for bit.
        * Valid for vectors of discrete Gaussian noise, and for costs chosen after seeing earlier releases.

    References:
        Mironov, "Renyi Differential Privacy", CSF 2017; Canonne, Kamath, Steinke 2020, Proposition 12 (conversion).
    """
    import dp_accounting  # noqa: PLC0415  two seconds to load; only who keeps books pays them
    from dp_accounting import rdp  # noqa: PLC0415

    accountant = rdp.RdpAccountant(_orders())
    for cost, times in _counted(costs):
        accountant.compose(dp_accounting.ZCDpEvent(cost / RHO_UNITS), times)
    return float(accountant.get_epsilon(delta))


def pld_epsilon(costs: Iterable[int], delta: float, epsilon_scale: float) -> float:
    """Epsilon by privacy loss distributions of continuous Gaussian noise: the second opinion.

    Args:
        costs: In units of 1e-9 rho.
        delta: Of the claim.
        epsilon_scale: Where epsilon is expected; sets how finely the accountant computes.

    References:
        Doroshenko, Ghazi, Kamath, Kumar, Manurangsi, "Connect the Dots", PoPETs 2022.
    """
    import dp_accounting  # noqa: PLC0415  two seconds to load
    from dp_accounting import pld  # noqa: PLC0415

    accountant = pld.PLDAccountant(value_discretization_interval=epsilon_scale / _PLD_STEPS)
    for cost, times in _counted(costs):
        accountant.compose(dp_accounting.GaussianDpEvent(noise_multiplier(cost)), times)
    return float(accountant.get_epsilon(delta))


def noise_multiplier(cost: int) -> float:
    """Standard deviation over sensitivity of a release with this cost."""
    return math.sqrt(RHO_UNITS / (2 * cost))


def noise_variance(cost: int, squared_sensitivity: Fraction | int) -> Fraction:
    """The variance whose ``charge`` is exactly this cost, rational, squared grid units."""
    return Fraction(squared_sensitivity) * RHO_UNITS / (2 * cost)


def guarantee_of(costs: Iterable[int], delta: float, unit: Unit, scope: Scope) -> Guarantee:
    """What all these releases together guarantee."""
    return Guarantee(epsilon=rdp_epsilon(costs, delta), delta=delta, unit=unit, scope=scope)


def budget(guarantee: Guarantee, parted: Callable[[int], Iterable[int]] = lambda total: (total,)) -> int:
    """The largest total cost whose releases together stay within the guarantee.

    Guarantees:
        * ``rdp_epsilon`` of the parts of the result is at most ``guarantee.epsilon``; of one unit more it is above.
        * A ledger whose costs add up to no more than the result is within the guarantee.

    Args:
        guarantee: The limit.
        parted: Into which releases a total falls.

    Raises:
        PlanError: If epsilon is below 0.01, where whole units are too coarse.
    """
    if guarantee.epsilon < LEAST_EPSILON:
        msg = f"epsilon {guarantee.epsilon:g} is below {LEAST_EPSILON:g}, the least that is accounted for: raise it"
        raise PlanError(msg)
    within, beyond = 0, 1
    while rdp_epsilon(parted(beyond), guarantee.delta) <= guarantee.epsilon and beyond < _LARGEST_BUDGET:
        within, beyond = beyond, 2 * beyond
    while beyond - within > 1:
        middle = (within + beyond) // 2
        fits = rdp_epsilon(parted(middle), guarantee.delta) <= guarantee.epsilon
        within, beyond = (middle, beyond) if fits else (within, middle)
    return within


def _counted(costs: Iterable[int]) -> list[tuple[int, int]]:
    """Each cost above zero and how often it occurs, in ascending order.

    Raises:
        ValueError: If a cost is negative: nothing is ever paid back.
    """
    counted = Counter(costs)
    if any(cost < 0 for cost in counted):
        msg = "a cost is negative"
        raise ValueError(msg)
    return sorted((cost, times) for cost, times in counted.items() if cost > 0)


def _orders() -> list[float]:
    """Renyi orders from 1.01 to about 50,000, two per cent apart in ``order - 1``: finer gains less than 1e-4."""
    return [1.0 + 0.01 * 1.02**step for step in range(780)]
