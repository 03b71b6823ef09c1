"""The peers of the E-step: scikit-learn by its private and its public ways, numpy alone, faiss."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.cluster._k_means_common import _inertia_dense
from sklearn.cluster._k_means_lloyd import lloyd_iter_chunked_dense
from sklearn.exceptions import ConvergenceWarning

from benchmarks.pairing import Contender

Matrix = npt.NDArray[np.float32]
HAS_FAISS = importlib.util.find_spec("faiss") is not None
PRIVATE, NUMPY, FAISS = "lloyd_iter + inertia", "numpy only", "faiss, one iteration"
FIT, PREDICT = "KMeans.fit(max_iter=1)", "predict + add.at"
NAMES = (PRIVATE, NUMPY, FAISS, FIT, PREDICT)
TILE = 4096


def contenders(rows: Matrix, centroids: Matrix, n_threads: int) -> dict[str, Contender]:
    """Every peer that is installed, ready to run on the same rows and centroids."""
    fitted = KMeans(len(centroids), init=centroids, n_init=1, max_iter=1).fit(centroids)
    fitted.cluster_centers_ = centroids
    found: dict[str, Contender] = {
        PRIVATE: lambda: private_loop(rows, centroids, n_threads),
        FIT: lambda: fit_once(rows, centroids),
    }
    if n_threads == 1:  # neither gains from a second thread
        found[NUMPY] = lambda: numpy_only(rows, centroids)
        found[PREDICT] = lambda: predict_and_add(fitted, rows, len(centroids))
    if HAS_FAISS:
        faiss = importlib.import_module("faiss")
        found[FAISS] = lambda: faiss_once(faiss, rows, centroids, n_threads)
    return found


def private_loop(rows: Matrix, centroids: Matrix, n_threads: int) -> float:
    """The compiled loop below ``KMeans``, which is not public, and its inertia."""
    weights = np.ones(len(rows), np.float32)
    labels = np.full(len(rows), -1, np.int32)
    counts, shift = np.zeros(len(centroids), np.float32), np.zeros(len(centroids), np.float32)
    lloyd_iter_chunked_dense(rows, weights, centroids, np.zeros_like(centroids), counts, labels, shift, n_threads)
    return float(_inertia_dense(rows, weights, centroids, labels, n_threads))


def numpy_only(rows: Matrix, centroids: Matrix) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], float]:
    """Tiles of products, an argmin, and sums by a one-hot product: what numpy does best."""
    norms = (centroids * centroids).sum(axis=1)
    sums, counts, inertia = np.zeros(centroids.shape), np.zeros(len(centroids), np.int64), 0.0
    places = np.arange(len(centroids), dtype=np.int32)[:, None]
    for start in range(0, len(rows), TILE):
        part = rows[start : start + TILE]
        scores = part @ (-2.0 * centroids.T) + norms
        labels = scores.argmin(axis=1)
        inertia += float(scores[np.arange(len(part)), labels].sum() + np.einsum("ij,ij->", part, part))
        sums += (places == labels).astype(np.float32) @ part
        counts += np.bincount(labels, minlength=len(centroids))
    return sums, counts, inertia


def fit_once(rows: Matrix, centroids: Matrix) -> KMeans:
    """The public way: checks, copies and two E-steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(len(centroids), init=centroids, n_init=1, max_iter=1).fit(rows)


def predict_and_add(fitted: KMeans, rows: Matrix, n_clusters: int) -> npt.NDArray[np.float64]:
    """Labels by ``predict``, sums by ``np.add.at``."""
    labels = fitted.predict(rows)
    sums = np.zeros((n_clusters, rows.shape[1]))
    np.add.at(sums, labels, rows)
    np.bincount(labels, minlength=n_clusters)
    return sums


def faiss_once(faiss: Any, rows: Matrix, centroids: Matrix, n_threads: int) -> float:
    """One iteration of faiss on all rows."""
    faiss.omp_set_num_threads(n_threads)
    fitted = faiss.Kmeans(
        rows.shape[1], len(centroids), niter=1, max_points_per_centroid=len(rows), min_points_per_centroid=1
    )
    return float(fitted.train(rows, init_centroids=centroids))
