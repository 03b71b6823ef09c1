"""The E-step: nearest centroid of every row, and the sums per cluster, in one pass.

Guarantees:
    * Assignment is the nearest centroid in exact arithmetic, the lowest index at a tie. The BLAS product only
      proposes: wherever its rounding could change the answer, the distances are computed again exactly.
    * Sums and squared lengths are integers, added exactly. So the result is the same bits for any order of
      rows, any tiling, any number of threads and any BLAS, and adds up over any partition of the rows.

Layout: tiles whose ``K x tile`` scores stay in the second-level cache; scores are K-major, which turns the argmin
into a running minimum over contiguous memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid

Rows = npt.NDArray[np.float32]
Centroids = npt.NDArray[np.int64]
"""``(n_clusters, n_features)``, grid units."""

RowNorms = npt.NDArray[np.int32]
"""Squared lengths of rows, units of ``2**-30``."""

SQUARE_UNITS = 1 << 30
"""Units in a squared length of 1.0."""

MAX_CENTROID_NORM = 4.0
"""Centroids further out than this are refused: exactness in float64 is shown for distances below 8."""

SCORES_IN_CACHE = 1 << 16
SMALLEST_TILE, LARGEST_TILE = 128, 1024
FLOAT32_ROUNDING = 2.0**-24
FARTHEST = np.float32(3e38)
ROW_UNITS = np.float32(GRID_UNITS)
ROWS_IN_INT32 = 2047
"""Rows of coordinates at most 1.0 whose sum on the grid stays below ``2**31``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one pass over some rows gives.

    Attributes:
        counts: int64 ``(K,)``.
        sums: int64 ``(K, d)``, grid units.
        squares: int64 ``(K,)``, sums of squared lengths of the rows, units of ``2**-30``.
        labels: int32 ``(n_rows,)``, the nearest centroid of each row.
    """

    counts: npt.NDArray[np.int64]
    sums: npt.NDArray[np.int64]
    squares: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]

    @classmethod
    def zeros(cls, n_clusters: int, n_features: int, labels: npt.NDArray[np.int32]) -> Step:
        """Nothing summed yet."""
        return cls(
            counts=np.zeros(n_clusters, np.int64),
            sums=np.zeros((n_clusters, n_features), np.int64),
            squares=np.zeros(n_clusters, np.int64),
            labels=labels,
        )


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _square_distance(row, centroid):
    """Exact in any order of addition: every term is a multiple of 2**-40 and the sum stays below 2**6."""
    total = 0.0
    for place in range(len(row)):
        difference = np.float64(row[place]) - centroid[place]
        total += difference * difference
    return total


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _nearest_two(scores, norms, best, second, labels):
    """Per row: smallest and second smallest of ``norm - 2 x.c``, and where the smallest stands.

    Four clusters are ranked among themselves before they meet the running minimum: memory is touched a quarter
    as often, and every line is a minimum, a maximum or a selection that compiles to vector instructions.
    """
    n_rows = scores.shape[1]
    n_clusters = len(norms)
    for row in range(n_rows):
        best[row] = FARTHEST
        second[row] = FARTHEST
        labels[row] = 0
    in_fours = n_clusters // 4 * 4
    for first in range(0, in_fours, 4):
        for row in range(n_rows):
            a = scores[first, row] + norms[first]
            b = scores[first + 1, row] + norms[first + 1]
            c = scores[first + 2, row] + norms[first + 2]
            d = scores[first + 3, row] + norms[first + 3]
            low_ab, high_ab, label_ab = (a, b, first) if a <= b else (b, a, first + 1)
            low_cd, high_cd, label_cd = (c, d, first + 2) if c <= d else (d, c, first + 3)
            low, other, label = (low_ab, low_cd, label_ab) if low_ab <= low_cd else (low_cd, low_ab, label_cd)
            high = min(high_cd, high_ab)
            runner_up = min(high, other)
            loser = max(low, best[row])
            rest = min(runner_up, second[row])
            second[row] = min(rest, loser)
            labels[row] = label if low < best[row] else labels[row]
            best[row] = min(best[row], low)
    for cluster in range(in_fours, n_clusters):
        for row in range(n_rows):
            score = scores[cluster, row] + norms[cluster]
            loser = max(score, best[row])
            second[row] = min(second[row], loser)
            labels[row] = cluster if score < best[row] else labels[row]
            best[row] = min(best[row], score)


@numba.njit(cache=True, nogil=True)
def _settle_exactly(row, centroids, scores, norms, limit):
    """The nearest centroid among those whose rough score is within ``limit``, by exact distances."""
    label = -1
    nearest = np.inf
    for cluster in range(len(centroids)):
        if scores[cluster] + norms[cluster] <= limit:
            distance = _square_distance(row, centroids[cluster])
            if distance < nearest:
                nearest = distance
                label = cluster
    return label


@numba.njit(cache=True, nogil=True)
def _add_rows(part, norms, labels, counts, sums, squares):
    """Add every row of a tile to its cluster, in integers."""
    for row in range(len(part)):
        label = labels[row]
        counts[label] += 1
        squares[label] += norms[row]
        for place in range(part.shape[1]):
            sums[label, place] += np.int32(part[row, place] * ROW_UNITS)


@numba.njit(cache=True, nogil=True)
def _e_step(rows, row_norms, centroids, tile, tolerance, counts, sums, squares, labels):
    """Assign and accumulate all rows; see the module's guarantees."""
    n_clusters = len(centroids)
    minus_twice = (-2.0 * centroids).astype(np.float32)
    norms = (centroids * centroids).sum(axis=1).astype(np.float32)
    scores = np.empty((n_clusters, tile), np.float32)
    best = np.empty(tile, np.float32)
    second = np.empty(tile, np.float32)
    recent = np.zeros(sums.shape, np.int32)
    n_recent = 0
    for start in range(0, len(rows), tile):
        part = rows[start : start + tile]
        size = len(part)
        if size < tile:
            scores = np.empty((n_clusters, size), np.float32)
        np.dot(minus_twice, part.T, scores)
        found = labels[start : start + size]
        _nearest_two(scores, norms, best[:size], second[:size], found)
        for row in range(size):
            if second[row] - best[row] <= tolerance:
                found[row] = _settle_exactly(part[row], centroids, scores[:, row], norms, best[row] + tolerance)
        if n_recent + size > ROWS_IN_INT32:
            sums += recent
            recent[:] = 0
            n_recent = 0
        _add_rows(part, row_norms[start : start + size], found, counts, recent, squares)
        n_recent += size
    sums += recent


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _norms(rows, norms):
    """Squared lengths, exact in float64 in any order, then rounded once; False if one is above 1 (or not finite)."""
    for row in range(len(rows)):
        total = 0.0
        for place in range(rows.shape[1]):
            value = np.float64(rows[row, place])
            total += value * value
        if not total <= 1.0:
            return False
        norms[row] = np.int32(np.rint(total * SQUARE_UNITS))
    return True


