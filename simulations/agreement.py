"""Agreement of a clustering with known groups, from how many claims fall into each pair of cluster and group."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def contingency(labels: npt.NDArray[np.integer], truth: npt.NDArray[np.integer], shape: tuple[int, int]) -> Counts:
    """Claims per cluster and known group, int64 ``shape``; claims without a group (negative) are left out."""
    known = truth >= 0
    cells = labels[known].astype(np.int64) * shape[1] + truth[known]
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def adjusted_rand_index(table: Counts) -> float:
    """Adjusted Rand index of a contingency table (Hubert and Arabie 1985): 1 for equal, about 0 for unrelated."""
    cells = table.astype(np.float64)
    pairs, rows, columns = (_pairs(counts) for counts in (cells, cells.sum(axis=1), cells.sum(axis=0)))
    total = _pairs(np.array([cells.sum()]))
    expected = rows * columns / total if total else 0.0
    highest = (rows + columns) / 2.0
    return 1.0 if highest == expected else float((pairs - expected) / (highest - expected))


def normalised_mutual_information(table: Counts) -> float:
    """Mutual information over the mean of both entropies; 1 for equal, 0 for independent."""
    shares = table / max(table.sum(), 1)
    of_cells, of_rows, of_columns = (
        _entropy(part) for part in (shares.ravel(), shares.sum(axis=1), shares.sum(axis=0))
    )
    mean = (of_rows + of_columns) / 2.0
    return float((of_rows + of_columns - of_cells) / mean) if mean > 0 else 1.0


def _pairs(counts: npt.NDArray[np.float64]) -> float:
    return float((counts * (counts - 1.0) / 2.0).sum())


def _entropy(shares: npt.NDArray[np.float64]) -> float:
    present = shares[shares > 0]
    return float(-(present * np.log(present)).sum())
