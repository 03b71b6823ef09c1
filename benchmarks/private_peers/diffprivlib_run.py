"""One fit of diffprivlib's KMeans, run by the interpreter of its own environment: it imports nothing of the project."""

import sys
from pathlib import Path

import numpy as np
from diffprivlib.models import (  # type: ignore[import-not-found]  # in its own environment
    KMeans,
    k_means,
)

# The library counts members with Python's sum, a second per million rows and cluster; the same number, sooner.
k_means.sum = np.count_nonzero


def main(folder: str, n_clusters: str, epsilon: str, seed: str) -> None:
    """Read rows and bounds from the folder and leave the centroids there."""
    rows = np.load(Path(folder) / "rows.npy").astype(np.float64)
    low, high = np.load(Path(folder) / "bounds.npy")
    fitted = KMeans(int(n_clusters), epsilon=float(epsilon), bounds=(low, high), random_state=int(seed)).fit(rows)
    np.save(Path(folder) / "centroids.npy", fitted.cluster_centers_)


if __name__ == "__main__":
    main(*sys.argv[1:5])
