"""Reduction: from leaves to clusters by weighted k-means++, at the coordinator, on released sums alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from common.grid import from_grid, to_grid


def reduce_leaves(
    leaves: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], n_clusters: int, restarts: int, seed: int
) -> npt.NDArray[np.int64]:
    """The centroids of a weighted k-means++ over the leaves, best of ``restarts``.

    Args:
        leaves: Means of the leaves, grid units ``(n_leaves, d)``.
        counts: Rows of each leaf, used as weights; empty leaves are left out.
        n_clusters: Clusters wanted.
        restarts: How often k-means++ starts.
        seed: Of the plan.

    Returns:
        Grid units ``(min(n_clusters, non-empty leaves), d)``.
    """
    held = leaves.astype("<i8").tobytes(), counts.astype("<i8").tobytes(), leaves.shape
    return _reduced(*held, n_clusters, restarts, seed).copy()


@lru_cache(maxsize=4)
def _reduced(  # noqa: PLR0917  what is remembered is told apart by place
    leaf_words: bytes, count_words: bytes, shape: tuple[int, int], n_clusters: int, restarts: int, seed: int
) -> npt.NDArray[np.int64]:
    """The same for arguments that can be remembered: whoever checks a coordinator's reduction asks for it again."""
    leaves = np.frombuffer(leaf_words, "<i8").reshape(shape).astype(np.int64)
    counts = np.frombuffer(count_words, "<i8").astype(np.int64)
    kept = counts > 0
    if kept.sum() <= n_clusters:
        return leaves[kept]
    from sklearn.cluster import KMeans  # noqa: PLC0415  a second to load; only rounds that reduce pay it

    fitted = KMeans(n_clusters, n_init=restarts, random_state=seed % 2**32).fit(
        from_grid(leaves[kept]), sample_weight=counts[kept].astype(np.float64)
    )
    return to_grid(np.asarray(fitted.cluster_centers_, np.float64))
