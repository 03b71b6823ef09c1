import numpy as np
import pytest

from common.grid import from_grid
from common.refining import merge
from common.seeding import means
from common.summary import cell_inertia
from tests.common.rows import blobs, summary_by_hand

ROWS = blobs(600, 5, 3, seed=8, spread=0.2)


def test_the_two_clusters_whose_merge_costs_least_are_merged_by_hand() -> None:
    rows = np.array([[0.0, 0.0], [0.125, 0.0], [0.75, 0.0], [0.75, 0.5]], np.float32)
    summary = summary_by_hand(rows, np.arange(4), 4)
    merged = merge(summary, means(summary, np.zeros((4, 2), np.int64)), 3)
    assert sorted(from_grid(merged.centroids).tolist()) == [[0.0625, 0.0], [0.75, 0.0], [0.75, 0.5]]
    assert merged.inertia == pytest.approx(2 * 0.0625**2)


@pytest.mark.parametrize("n_clusters", [1, 2, 5, 9])
def test_the_promised_inertia_is_that_of_the_merged_partition(n_clusters: int) -> None:
    labels = np.random.default_rng(1).integers(0, 9, 600)
    summary = summary_by_hand(ROWS, labels, 9)
    merged = merge(summary, means(summary, np.zeros((9, 5), np.int64)), n_clusters)
    assert len(merged.centroids) == n_clusters
    floats = ROWS.astype(np.float64)
    nearest = ((floats[:, None] - from_grid(merged.centroids)) ** 2).sum(axis=2).min(axis=1).sum()
    assert nearest <= merged.inertia + 1e-4
    if n_clusters == 1:
        assert merged.inertia == pytest.approx(((floats - floats.mean(axis=0)) ** 2).sum(), rel=1e-6)
    if n_clusters == 9:
        assert merged.inertia == pytest.approx(cell_inertia(summary).sum())


def test_an_empty_cluster_is_merged_for_nothing() -> None:
    summary = summary_by_hand(ROWS, np.arange(600) % 3, 4)
    merged = merge(summary, means(summary, np.zeros((4, 5), np.int64)), 3)
    assert merged.inertia == pytest.approx(cell_inertia(summary).sum())