def row_norms(rows: Rows) -> RowNorms:
    """Squared lengths of rows in units of ``2**-30``, int32 ``(n_rows,)``; computed once, summed in every round.

    Raises:
        ValueError: If a row lies outside the unit ball: sums of such rows could overflow.
    """
    norms = np.empty(len(rows), np.int32)
    if not _norms(rows, norms):
        msg = "a row lies outside the unit ball"
        raise ValueError(msg)
    return norms


def e_step(rows: Rows, norms: RowNorms, centroids: Centroids, n_threads: int = 1) -> Step:
    """Assign rows to their nearest centroids and sum up each cluster.

    Fastest while BLAS itself keeps to one thread (``threadpoolctl.threadpool_limits(1)`` at the edge).

    Args:
        rows: float32 ``(n_rows, n_features)``, C-contiguous, on the grid, inside the unit ball; may be empty.
        norms: ``row_norms(rows)``.
        centroids: Grid units ``(n_clusters, n_features)``, each shorter than ``MAX_CENTROID_NORM``.
        n_threads: Threads to share the rows among; the result does not depend on it.

    Raises:
        ValueError: If shapes or types do not fit, or a centroid is too far out.
    """
    _check(rows, norms, centroids)
    exact = np.ascontiguousarray(from_grid(centroids))
    labels = np.empty(len(rows), np.int32)
    tile = int(np.clip(SCORES_IN_CACHE // len(exact), SMALLEST_TILE, LARGEST_TILE))
    tolerance = np.float32(_tolerance(exact))
    edges = [len(rows) * part // n_threads for part in range(n_threads + 1)]

    def work(part: int) -> Step:
        step = Step.zeros(len(exact), exact.shape[1], labels=labels[edges[part] : edges[part + 1]])
        mine = slice(edges[part], edges[part + 1])
        _e_step(rows[mine], norms[mine], exact, tile, tolerance, step.counts, step.sums, step.squares, step.labels)
        return step

    if n_threads == 1:
        return work(0)
    with ThreadPoolExecutor(n_threads) as pool:
        steps = list(pool.map(work, range(n_threads)))
    return Step(
        counts=np.sum([step.counts for step in steps], axis=0),
        sums=np.sum([step.sums for step in steps], axis=0),
        squares=np.sum([step.squares for step in steps], axis=0),
        labels=labels,
    )


def _tolerance(exact: npt.NDArray[np.float64]) -> float:
    """Twice the largest error of a rough score, doubled: products and sums of ``d + 4`` roundings each.

    References:
        Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.1.
    """
    longest = float(np.sqrt((exact * exact).sum(axis=1).max()))
    one_score = (exact.shape[1] + 4) * FLOAT32_ROUNDING * (2.0 * longest + longest * longest)
    return float(4.0 * one_score)


def _check(rows: Rows, norms: RowNorms, centroids: Centroids) -> None:
    if rows.dtype != np.float32 or rows.ndim != 2 or not rows.flags.c_contiguous:  # noqa: PLR2004
        msg = "rows must be a C-contiguous float32 matrix"
        raise ValueError(msg)
    if centroids.dtype != np.int64 or centroids.ndim != 2 or not len(centroids):  # noqa: PLR2004
        msg = "centroids must be a non-empty int64 matrix in grid units"
        raise ValueError(msg)
    if norms.dtype != np.int32 or norms.shape != rows.shape[:1]:
        msg = "norms must be int32, one a row"
        raise ValueError(msg)
    if rows.shape[1] != centroids.shape[1]:
        msg = f"rows have {rows.shape[1]} features, centroids {centroids.shape[1]}"
        raise ValueError(msg)
    if float((from_grid(centroids) ** 2).sum(axis=1).max()) > MAX_CENTROID_NORM**2:
        msg = f"a centroid is further than {MAX_CENTROID_NORM} from the origin"
        raise ValueError(msg)
