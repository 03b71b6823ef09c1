"""Dividing a run's budget: over rounds, and within a round over the blocks of what is summed.

A budget is rho of zero-concentrated differential privacy in whole billionths: it adds up over rounds and over blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, log2, sqrt

from common.accounting.calibration import Calibration, calibrate
from common.errors import PlanError
from common.privacy import PER_MILLE, Division, Privacy

SHARE_UNITS = 10**12
"""Shares are handed to the accountant as integers; this fine, no round's part is off by more than a unit of cost."""


LEAST_COST = 100
"""Of a round, units of 1e-9 rho: below it the parts of a round cannot be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What each round of a run may cost, in units of 1e-9 rho.

    Guarantees:
        * Together the rounds cost what the calibration found, which is within the guarantee.

    Attributes:
        calibration: Where the figures come from.
        root: The round over one cell.
        histogram: The round that finds the first radius.
        levels: Each pass of each level of the seeding, from the first doubling on.
        polish: All polishing rounds together.
        measure: The round of figures.
        outcomes: The round of past outcomes; 0 if there is none.
    """

    calibration: Calibration
    root: int
    histogram: int
    levels: tuple[tuple[int, ...], ...]
    polish: int
    measure: int
    outcomes: int

    @property
    def total(self) -> int:
        """Of the whole run."""
        return sum(self.calibration.costs)


def n_levels(n_leaves: int) -> int:
    """How often cells must be doubled to make so many leaves; at least once."""
    return max(1, ceil(log2(n_leaves)))


@lru_cache(maxsize=64)
def allotment(privacy: Privacy, n_leaves: int) -> Allotment:
    """The costs of a run's rounds.

    Args:
        privacy: Of the plan.
        n_leaves: That seeding makes; 0 where a run starts from given centroids.

    Raises:
        PlanError: If a round's part buys nothing.
        RefusedError: If the second accountant disagrees with the first.
    """
    division = privacy.division
    seeding = _seeding_shares(division, n_levels(n_leaves)) if n_leaves else []
    shares = [*seeding, *_later_shares(division)]
    calibration = calibrate(privacy.guarantee, [max(1, round(share * SHARE_UNITS)) for share in shares])
    costs = calibration.costs
    if min(costs) < LEAST_COST:
        msg = f"epsilon {privacy.guarantee.epsilon:g} is too little for {len(costs)} rounds: raise it"
        raise PlanError(msg)
    passes, n_seeding = division.passes_per_level, len(seeding)
    later = costs[n_seeding:]
    return Allotment(
        calibration=calibration,
        root=costs[0] if seeding else 0,
        histogram=costs[1] if seeding else 0,
        levels=tuple(costs[at : at + passes] for at in range(2, n_seeding, passes)),
        polish=sum(later[: division.polish_rounds]),
        measure=later[division.polish_rounds],
        outcomes=later[-1] if division.outcomes else 0,
    )


def _seeding_shares(division: Division, levels: int) -> list[Fraction]:
    """Root, histogram, every pass of every level."""
    seeding = Fraction(division.seeding, PER_MILLE)
    histogram = seeding * Fraction(division.histogram, PER_MILLE)
    weights = [Fraction(division.growth, PER_MILLE) ** level for level in range(levels + 1)]
    parts = [(seeding - histogram) * weight / sum(weights) for weight in weights]
    passes = [part / division.passes_per_level for part in parts[1:] for _ in range(division.passes_per_level)]
    return [parts[0], histogram, *passes]


def _later_shares(division: Division) -> list[Fraction]:
    """Every polishing round, measure, and the outcomes if they are asked for."""
    rounds = division.polish_rounds
    polish = [Fraction(division.polish, PER_MILLE * max(rounds, 1))] * rounds
    last = [division.measure, *([division.outcomes] if division.outcomes else [])]
    return [*polish, *(Fraction(share, PER_MILLE) for share in last)]


def sum_costs_of(cost: int, n_features: int, division: Division) -> tuple[int, int, int]:
    """A round's cost, divided over counts, sums and squares.

    The split between counts and sums is the best for a shift of half a radius: the variance of a count is
    ``2 sqrt(d)`` times that of a coordinate of the sums.

    Guarantees:
        * The three are positive and add up to ``cost``, if ``cost`` is at least 100.
    """
    squares = max(1, cost * division.squares // PER_MILLE)
    counts = max(1, int((cost - squares) / (1.0 + 2.0 * sqrt(n_features))))
    return counts, cost - squares - counts, squares


PROVIDERS_PER_MILLE = 200
"""Of the round of outcomes: for the largest provider of each cluster; the rest is for the outcomes themselves."""


def outcome_costs_of(cost: int) -> tuple[int, int]:
    """The cost of the round of outcomes, divided over outcomes and providers."""
    providers = cost * PROVIDERS_PER_MILLE // PER_MILLE
    return cost - providers, providers


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCosts:
    """A window's cost, divided.

    Attributes:
        counts: For counts of the cells.
        sums: For their sums.
        squares: For squared distances.
        bureaus: For evidence of bureaus.
        coordinates: For squares along each coordinate; 0 if these are not asked.
        operations: For claims of each category of operations; 0 if these are not asked.
    """

    counts: int
    sums: int
    squares: int
    bureaus: int
    coordinates: int
    operations: int


def window_costs_of(cost: int, n_features: int, division: Division) -> WindowCosts:
    """The cost of a window's round, divided over what it asks.

    Guarantees:
        * The parts add up to ``cost``; what is asked has a positive part, if ``cost`` is at least 1000.
    """
    bureaus = max(1, cost * division.bureaus // PER_MILLE)
    coordinates = cost * division.coordinates // PER_MILLE
    operations = cost * division.operations // PER_MILLE
    counts, sums, squares = sum_costs_of(cost - bureaus - coordinates - operations, n_features, division)
    return WindowCosts(
        counts=counts, sums=sums, squares=squares, bureaus=bureaus, coordinates=coordinates, operations=operations
    )


COUNTS_PER_MILLE, SQUARES_PER_MILLE = 300, 100
"""Of the measuring round; the rest is for costs of claims."""


def measure_costs_of(cost: int) -> tuple[int, int, int]:
    """The measuring round's cost, divided over counts, squares and costs of claims."""
    counts, squares = cost * COUNTS_PER_MILLE // PER_MILLE, cost * SQUARES_PER_MILLE // PER_MILLE
    return counts, squares, cost - counts - squares
