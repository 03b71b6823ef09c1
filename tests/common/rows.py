"""Rows for tests: random, on the grid, inside the unit ball."""

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS
from common.kernel import row_norms
from common.summary import Summary


def on_grid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Values cut to the grid, towards zero."""
    return (np.trunc(values * GRID_UNITS) / GRID_UNITS).astype(np.float32)


def blobs(n_rows: int, n_features: int, n_groups: int, seed: int, spread: float = 0.02) -> npt.NDArray[np.float32]:
    """Rows around random places of the ball of radius 0.7."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(n_groups, n_features))
    places *= 0.7 / np.linalg.norm(places, axis=1, keepdims=True)
    noise = np.clip(rng.normal(size=(n_rows, n_features)), -3, 3) * spread / np.sqrt(n_features)
    rows = places[rng.integers(0, n_groups, n_rows)] + noise
    return on_grid(rows / np.maximum(1.0, np.linalg.norm(rows, axis=1, keepdims=True)))


def summary_by_hand(rows: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], n_clusters: int) -> Summary:
    """The summary of labelled rows, slowly and in Python integers."""
    counts, squares = [0] * n_clusters, [0] * n_clusters
    sums = [[0] * rows.shape[1] for _ in range(n_clusters)]
    for row, norm, label in zip(rows, row_norms(rows), labels, strict=True):
        counts[label] += 1
        squares[label] += int(norm)
        for place, value in enumerate(row):
            sums[label][place] += int(float(value) * GRID_UNITS)
    return Summary(
        counts=np.array(counts, np.int64),
        sums=np.array(sums, np.int64),
        squares=np.array(squares, np.int64),
        costs=np.zeros((n_clusters, 0), np.int64),
    )
