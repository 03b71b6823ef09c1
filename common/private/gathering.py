"""A bureau's own sums over a window: every claim to its cluster, or to a scout where it is far from all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from common.grid import from_grid
from common.kernel import Centroids, Rows
from common.private.bounding import JUST_INSIDE
from common.stream.guide import WEIGHT_UNITS, Guide
from common.weighting import Weights

Words = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Sums of bounded contributions to ``C`` cells, in units of ``2**-20``. Sums over parts of the claims add up.

    Guarantees:
        * A claim of weight ``w`` adds to one cell alone: ``w`` to ``counts``, a vector no longer than ``w`` to
          ``sums``, at most ``w`` to ``squares``, and a vector no longer than ``w`` to ``coordinates``.

    Attributes:
        counts: int64 ``(C,)``.
        sums: int64 ``(C, d)``, offsets from the centroid over the radius, shortened to it.
        squares: int64 ``(C,)``, squared distances over the squared radius, at most 1 each.
        coordinates: int64 ``(C, d)``, squares of what is added to ``sums``.
    """

    counts: Words
    sums: Words
    squares: Words
    coordinates: Words

    @classmethod
    def nothing(cls, n_cells: int, n_features: int) -> Gathered:
        """Of no claims."""
        return cls(
            counts=np.zeros(n_cells, np.int64),
            sums=np.zeros((n_cells, n_features), np.int64),
            squares=np.zeros(n_cells, np.int64),
            coordinates=np.zeros((n_cells, n_features), np.int64),
        )

    def __add__(self, other: Gathered) -> Gathered:
        """The sums over both sets of claims."""
        return Gathered(
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
            coordinates=self.coordinates + other.coordinates,
        )

    def words(self, guide: Guide, *, with_coordinates: bool) -> Words:
        """The answer of a bureau whose claims all are in these sums: counts, sums, squares, evidence, coordinates.

        Guarantees:
            * Evidence that the bureau is in a cell is the cell's count, but never above its cap: it moves by no more
              than the count does.
        """
        last = [self.coordinates.ravel()] if with_coordinates else []
        evidence = np.minimum(self.counts, guide.caps)
        return np.concatenate([self.counts, self.sums.ravel(), self.squares, evidence, *last])


@numba.njit(cache=True, nogil=True)
def _nearest(row, centroids, weights, first, last):
    """The nearest of some cells and its squared distance; the lowest index at a tie."""
    found, nearest = -1, np.inf
    for cell in range(first, last):
        total = 0.0
        for place in range(len(row)):
            offset = np.float64(row[place]) - centroids[cell, place]
            total += weights[cell, place] * offset * offset
        if total < nearest:
            found, nearest = cell, total
    return found, nearest


@numba.njit(cache=True, nogil=True)
def _gather(rows, claim_weights, centroids, radii, reaches, weights, counts, sums, squares, coordinates, labels):
    n_cells, n_features = centroids.shape
    n_clusters = len(reaches)
    offset = np.empty(n_features)
    for claim in range(len(rows)):
        cell, distance = _nearest(rows[claim], centroids, weights, 0, n_clusters)
        if n_cells > n_clusters and 0.0 < reaches[cell] < np.sqrt(distance):
            cell, distance = _nearest(rows[claim], centroids, weights, n_clusters, n_cells)
        labels[claim] = cell
        square = 0.0
        for place in range(n_features):
            offset[place] = np.float64(rows[claim, place]) - centroids[cell, place]
            square += offset[place] * offset[place]
        weight = claim_weights[claim]
        shorten = JUST_INSIDE / max(radii[cell], np.sqrt(square))
        counts[cell] += weight
        squares[cell] += np.int64(weight * min(1.0, square / (radii[cell] * radii[cell])))
        for place in range(n_features):
            part = offset[place] * shorten
            sums[cell, place] += np.int64(weight * part)
            coordinates[cell, place] += np.int64(weight * (part * part))


def gather(
    rows: Rows, claim_weights: Weights, centroids: Centroids, radii: Words, guide: Guide
) -> tuple[Gathered, npt.NDArray[np.int32]]:
    """The sums over some claims, and the cell of each.

    Guarantees:
        * A claim's cell is its nearest cluster by the cluster's weighted distance (the lowest index at a tie); if it
          is further away than the cluster's reach and there are scouts, its nearest scout, all coordinates alike.
        * See ``Gathered`` for what one claim can change.

    Args:
        rows: float32 ``(n, d)``, on the grid, inside the unit ball.
        claim_weights: Of the claims ``(n,)``, between 0 and 1 in units of ``2**-20``.
        centroids: Of clusters, then scouts, grid units ``(C, d)``.
        radii: Grid units ``(C,)``, positive.
        guide: Of the question.

    Raises:
        ValueError: If a radius is not positive or the guide is of other cells.
    """
    cells, d = centroids.shape
    if np.any(radii <= 0) or len(guide.caps) != cells or guide.weights.shape != (len(guide.reaches), d):
        msg = "every cell needs a positive radius, and the guide must be of these cells"
        raise ValueError(msg)
    weights = np.ones((cells, d))
    weights[: len(guide.reaches)] = guide.weights / WEIGHT_UNITS
    found = Gathered.nothing(cells, d)
    labels = np.empty(len(rows), np.int32)
    _gather(
        rows,
        claim_weights,
        from_grid(centroids),
        from_grid(radii),
        from_grid(guide.reaches),
        weights,
        found.counts,
        found.sums,
        found.squares,
        found.coordinates,
        labels,
    )
    return found, labels
