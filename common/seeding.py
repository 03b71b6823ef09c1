"""Seeding by binary splitting, from sums alone: no bureau ever sends a row or a seed of its own.

One cell holds everything; the cells with the most inertia are split in two along random directions, the halves find
their means, and so on until there are enough leaves.

References:
    Linde, Buzo and Gray, "An Algorithm for Vector Quantizer Design", IEEE Trans. Communications 28(1), 1980.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, rounded_quotient, to_grid
from common.summary import Summary, cell_inertia

Centroids = npt.NDArray[np.int64]

STEP = 0.5
"""How far the halves move apart, in root mean squared radii of the cell."""


def root(n_features: int) -> Centroids:
    """The single cell that seeding starts from: the origin, ``(1, n_features)``."""
    return np.zeros((1, n_features), np.int64)


def means(summary: Summary, centroids: Centroids) -> Centroids:
    """The mean of every cell, rounded to the grid; an empty cell keeps its centroid."""
    moved = rounded_quotient(summary.sums, np.maximum(summary.counts, 1)[:, None])
    return np.where(summary.counts[:, None] > 0, moved, centroids)


def split(summary: Summary, cells: Centroids, most: int, seed: tuple[int, int], smallest: int = 1) -> Centroids:
    """Split the cells with the most inertia.

    Args:
        summary: Sums of the cells.
        cells: Their means, grid units ``(n, d)``.
        most: No more cells than this afterwards; at most twice as many as before.
        seed: The plan's seed and the level; directions follow from these alone.
        smallest: A cell with fewer than twice as many rows is not split.

    Returns:
        The cells with each split cell replaced by its lower half, the upper halves after them. Unchanged if no cell
        can be split: then every cell is small or all its rows are equal.
    """
    chosen = _heaviest(summary, most - len(cells), smallest)
    radii = np.sqrt(cell_inertia(summary)[chosen] / np.maximum(summary.counts[chosen], 1))
    steps = to_grid(STEP * radii[:, None] * _directions(len(chosen), cells.shape[1], seed))
    lower = cells.copy()
    lower[chosen] -= steps
    return np.concatenate([lower, cells[chosen] + steps])


def reseat(summary: Summary, cells: Centroids, lost: npt.NDArray[np.intp], seed: tuple[int, int]) -> Centroids:
    """Give lost cells a new place: beside the cells with the most inertia, which are split for it.

    Args:
        summary: Sums of the cells.
        cells: Their means.
        lost: Indices of the cells that are empty or too small.
        seed: As in ``split``.

    Returns:
        Cells of the same number; lost cells for which no cell could be split stay where they are.
    """
    kept = np.setdiff1d(np.arange(len(cells)), lost)
    halves = split(summary.select(kept), cells[kept], len(cells), seed)
    moved = cells.copy()
    moved[kept] = halves[: len(kept)]
    moved[lost[: len(halves) - len(kept)]] = halves[len(kept) :]
    return moved


def _heaviest(summary: Summary, how_many: int, smallest: int) -> npt.NDArray[np.intp]:
    """Cells worth splitting, the most inertia first, at most ``how_many``; equal inertia by index."""
    weight = cell_inertia(summary)
    order = np.argsort(-weight, kind="stable")
    worth = (weight[order] * GRID_UNITS > 1.0) & (summary.counts[order] >= 2 * smallest)
    return order[worth][: max(how_many, 0)]


def _directions(how_many: int, n_features: int, seed: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Random unit vectors: signs over the root of the dimension, so that no library's logarithm enters."""
    signs = np.random.Generator(np.random.PCG64(seed)).integers(0, 2, (how_many, n_features))
    return np.asarray((2.0 * signs - 1.0) / np.sqrt(n_features))
