"""Exact counts and sums per cluster for peers, by the project's own pass over the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.private_peers.bounds import Centroids, Vector
from common.grid import from_grid, to_grid
from common.kernel import Rows, Step, e_step, row_norms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawSums:
    """Not protected yet.

    Attributes:
        counts: float64 ``(n_clusters,)``.
        sums: float64 ``(n_clusters, n_features)``, about the origin.
    """

    counts: Vector
    sums: Centroids


def assigned_sums(rows: Rows, centroids: Centroids) -> RawSums:
    """Every row counts for its nearest centroid."""
    return _raw(e_step(rows, row_norms(rows), to_grid(centroids)))


def near_sums(rows: Rows, centroids: Centroids, radius: float) -> RawSums:
    """A row counts for its nearest centroid if that is no further than ``radius``, else not at all."""
    norms, places = row_norms(rows), to_grid(centroids)
    step = e_step(rows, norms, places)
    near = square_distances(rows, from_grid(places), step) <= radius * radius
    return _raw(step if near.all() else e_step(rows[near], norms[near], places))


def inertia_of(rows: Rows, centroids: Centroids, weights: Vector | None = None) -> float:
    """Sum of squared distances to the nearest centroid, each times its row's weight."""
    places = to_grid(centroids)
    found = square_distances(rows, from_grid(places), e_step(rows, row_norms(rows), places))
    return float(found.sum() if weights is None else found @ weights)


def square_distances(rows: Rows, centroids: Centroids, step: Step) -> Vector:
    """Squared distance of every row to the centroid it is assigned to."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), 65_536):
        part = slice(start, start + 65_536)
        difference = rows[part] - centroids[step.labels[part]]
        found[part] = np.einsum("ij,ij->i", difference, difference)
    return found


def _raw(step: Step) -> RawSums:
    return RawSums(counts=step.counts.astype(np.float64), sums=from_grid(step.sums))
