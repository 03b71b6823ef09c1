"""Better means from the same noisy sums: rounds inform each other, and so do cells. Costs nothing.

References:
    Efron and Morris, "Stein's Estimation Rule and its Competitors: an Empirical Bayes Approach", JASA 68, 1973.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST_TO_POOL = 4
"""Cells from which on their means inform each other."""

HARDLY_ANY = 1e-18
"""Keeps the quotient of two zeros from arising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Noisy means of consecutive rounds, before anything is shrunk, the older ones faded.

    Attributes:
        weighted: Means times their weights ``(K, d)``.
        weights: Inverse variances of the noise in a coordinate, faded ``(K,)``.
        squared: The same, faded twice as fast ``(K,)``.
    """

    weighted: Floats
    weights: Floats
    squared: Floats

    @property
    def means(self) -> Floats:
        """Weighted means ``(K, d)``."""
        return np.asarray(self.weighted / self.weights[:, None])

    @property
    def variances(self) -> Floats:
        """Of the noise in a coordinate of each mean ``(K,)``."""
        return np.asarray(self.squared / self.weights**2)


def followed(trail: Trail | None, means: Floats, variances: Floats, keep: float) -> Trail:
    """The trail with one more round.

    Args:
        trail: So far; None before the first round.
        means: Of the round ``(K, d)``.
        variances: Of the noise in a coordinate of each ``(K,)``, positive.
        keep: What earlier rounds weigh against this one, from 0 to 1.
    """
    weights = 1.0 / variances
    if trail is None:
        return Trail(weighted=weights[:, None] * means, weights=weights, squared=weights)
    return Trail(
        weighted=keep * trail.weighted + weights[:, None] * means,
        weights=keep * trail.weights + weights,
        squared=keep * keep * trail.squared + weights,
    )


def pooled(means: Floats, variances: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Means shrunk towards their common mean, coordinate by coordinate, as far as noise explains their differences.

    How far cells truly lie apart in a coordinate is what their noisy means vary by beyond the known noise; a mean is
    trusted in proportion.

    Args:
        means: Noisy ``(K, d)``.
        variances: Of the noise in a coordinate of each ``(K,)``: all the noise that is in the sums, not only what is
            counted on.
        counts: Positive weights ``(K,)``.

    Returns:
        The shrunk means ``(K, d)``, and the noise left in each, as a squared length ``(K,)``.
    """
    shares = counts / counts.sum()
    middle = shares @ means
    apart = means - middle
    noise = (shares * variances * (1.0 - shares)).sum()
    between = np.maximum((shares[:, None] * apart**2).sum(axis=0) - noise, 0.0) / (1.0 - (shares**2).sum())
    gain = between / (between + variances[:, None] + HARDLY_ANY)
    return middle + gain * apart, (gain * variances[:, None]).sum(axis=1)
