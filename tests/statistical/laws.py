"""Goodness of fit to a discrete Gaussian: p-values that are uniform for the right law and tiny for a wrong one."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import stats

Draws = npt.NDArray[np.int64]


def probabilities(variance: float, reach: int) -> npt.NDArray[np.float64]:
    """Of ``-reach .. reach`` under the discrete Gaussian."""
    points = np.arange(-reach, reach + 1)
    weights = np.exp(-(points**2) / (2 * variance))
    return np.asarray(weights / weights.sum(), np.float64)


def bin_edges(expected: npt.NDArray[np.float64], at_least: float) -> list[int]:
    """Where to cut so that every bin expects ``at_least``."""
    edges, mass = [0], 0.0
    for point, weight in enumerate(expected):
        mass += weight
        if mass >= at_least:
            edges, mass = [*edges, point + 1], 0.0
    return edges[:-1]


def fit(draws: Draws, variance: float) -> float:
    """Chi-squared p-value of draws against the discrete Gaussian of this variance."""
    reach = int(np.ceil(12 * variance**0.5))
    expected = probabilities(variance, reach) * len(draws)
    observed = np.bincount(np.clip(draws, -reach, reach) + reach, minlength=2 * reach + 1)
    edges = bin_edges(expected, 25.0)
    return float(stats.chisquare(np.add.reduceat(observed, edges), np.add.reduceat(expected, edges)).pvalue)


def uniformity(draw: Callable[[int], Draws], variance: float, times: int = 150, size: int = 20_000) -> float:
    """Kolmogorov-Smirnov p-value of ``times`` goodness-of-fit p-values being uniform."""
    return float(stats.kstest([fit(draw(size), variance) for _ in range(times)], "uniform").pvalue)


def two_sample(one: Draws, other: Draws) -> float:
    """Chi-squared p-value of two samples having one law."""
    cuts = np.unique(np.quantile(np.concatenate([one, other]), np.linspace(0.05, 0.95, 19)))
    table = [np.bincount(np.searchsorted(cuts, sample), minlength=len(cuts) + 1) for sample in (one, other)]
    return float(stats.chi2_contingency(table).pvalue)
