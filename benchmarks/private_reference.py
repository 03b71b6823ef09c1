"""What private clusters are measured by: scikit-learn's k-means without noise on all rows in one place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from benchmarks.private_data import PrivateData
from benchmarks.private_peers.sums import inertia_of
from common.costs import costs_of, sum_costs
from common.grid import GRID_UNITS, from_grid, to_grid
from common.kernel import e_step, row_norms
from common.private.bounding import bounded_costs
from common.quality import explained_share, riv_of_log_cost

STARTS = 10
"""Single k-means++ starts; the best of them is the reference."""

COST_CAP_YUAN = 200_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """All starts, the best first.

    Attributes:
        starts: Centroids, float64 ``(STARTS, K, d)``.
        inertia: Of the best, weighted if the reference is.
        weights: Of the rows; None where each counts once.
    """

    starts: Floats
    inertia: float
    weights: Floats | None = None

    def ratio(self, data: PrivateData, centroids: Floats) -> float:
        """Inertia of some centroids over the reference's."""
        return inertia_of(data.rows, centroids, self.weights) / self.inertia


def reference_of(data: PrivateData, cache: Path | None, weights: Floats | None = None) -> Reference:
    """The reference, fitted once; kept in ``cache`` if there is one."""
    held = hashlib.sha256(data.rows.tobytes() + (b"" if weights is None else weights.tobytes())).hexdigest()[:16]
    path = None if cache is None else cache / f"{data.name}-{data.n_clusters}-{held}.npy"
    if path is not None and path.is_file():
        starts = np.load(path)
    else:
        starts = _fit(data, weights)
        if path is not None:
            np.save(path, starts)
    return Reference(starts=starts, inertia=inertia_of(data.rows, starts[0], weights), weights=weights)


def _fit(data: PrivateData, weights: Floats | None) -> Floats:
    models = (KMeans(data.n_clusters, n_init=1, random_state=start) for start in range(STARTS))
    fitted = [model.fit(data.rows, sample_weight=weights) for model in models]
    fitted.sort(key=lambda model: float(model.inertia_))
    return np.array([model.cluster_centers_ for model in fitted], np.float64)


def riv_of(data: PrivateData, centroids: Floats) -> float:
    """RIV of log cost of the clusters around some centroids, without noise."""
    assert data.total_fen is not None
    labels = e_step(data.rows, row_norms(data.rows), to_grid(centroids)).labels
    return riv_of_log_cost(sum_costs(costs_of(data.total_fen, COST_CAP_YUAN), labels, len(centroids)))


def measured_riv_of(data: PrivateData, centroids: Floats, cap_yuan: int) -> float:
    """The same as a private run measures it, between the cap and a thousandth of it, but without noise."""
    assert data.total_fen is not None
    labels = e_step(data.rows, row_norms(data.rows), to_grid(centroids)).labels
    weights = np.full(len(labels), GRID_UNITS, np.int64)
    sums = bounded_costs(costs_of(data.total_fen, cap_yuan), weights, labels, len(centroids), cap_yuan)
    return explained_share(*from_grid(sums).T)
