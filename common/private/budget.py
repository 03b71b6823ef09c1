"""Dividing a budget: over rounds, and within a round over counts, sums and squares.

A budget here is mu squared, twice rho of zero-concentrated differential privacy: Gaussian mechanisms add up in it.

References:
    Dong, Roth and Su, "Gaussian Differential Privacy", JRSS B 84(1), 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2, sqrt

from common.private.update import NoiseStds


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Public division of a run's budget, per mille.

    Attributes:
        seeding: For seeding; the rest is for polishing.
        histogram: Of the seeding's share, for the first radius.
        squares: Of a round's share, for squared distances.
        growth: Weight of a level of the seeding over the level before.
        polish_rounds: Rounds that share the rest evenly.
        passes_per_level: Rounds after each doubling of the cells.
    """

    seeding: int = 500
    histogram: int = 40
    squares: int = 50
    growth: int = 1300
    polish_rounds: int = 6
    passes_per_level: int = 2


def n_levels(n_leaves: int) -> int:
    """How often cells must be doubled to make so many leaves; at least once."""
    return max(1, ceil(log2(n_leaves)))


def level_budgets(mu_squared: float, levels: int, shares: Shares) -> tuple[float, tuple[float, ...]]:
    """The histogram's budget, and that of each level of the seeding from the root on.

    Guarantees:
        * All together are the seeding's share of ``mu_squared``.
    """
    seeding = mu_squared * shares.seeding / 1000
    histogram = seeding * shares.histogram / 1000
    weights = [(shares.growth / 1000) ** level for level in range(levels + 1)]
    return histogram, tuple((seeding - histogram) * weight / sum(weights) for weight in weights)


def polish_budget(mu_squared: float, shares: Shares) -> float:
    """What polishing has before anything unspent is added."""
    return mu_squared * (1000 - shares.seeding) / 1000


def noise_for(mu_squared: float, n_features: int, sensitivity: float, shares: Shares) -> NoiseStds:
    """The noise of one round.

    The split between counts and sums is the best for a shift of half a radius: ``z_counts**2 / z_sums**2`` is
    ``2 sqrt(d)``.

    Guarantees:
        * ``sensitivity**2 * (1/counts**2 + 1/sums**2 + 1/squares**2) == mu_squared``.

    Args:
        mu_squared: Of the round.
        n_features: Length of a row.
        sensitivity: What one unit of privacy changes each of the three by, in weights of 1.
        shares: Of the run.
    """
    squares = mu_squared * shares.squares / 1000
    ratio = 2.0 * sqrt(n_features)
    sums = sensitivity * sqrt((1.0 + 1.0 / ratio) / (mu_squared - squares))
    return NoiseStds(counts=sums * sqrt(ratio), sums=sums, squares=sensitivity / sqrt(squares))
