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
SHARPNESS = 0.5
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
    return tuple(np.rint(squares * SQUARE_UNITS).astype(np.int64).tolist()), entropy_weights(squares)


def entropy_weights(squares: Floats) -> tuple[int, ...]:
    """Weights of coordinates with these mean squared offsets ``(d,)``, thousandths, 1000 on the mean."""
    scale = SHARPNESS * max(float(np.median(squares)), 1e-12)
    raw = np.exp(-(squares - squares.min()) / scale)
    shares = raw / raw.sum() * len(squares)
    return tuple(np.maximum(np.rint(shares * WEIGHT_UNITS), LEAST).astype(np.int64).tolist())
