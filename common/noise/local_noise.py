"""How much noise one bureau adds, and why sums of discrete Gaussians may be charged like one Gaussian.

A sum of independent discrete Gaussians is not exactly a discrete Gaussian. From four grid units of local deviation
on the two laws cannot be told apart by anything that fits into this universe; below two the difference costs privacy.
"""

from __future__ import annotations

import math
from fractions import Fraction

from common.errors import RefusedError

SMALLEST_LOCAL_STD = 4
"""In grid units. Its square is the smallest variance any bureau draws with."""


class LocalNoiseTooSmallError(RefusedError):
    """The noise one bureau would add is below four grid units: ask for less epsilon, or for a finer grid."""


def local_variance(variance: Fraction, honest_floor: int) -> Fraction:
    """What each bureau adds so that ``honest_floor`` of them add ``variance`` together.

    Guarantees:
        * Any ``honest_floor`` bureaus carry at least ``variance``; more bureaus carry more.

    Args:
        variance: Of the sum, squared grid units.
        honest_floor: Bureaus whose noise is counted on; 1 if everybody trusts nobody.

    Raises:
        LocalNoiseTooSmallError: If the local deviation is below four grid units.
        ValueError: If the floor is not positive.
    """
    if honest_floor < 1:
        msg = f"the noise of {honest_floor} bureaus cannot be counted on"
        raise ValueError(msg)
    local = Fraction(variance) / honest_floor
    refuse_small_noise(local)
    return local


def refuse_small_noise(variance: Fraction) -> None:
    """Nothing, if the variance is at least 16 squared grid units.

    Raises:
        LocalNoiseTooSmallError: If it is less.
    """
    if variance < SMALLEST_LOCAL_STD**2:
        std = math.sqrt(max(float(variance), 0.0))
        msg = f"a local standard deviation of {std:.3g} grid units is refused: {SMALLEST_LOCAL_STD} is the least"
        raise LocalNoiseTooSmallError(msg)


def sum_distortion(variance: Fraction, n_bureaus: int) -> float:
    """tau: by how much, in relative probability, a sum of discrete Gaussians differs from one discrete Gaussian.

    Args:
        variance: Of each summand, squared grid units.
        n_bureaus: Summands.

    Returns:
        tau; 0.0 where it is below what a float can hold.

    References:
        Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning", ICML 2021,
        Theorem 1.
    """
    exponents = (-2.0 * math.pi**2 * float(variance) * k / (k + 1) for k in range(1, n_bureaus))
    return 10.0 * math.fsum(map(math.exp, exponents))


def distorted_rho(squared_sensitivity: Fraction, variance: Fraction, n_bureaus: int, n_words: int) -> float:
    """Zero-concentrated privacy loss of a sum of ``n_bureaus`` discrete Gaussians, distortion included.

    Args:
        squared_sensitivity: Squared L2 sensitivity, squared grid units.
        variance: Of each bureau's noise.
        n_bureaus: Bureaus whose noise is counted on.
        n_words: Coordinates that are released.

    References:
        Kairouz, Liu, Steinke, ICML 2021, Proposition 14, the third of its bounds.
    """
    undistorted = math.sqrt(squared_sensitivity / (n_bureaus * variance))
    return (undistorted + math.sqrt(n_words) * sum_distortion(variance, n_bureaus)) ** 2 / 2.0
