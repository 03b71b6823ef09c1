"""What others do with a stream of windows. None of them is private, and none adds or drops clusters.

All begin where k-means on the first window ends, so that none is measured by a bad start.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans, MiniBatchKMeans

from benchmarks.private_peers.sums import assigned_sums
from benchmarks.stream_following import Floats
from benchmarks.stream_world import TrueWindow
from common.kernel import Rows

STARTS = 10
HAS_RIVER = importlib.util.find_spec("river") is not None


class Frozen:
    """K-means on the first window, never changed."""

    def __init__(self, n_clusters: int, seed: int) -> None:
        """Wait for the first window."""
        self.n_clusters, self.seed = n_clusters, seed
        self.centroids: Floats | None = None

    def window(self, rows: Rows) -> Floats:
        """See ``Follower``."""
        if self.centroids is None:
            self.centroids = fitted(rows, self.n_clusters, self.seed)
        return self.centroids


class MiniBatch:
    """scikit-learn's MiniBatchKMeans, a window a batch."""

    def __init__(self, n_clusters: int, seed: int) -> None:
        """Wait for the first window."""
        self.n_clusters, self.seed = n_clusters, seed
        self._model: MiniBatchKMeans | None = None

    def window(self, rows: Rows) -> Floats:
        """See ``Follower``."""
        if self._model is None:
            start = fitted(rows, self.n_clusters, self.seed)
            self._model = MiniBatchKMeans(self.n_clusters, init=start, n_init=1, random_state=self.seed)
        self._model.partial_fit(rows.astype(np.float64))
        return np.array(self._model.cluster_centers_, np.float64)


class Cumulative:
    """The rule of NVFlare's k-means: a centroid is the mean of all rows that ever were its own."""

    def __init__(self, n_clusters: int, seed: int) -> None:
        """Wait for the first window."""
        self.n_clusters, self.seed = n_clusters, seed
        self._counts = np.zeros(n_clusters)
        self._centroids: Floats | None = None

    def window(self, rows: Rows) -> Floats:
        """See ``Follower``."""
        if self._centroids is None:
            self._centroids = fitted(rows, self.n_clusters, self.seed)
        found = assigned_sums(rows, self._centroids)
        totals = self._counts + found.counts
        moved = self._centroids * self._counts[:, np.newaxis] + found.sums
        kept = totals[:, np.newaxis] == 0
        self._centroids = np.where(kept, self._centroids, moved / np.maximum(totals, 1)[:, np.newaxis])
        self._counts = totals
        return self._centroids


class River:
    """river's k-means, row by row: STREAMKMeans, or the incremental one that it is made of.

    The library draws first centroids from a normal distribution; they are replaced by those of the first window.
    """

    def __init__(self, n_clusters: int, seed: int, *, halflife: float, chunk_size: int | None = None) -> None:
        """Wait for the first window.

        Args:
            n_clusters: K.
            seed: Of the library.
            halflife: How far a row moves its centroid, as a part of the distance.
            chunk_size: Rows that STREAMKMeans clusters at a time; None for the incremental k-means alone.
        """
        self.n_clusters, self.seed, self._halflife, self._chunk_size = n_clusters, seed, halflife, chunk_size
        self._model: Any = None

    def window(self, rows: Rows) -> Floats:
        """See ``Follower``."""
        if self._model is None:
            self._model = self._begun(fitted(rows, self.n_clusters, self.seed), float(rows.std()))
        for row in rows.tolist():
            self._model.learn_one(dict(enumerate(row)))
        centers = self._model.centers
        return np.array([[centers[place][at] for at in range(rows.shape[1])] for place in range(self.n_clusters)])

    def _begun(self, start: Floats, sigma: float) -> Any:
        cluster = importlib.import_module("river.cluster")
        given = {"n_clusters": self.n_clusters, "halflife": self._halflife, "sigma": sigma, "seed": self.seed}
        model = cluster.KMeans(**given) if self._chunk_size is None else None
        model = model or cluster.STREAMKMeans(chunk_size=self._chunk_size, **given)
        inner = model if self._chunk_size is None else model._kmeans
        for place, centroid in enumerate(start.tolist()):
            inner.centers[place].update(enumerate(centroid))
        return model


def oracle(window: TrueWindow) -> Floats:
    """K-means on the window itself, with the true number of clusters from their true means."""
    model = KMeans(len(window.means), init=window.means, n_init=1).fit(window.rows.astype(np.float64))
    return np.array(model.cluster_centers_, np.float64)


def fitted(rows: npt.NDArray[np.float32], n_clusters: int, seed: int) -> Floats:
    """scikit-learn's k-means, best of ten starts."""
    model = KMeans(n_clusters, n_init=STARTS, random_state=seed).fit(rows.astype(np.float64))
    return np.array(model.cluster_centers_, np.float64)
