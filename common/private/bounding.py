"""Contribution bounds: what one claim or one insured person can add to a sum, exactly, in integers.

A claim adds to one cell alone: its weight to the count, its offset from the centroid in units of the cell's radius to
the sums, and its squared distance in units of the squared radius to the squares; offsets beyond the radius are
shortened to it. All in units of ``2**-20``, every rounding towards zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from common.costs import FEN_A_YUAN, LOG_UNITS, Costs
from common.features.kernel import natural_log
from common.grid import GRID_UNITS, from_grid
from common.kernel import Centroids, Rows
from common.weighting import Weights

JUST_INSIDE = 1.0 - 2.0**-40
"""Keeps float64 rounding from lengthening an offset beyond its radius."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedSums:
    """Sums of bounded contributions.

    Guarantees:
        * One claim of weight ``w`` changes ``counts`` by ``w``, ``sums`` by a vector no longer than ``w`` and
          ``squares`` by at most ``w``, all in one cell, in units of ``2**-20``.
        * So the claims of one person change each of the three by at most the sum of their weights, in the L2 norm:
          at most 1 if weights are shared, the cap if they are capped.

    Attributes:
        counts: int64 ``(K,)``.
        sums: int64 ``(K, d)``, offsets from the centroid over the radius.
        squares: int64 ``(K,)``, squared distances over the squared radius.
    """

    counts: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]
    squares: npt.NDArray[np.int64]

    def __add__(self, other: BoundedSums) -> BoundedSums:
        """The sums over both sets of claims."""
        return BoundedSums(
            counts=self.counts + other.counts, sums=self.sums + other.sums, squares=self.squares + other.squares
        )


@numba.njit(cache=True, nogil=True)
def _add(rows, weights, labels, centroids, radii, counts, sums, squares):
    n_features = rows.shape[1]
    offset = np.empty(n_features)
    for claim in range(len(rows)):
        cell = labels[claim]
        weight = weights[claim]
        square = 0.0
        for place in range(n_features):
            offset[place] = np.float64(rows[claim, place]) - centroids[cell, place]
            square += offset[place] * offset[place]
        radius = radii[cell]
        scale = weight * JUST_INSIDE / max(radius, np.sqrt(square))
        counts[cell] += weight
        squares[cell] += np.int64(weight * min(1.0, square / (radius * radius)))
        for place in range(n_features):
            sums[cell, place] += np.int64(offset[place] * scale)


def bounded_sums(
    rows: Rows,
    weights: Weights,
    labels: npt.NDArray[np.int32],
    centroids: Centroids,
    radii: npt.NDArray[np.int64],
) -> BoundedSums:
    """The sums of bounded contributions; see ``BoundedSums`` for what is guaranteed.

    Args:
        rows: float32 ``(n, d)``, on the grid.
        weights: Of the claims ``(n,)``.
        labels: The cell of each claim ``(n,)``.
        centroids: Grid units ``(K, d)``.
        radii: Grid units ``(K,)``, positive.

    Raises:
        ValueError: If a radius is not positive or a weight is not between 0 and 1.
    """
    if np.any(radii <= 0):
        msg = "every cell needs a positive radius"
        raise ValueError(msg)
    if np.any((weights < 0) | (weights > GRID_UNITS)):
        msg = "weights lie between 0 and 1"
        raise ValueError(msg)
    k, d = centroids.shape
    found = BoundedSums(counts=np.zeros(k, np.int64), sums=np.zeros((k, d), np.int64), squares=np.zeros(k, np.int64))
    _add(rows, weights, labels, from_grid(centroids), from_grid(radii), found.counts, found.sums, found.squares)
    return found


@numba.njit(cache=True, nogil=True)
def _add_weights(weights, labels, kinds, found):
    for claim in range(len(weights)):
        if kinds[claim] >= 0:
            found[labels[claim], kinds[claim]] += weights[claim]


