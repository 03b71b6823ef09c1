"""How well a stream's models fit the claims of a window: worked out on pooled rows, inside the simulation alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.columns import ClaimTable
from common.features.rows import Featuriser
from common.grid import GRID_UNITS, from_grid
from common.kernel import Rows
from common.private.gathering import gather
from common.stream.guide import Guide
from common.stream.state import StreamState
from common.stream.weighing import weight_values
from simulations.stream.story import Quality

FEWEST = 50
"""Rows below which nothing is judged."""

RESTARTS = 2
ITERATIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """Claims of one window and of all bureaus: rows float32 ``(n, d)``, logarithms of their costs ``(n,)``."""

    rows: Rows
    log_costs: npt.NDArray[np.float64]


class Judge:
    """Knows all rows of a window, which nobody outside a simulation does."""

    def __init__(self, featuriser: Featuriser) -> None:
        """Judge rows of these features."""
        self._featuriser = featuriser
        self._frozen: npt.NDArray[np.float64] | None = None

    def pooled(self, tables: Sequence[ClaimTable]) -> Pooled:
        """The claims of a window, from all bureaus."""
        rows = [np.zeros((0, self._featuriser.spec.n_features), np.float32), *map(self._featuriser.rows, tables)]
        costs = [np.log(np.maximum(table.total, 1).astype(np.float64)) for table in tables]
        return Pooled(rows=np.concatenate(rows), log_costs=np.concatenate([np.zeros(0), *costs]))

    def quality(self, state: StreamState, pooled: Pooled) -> Quality | None:
        """Of a model on the claims of a window; None where there are too few of them."""
        rows, centroids = pooled.rows, _centroids(state)
        if self._frozen is None:
            self._frozen = centroids
        if len(rows) < max(FEWEST, 2 * len(centroids)):
            return None
        labels, inertia = _nearest(rows, centroids)
        return Quality(
            inertia=inertia,
            oracle=_oracle(rows, centroids),
            frozen=_nearest(rows, self._frozen)[1],
            riv=_riv(pooled.log_costs, labels),
        )

    def counts(self, state: StreamState, pooled: Pooled) -> dict[int, int]:
        """Claims of the window in each cluster, by identity."""
        rows, k = pooled.rows, len(state.clusters)
        guide = Guide(
            reaches=np.zeros(k, np.int64),
            weights=np.array([weight_values(one) * 1000 for one in state.clusters], np.int64),
            caps=np.ones(k, np.int64),
        )
        ones = np.full(len(rows), GRID_UNITS, np.int64)
        _, labels = gather(rows, ones, state.centroid_units()[:k], state.radius_units()[:k], guide)
        found = np.bincount(labels, minlength=k)
        return {one.identity: int(found[place]) for place, one in enumerate(state.clusters)}


def _centroids(state: StreamState) -> npt.NDArray[np.float64]:
    return from_grid(state.centroid_units()[: len(state.clusters)])


def _nearest(rows: Rows, centroids: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.intp], float]:
    """The nearest centroid of each row, and the mean squared distance."""
    square = (rows.astype(np.float64) ** 2).sum(axis=1)[:, None] + (centroids**2).sum(axis=1) - 2.0 * rows @ centroids.T
    labels = square.argmin(axis=1)
    return labels, float(np.maximum(square.min(axis=1), 0.0).mean())


def _oracle(rows: Rows, centroids: npt.NDArray[np.float64]) -> float:
    """What scikit-learn finds on these rows with as many clusters: from scratch or the model, the better of both."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  takes a second, and is not needed before

    k = len(centroids)
    fresh = KMeans(k, n_init=RESTARTS, max_iter=ITERATIONS, random_state=0).fit(rows)
    refined = KMeans(k, init=centroids.astype(np.float32), n_init=1, max_iter=ITERATIONS).fit(rows)
    return float(min(fresh.inertia_, refined.inertia_)) / len(rows)


def _riv(costs: npt.NDArray[np.float64], labels: npt.NDArray[np.intp]) -> float:
    """Share of the variance of log cost that lies between clusters."""
    counts = np.maximum(np.bincount(labels), 1)
    means = np.bincount(labels, costs) / counts
    total = float(costs.var())
    return float(((means - costs.mean()) ** 2 * counts).sum() / len(costs)) / total if total > 0 else 0.0
