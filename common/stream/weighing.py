"""What weight each coordinate has in a cluster's distances: coordinates in which its claims agree weigh more.

References:
    Jing, Ng and Huang, "An Entropy Weighting k-Means Algorithm for Subspace Clustering of High-Dimensional Sparse
    Data", IEEE TKDE 19(8), 2007.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.stream.seen import Seen
from common.stream.state import StreamCluster

Floats = npt.NDArray[np.float64]

SQUARE_UNITS = 1 << 30
SHARPNESS = 0.3
"""Median spreads of a coordinate that cost a factor of e in weight."""

LEAST, WEIGHT_UNITS = 10, 1000


def weights_of(
    one: StreamCluster, place: int, seen: Seen, gain: float, step: Floats
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Mean squared offsets along each coordinate after a window, and the weights that follow from them.

    Guarantees:
        * Weights are 1000 on the mean but for rounding, and none is below 10; empty where the window did not ask.
    """
    if seen.coordinates is None:
        return one.squares, one.weights
    found = seen.coordinates[place] / max(float(seen.counts[place]), 1.0)
    found = np.clip(found - step**2, 1e-9, float(seen.radii[place]) ** 2)
    before = np.array(one.squares, np.float64) / SQUARE_UNITS if one.squares else found
    squares = (1.0 - gain) * before + gain * found if one.squares else found
    one_window = seen.noise.coordinates * float(seen.radii[place]) ** 2 / max(float(seen.counts[place]), 1.0)
    noise = one_window * float(np.sqrt(gain / (2.0 - gain))) if one.squares else one_window
    return tuple(np.rint(squares * SQUARE_UNITS).astype(np.int64).tolist()), entropy_weights(squares, noise)


def entropy_weights(squares: Floats, noise: float = 0.0) -> tuple[int, ...]:
    """Weights of coordinates with these mean squared offsets ``(d,)``, thousandths, 1000 on the mean.

    The more noise there is in the offsets, the more alike the weights.

    Args:
        squares: Mean squared offsets, squared feature units.
        noise: Standard deviation of the noise in each.
    """
    scale = SHARPNESS * max(float(np.median(squares)), 1e-12) + noise
    raw = np.exp(-(squares - squares.min()) / scale)
    shares = raw / raw.sum() * len(squares)
    return tuple(np.maximum(np.rint(shares * WEIGHT_UNITS), LEAST).astype(np.int64).tolist())


def weight_values(one: StreamCluster) -> Floats:
    """Weights of a cluster's coordinates ``(d,)``, 1 on the mean."""
    return np.array(one.weights or (WEIGHT_UNITS,) * len(one.centroid)) / WEIGHT_UNITS


def weighted_square(one: StreamCluster) -> float:
    """Mean squared distance of a cluster's claims as its own weights measure it."""
    if not one.weights or not one.squares:
        return one.square / SQUARE_UNITS
    return float(np.dot(weight_values(one), np.array(one.squares) / SQUARE_UNITS))


def breadth_of(one: StreamCluster) -> float:
    """Over how many coordinates a cluster's weights are spread, between 1 and d."""
    weights = weight_values(one)
    return float(weights.sum() ** 2 / (weights**2).sum())