def bounded_counts(
    weights: Weights, labels: npt.NDArray[np.int32], kinds: npt.NDArray[np.int64], shape: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Weights of claims by cell and kind, int64 ``shape``, units of ``2**-20``.

    Guarantees:
        * A claim adds its weight to one place at most, so the claims of one person change the result by at most the
          sum of their weights, in the L1 norm and so in the L2 norm.
        * So does the largest of each cell's kinds: a maximum moves by no more than what moves it.

    Args:
        weights: Of the claims ``(n,)``.
        labels: The cell of each claim ``(n,)``.
        kinds: The kind of each claim ``(n,)``; negative for claims that are not counted.
        shape: Cells and kinds.
    """
    found = np.zeros(shape, np.int64)
    _add_weights(weights, labels, kinds, found)
    return found


@numba.njit(cache=True, nogil=True)
def _count_distances(rows, weights, centroid, edges, counts):
    for claim in range(len(rows)):
        square = 0.0
        for place in range(rows.shape[1]):
            offset = np.float64(rows[claim, place]) - centroid[place]
            square += offset * offset
        counts[min(np.searchsorted(edges, square), len(counts) - 1)] += weights[claim]


def bounded_histogram(
    rows: Rows, weights: Weights, centroid: Centroids, edges: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Weights of claims by their distance to one centroid, int64 ``(n_bins,)``, units of ``2**-20``.

    A claim adds its weight to one bin, so one person changes the result as one person changes counts.

    Args:
        rows: float32 ``(n, d)``.
        weights: Of the claims.
        centroid: Grid units ``(d,)``.
        edges: Upper edges of the bins, grid units, ascending; what lies beyond the last falls into the last bin.
    """
    counts = np.zeros(len(edges), np.int64)
    _count_distances(rows, weights, from_grid(centroid), from_grid(edges) ** 2, counts)
    return counts


WINDOW = 1000.0
"""Costs are measured between the plan's cap and a thousandth of it; what lies outside counts as the nearest bound."""


@numba.njit(cache=True, nogil=True)
def _add_costs(yuan, log, weights, labels, middle, half, sums):
    for claim in range(len(labels)):
        if yuan[claim] > 0:
            weight = weights[claim]
            cell = labels[claim]
            place = np.float64(min(max(log[claim] - middle, -half), half)) / half
            sums[cell, 0] += weight
            sums[cell, 1] += np.int64(weight * place)
            sums[cell, 2] += np.int64(weight * place * place)


def bounded_costs(
    costs: Costs, weights: Weights, labels: npt.NDArray[np.int32], n_clusters: int, cap_yuan: int
) -> npt.NDArray[np.int64]:
    """Per cluster: weights of claims with a cost, sums of their log costs, and sums of the squares of these.

    Log cost is measured from -1 (a thousandth of the cap) to 1 (the cap), ``yuan_of`` turns it back.

    Guarantees:
        * One claim of weight ``w`` changes each of the three by at most ``w``, in one cluster, so all together by a
          vector no longer than ``sqrt(3) w``, in units of ``2**-20``.

    Args:
        costs: Of the claims.
        weights: Of the claims.
        labels: The cluster of each claim.
        n_clusters: How many.
        cap_yuan: The plan's cap.

    Returns:
        int64 ``(K, 3)``.
    """
    sums = np.zeros((n_clusters, 3), np.int64)
    lowest = LOG_UNITS * (1.0 - natural_log(WINDOW) / natural_log(float(cap_yuan * FEN_A_YUAN)))
    half = np.int64((LOG_UNITS - lowest) / 2.0)
    _add_costs(costs.yuan, costs.log, weights, labels, np.int64(LOG_UNITS) - half, half, sums)
    return sums


def yuan_of(place: npt.NDArray[np.float64], cap_yuan: int) -> npt.NDArray[np.float64]:
    """The cost whose logarithm lies at ``place`` between -1 and 1."""
    return np.asarray(cap_yuan * WINDOW ** ((np.clip(place, -1.0, 1.0) - 1.0) / 2.0))
