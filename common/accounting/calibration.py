"""From a guarantee to the noise of every round, and back by a second accountant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from common.accounting.charges import (
    LEAST_EPSILON,
    RHO_UNITS,
    budget,
    noise_multiplier,
    noise_variance,
    pld_epsilon,
    rdp_epsilon,
)
from common.accounting.gaussian_privacy import gaussian_epsilon
from common.accounting.guarantee import Guarantee
from common.errors import PlanError, RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A guarantee, spread over rounds.

    Attributes:
        guarantee: What was asked for, and may be claimed.
        costs: Of each round, in units of 1e-9 rho.
        epsilon: What the rounds are charged, by Renyi accounting; at most ``guarantee.epsilon``.
        epsilon_rechecked: What the second accountant finds; at most ``guarantee.epsilon``.
    """

    guarantee: Guarantee
    costs: tuple[int, ...]
    epsilon: float
    epsilon_rechecked: float

    @property
    def mu(self) -> float:
        """Gaussian privacy of all rounds together: ``sqrt(2 * rho)``."""
        return math.sqrt(2 * sum(self.costs) / RHO_UNITS)

    @property
    def epsilon_gaussian(self) -> float:
        """Epsilon in closed form; information, never a claim."""
        return gaussian_epsilon(self.mu, self.guarantee.delta)

    @property
    def noise_multipliers(self) -> tuple[float, ...]:
        """Standard deviation over sensitivity, round by round."""
        return tuple(noise_multiplier(cost) for cost in self.costs)

    def noise_variance(self, round_index: int, squared_sensitivity: Fraction | int) -> Fraction:
        """The variance of the noise in a round, rational, squared grid units."""
        return noise_variance(self.costs[round_index], squared_sensitivity)


def calibrate(guarantee: Guarantee, shares: Sequence[int]) -> Calibration:
    """Spread a guarantee over rounds.

    Guarantees:
        * Both accountants find at most ``guarantee.epsilon`` for all rounds together.
        * Nothing is wasted: one unit of cost more, and the first accountant finds more than that.
        * Costs are proportional to shares, to a unit.

    Args:
        guarantee: What the whole run is to guarantee.
        shares: One positive integer per round, the round's part of the sum of rho.

    Raises:
        PlanError: If there is no share, one is not positive, or one is too small to buy a round.
        RefusedError: If the second accountant disagrees.
    """
    if not shares or min(shares) < 1:
        raise PlanError("every round needs a positive whole share of the budget, and there must be a round")
    costs = spread(budget(guarantee, lambda total: spread(total, shares)), shares)
    if min(costs) < 1:
        msg = f"the smallest of {len(shares)} shares buys no round: fewer rounds, more even shares, or more epsilon"
        raise PlanError(msg)
    return Calibration(
        guarantee=guarantee,
        costs=costs,
        epsilon=rdp_epsilon(costs, guarantee.delta),
        epsilon_rechecked=recheck(costs, guarantee),
    )


def recheck(costs: Sequence[int], guarantee: Guarantee) -> float:
    """What a second, independent accountant finds for these rounds.

    Raises:
        RefusedError: If that is more than the guarantee says.
    """
    found = pld_epsilon(costs, guarantee.delta, max(guarantee.epsilon, LEAST_EPSILON))
    if not found <= guarantee.epsilon:
        msg = f"the second accountant finds epsilon {found:.6g} above {guarantee.epsilon:.6g}: this plan must not run"
        raise RefusedError(msg)
    return found


def spread(total: int, shares: Sequence[int]) -> tuple[int, ...]:
    """Whole parts of ``total`` in proportion to ``shares``; largest remainders are rounded up, earlier ones first.

    >>> spread(10, [1, 1, 1])
    (4, 3, 3)
    """
    whole = [total * share // sum(shares) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda at: -(total * shares[at] % sum(shares)))
    for at in by_remainder[: total - sum(whole)]:
        whole[at] += 1
    return tuple(whole)
