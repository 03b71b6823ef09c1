"""Planted weights of coordinates, recovered from a stream: how well clusters are found that agree in few coordinates.

Every cluster agrees in 5 coordinates of 24 and is noise in all others. Beside k-means on all claims, which weighs every
coordinate alike, and the stream without noise that anybody would notice (epsilon 100).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from benchmarks.pairing import options, show_heading, show_machine, show_row
from common.grid import from_grid, to_grid
from common.kernel import Rows
from common.stream.state import StreamState
from common.stream.weighing import weight_values
from simulations.stream.follower import StreamFollower, base_plan

N_FEATURES, N_CLUSTERS, N_RELEVANT = 24, 6, 5
SPREAD, WITHIN = 0.12, 0.7
N_FIRST, N_CLAIMS, N_WINDOWS = 50_000, 12_500, 20
COORDINATES = 450
"""Per mille of a window's budget, for squares along each coordinate."""

Labels = npt.NDArray[np.int64]


def main(arguments: list[str] | None = None) -> None:
    """Print one table: adjusted Rand index on claims of no window, by seed."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="worlds; 4")
    parser.add_argument("--windows", type=int, default=N_WINDOWS, help="after the first; 20")
    chosen = parser.parse_args(arguments)
    show_machine("fedclaims", "numpy", "scikit-learn")
    show_heading(["seed", "k-means", "no noise", "epsilon 1", "clusters left"])
    for seed in range(1 if chosen.quick else chosen.seeds):
        rows, labels = next(windows(seed, 20_000, first=1))
        plain = KMeans(N_CLUSTERS, n_init=10, random_state=seed).fit(rows).labels_
        quiet, private = (followed(seed, epsilon, chosen.windows) for epsilon in (100.0, 1.0))
        scores = [adjusted_rand_score(labels, found) for found in (plain, nearest(quiet, rows), nearest(private, rows))]
        show_row([seed, *scores, len(private.clusters)])


def windows(seed: int, n_claims: int, *, first: int = 0) -> Iterator[tuple[Rows, Labels]]:
    """Rows and true clusters, window after window."""
    rng = np.random.default_rng((seed, 0))
    relevant = [rng.choice(N_FEATURES, N_RELEVANT, replace=False) for _ in range(N_CLUSTERS)]
    means = rng.uniform(-WITHIN, WITHIN, (N_CLUSTERS, N_RELEVANT))
    number = first
    while True:
        drawn = np.random.default_rng((seed, 1 + number))
        size = N_FIRST if number == 0 else n_claims
        labels = drawn.integers(0, N_CLUSTERS, size)
        rows = drawn.uniform(-1.0, 1.0, (size, N_FEATURES))
        for cluster in range(N_CLUSTERS):
            held = np.flatnonzero(labels == cluster)
            near = means[cluster] + SPREAD * drawn.standard_normal((len(held), N_RELEVANT))
            rows[np.ix_(held, relevant[cluster])] = np.clip(near, -1.0, 1.0)
        yield from_grid(to_grid(rows / np.sqrt(N_FEATURES))).astype(np.float32), labels
        number += 1


def followed(seed: int, epsilon: float, n_windows: int) -> StreamState:
    """The state after a first window and some more."""
    base = base_plan(N_FEATURES, N_CLUSTERS, epsilon, seed, division={"coordinates": COORDINATES})
    follower = StreamFollower(base, memory=700, seed=seed)
    for number, (rows, _) in enumerate(windows(seed, N_CLAIMS)):
        follower.window(rows)
        if number == n_windows:
            break
    assert follower.state is not None
    return follower.state


def nearest(state: StreamState, rows: Rows) -> Labels:
    """The cluster of each row, by its own weights."""
    centroids = from_grid(state.centroid_units())
    square = [
        ((rows - centroids[place]) ** 2 * weight_values(one)).sum(axis=1) for place, one in enumerate(state.clusters)
    ]
    return np.asarray(np.argmin(np.stack(square), axis=0), np.int64)


if __name__ == "__main__":
    main()
