"""Where a row lies: its nearest two centroids, and what each block adds to the squared distance.

Guarantees:
    * Distances are exact, in units of ``2**-40``: squares of whole grid units, added as integers below ``2**53``.
    * The contributions of the blocks add up to the squared distance, exactly.
    * The nearest centroid is the one that training would have assigned: the lowest number at a tie.
    * A row alone has the same distances as among millions.
    * Where a stream's clusters weigh coordinates, so do all of these: the nearest is the one to which
      ``common.private.gathering`` assigns a claim, by the same additions in the same order. Contributions are then
      rounded down to whole units, and their sum is the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from client.router.deciding.model import RoutingModel
from common.grid import GRID_UNITS

SQUARE_UNITS = GRID_UNITS * GRID_UNITS
"""Units in a squared distance of 1.0."""

_UNITS = float(SQUARE_UNITS)

Rows = npt.NDArray[np.float32]
Units = npt.NDArray[np.int64]

NONE = -1
"""Stands for the second cluster of a model that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where ``n`` rows lie.

    Attributes:
        nearest: int64 ``(n,)``.
        second: int64 ``(n,)``; ``NONE`` if there is one cluster.
        square: int64 ``(n,)``, squared distance to the nearest, units of ``2**-40``.
        second_square: int64 ``(n,)``; ``NONE`` if there is one cluster.
        contributions: int64 ``(n, n_blocks)``.
    """

    nearest: Units
    second: Units
    square: Units
    second_square: Units
    contributions: Units

    def select(self, rows: npt.NDArray[np.intp]) -> Places:
        """Of some of the rows."""
        return Places(
            nearest=self.nearest[rows],
            second=self.second[rows],
            square=self.square[rows],
            second_square=self.second_square[rows],
            contributions=self.contributions[rows],
        )


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _square(row, centroid, start, end):
    """Exact in any order of addition: every term is a multiple of 2**-40, and the sum stays below 2**6."""
    total = 0.0
    for place in range(start, end):
        difference = row[place] - centroid[place]
        total += difference * difference
    return total


@numba.njit(cache=True, nogil=True)
def nearest_two(row, centroids):
    """Numbers of the nearest two centroids and the squared distances to them, in squared feature units.

    Args:
        row: float64 ``(d,)``, on the grid.
        centroids: float64 ``(K, d)``, on the grid.
    """
    best = second = NONE
    best_square = second_square = np.inf
    for cluster in range(len(centroids)):
        square = _square(row, centroids[cluster], 0, len(row))
        if square < best_square:
            second, second_square = best, best_square
            best, best_square = cluster, square
        elif square < second_square:
            second, second_square = cluster, square
    return best, second, best_square, second_square


@numba.njit(cache=True, nogil=True)
def _weighted_square(row, centroid, weights, start, end):
    """As training adds them up: from the first coordinate to the last."""
    total = 0.0
    for place in range(start, end):
        offset = row[place] - centroid[place]
        total += weights[place] * offset * offset
    return total


@numba.njit(cache=True, nogil=True)
def _nearest_two_weighted(row, centroids, weights):
    best = second = NONE
    best_square = second_square = np.inf
    for cluster in range(len(centroids)):
        square = _weighted_square(row, centroids[cluster], weights[cluster], 0, len(row))
        if square < best_square:
            second, second_square = best, best_square
            best, best_square = cluster, square
        elif square < second_square:
            second, second_square = cluster, square
    return best, second, second_square


@numba.njit(cache=True, nogil=True)
def _locate_weighted(rows, centroids, weights, edges, found, contributions):
    row = np.empty(rows.shape[1], np.float64)
    for claim in range(len(rows)):
        row[:] = rows[claim]
        best, second, second_square = _nearest_two_weighted(row, centroids, weights)
        whole = 0
        for block in range(len(edges) - 1):
            part = _weighted_square(row, centroids[best], weights[best], edges[block], edges[block + 1])
            contributions[claim, block] = np.int64(part * _UNITS)
            whole += contributions[claim, block]
        found[0, claim] = best
        found[1, claim] = second
        found[2, claim] = whole
        found[3, claim] = np.int64(second_square * _UNITS) if second >= 0 else NONE


@numba.njit(cache=True, nogil=True)
def _locate(rows, centroids, edges, found, contributions):
    row = np.empty(rows.shape[1], np.float64)
    for claim in range(len(rows)):
        row[:] = rows[claim]
        best, second, square, second_square = nearest_two(row, centroids)
        found[0, claim] = best
        found[1, claim] = second
        found[2, claim] = np.int64(square * _UNITS)
        found[3, claim] = np.int64(second_square * _UNITS) if second >= 0 else NONE
        for block in range(len(edges) - 1):
            part = _square(row, centroids[best], edges[block], edges[block + 1])
            contributions[claim, block] = np.int64(part * _UNITS)


def locate(rows: Rows, model: RoutingModel) -> Places:
    """Nearest two clusters, distances and contributions of some rows.

    Args:
        rows: float32 ``(n, d)``, C-contiguous, on the grid.
        model: Whose centroids.

    Raises:
        ValueError: If the rows have another type or length.
    """
    if rows.dtype != np.float32 or rows.shape[1:] != model.units.shape[1:] or not rows.flags.c_contiguous:
        msg = f"rows must be a C-contiguous float32 matrix of {model.units.shape[1]} features"
        raise ValueError(msg)
    found = np.empty((4, len(rows)), np.int64)
    contributions = np.empty((len(rows), len(model.edges) - 1), np.int64)
    if model.weights is None:
        _locate(rows, model.centroids, model.edges, found, contributions)
    else:
        _locate_weighted(rows, model.centroids, model.weights, model.edges, found, contributions)
    nearest, second, square, second_square = found
    return Places(
        nearest=nearest, second=second, square=square, second_square=second_square, contributions=contributions
    )
