"""Refinement: split the heaviest clusters, let all settle, merge the closest pairs again, and keep it if it pays.

Lloyd's rounds stop at a local optimum, where one cluster often does the work of two while two do the work of one.
Whether a split and a merge together pay is known exactly from sums before anything is changed.

References:
    Ball and Hall, "ISODATA", Stanford Research Institute, 1965 (split and merge); Ward, "Hierarchical Grouping to
    Optimize an Objective Function", JASA 58, 1963 (cost of a merge); Fritzke, "The breathing k-means algorithm",
    arXiv:2006.15666, 2020 (in breaths of falling width).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from common.grid import from_grid, to_grid
from common.seeding import means
from common.summary import Summary, cell_inertia


class Merged(NamedTuple):
    """Fewer clusters than before.

    Attributes:
        centroids: Grid units ``(n_clusters, d)``.
        inertia: Of the rows about these centroids if each stays with its merged cluster; an upper bound of what
            the next round will find, up to the grid's resolution.
    """

    centroids: npt.NDArray[np.int64]
    inertia: float


def merge(summary: Summary, centroids: npt.NDArray[np.int64], n_clusters: int) -> Merged:
    """Merge the pairs that cost least, one after another, until ``n_clusters`` are left.

    Args:
        summary: Sums of the clusters around ``centroids``.
        centroids: Grid units ``(n, d)``, ``n >= n_clusters``; only empty clusters keep theirs.
        n_clusters: Clusters wanted.
    """
    places = from_grid(means(summary, centroids))
    counts = summary.counts.astype(np.float64)
    total = float(cell_inertia(summary).sum())
    cost = _merge_costs(places, counts)
    alive = np.ones(len(counts), np.bool_)
    while alive.sum() > n_clusters:
        one, other = np.unravel_index(np.argmin(cost), cost.shape)
        total += float(cost[one, other])
        together = counts[one] + counts[other]
        if together > 0:
            places[one] = (counts[one] * places[one] + counts[other] * places[other]) / together
        counts[one] = together
        alive[other] = False
        cost[other, :] = cost[:, other] = np.inf
        cost[one, :] = cost[:, one] = np.where(alive, _costs_to(places, counts, int(one)), np.inf)
        cost[one, one] = np.inf
    return Merged(to_grid(places[alive]), total)


def _costs_to(places: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], one: int) -> npt.NDArray[np.float64]:
    """Ward's cost of merging cluster ``one`` with each cluster."""
    share = counts[one] * counts / np.maximum(counts[one] + counts, 1.0)
    return np.asarray(share * ((places - places[one]) ** 2).sum(axis=1))


def _merge_costs(places: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    cost = np.stack([_costs_to(places, counts, one) for one in range(len(counts))])
    np.fill_diagonal(cost, np.inf)
    return cost
