"""One E-step with its sums, against the matrix product it rests on and against the peers.

Everyone gets the same rows and centroids and returns labels, counts and sums (and inertia, where it has one).
With one thread processor time is compared, which a busy neighbour disturbs less; with two, wall time.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from threadpoolctl import ThreadpoolController

from benchmarks import e_step_peers as peers
from benchmarks.pairing import Contender, interleaved, options, ratio, show_heading, show_machine, show_row
from common import kernel
from common.grid import GRID_UNITS, from_grid, to_grid

SHAPES = ((1_000_000, 16, 16), (1_000_000, 32, 32), (1_000_000, 64, 64), (500_000, 94, 36), (200_000, 128, 256))
RUNS = 5
OURS, LIMIT = "ours", "GEMM alone"


def main(arguments: list[str] | None = None) -> None:
    """Time all shapes with one thread and with two, print one table of ratios to ours."""
    parser = options(__doc__)
    parser.add_argument("--threads", type=int, choices=(1, 2), help="only so many threads")
    chosen = parser.parse_args(arguments)
    shrink, runs = (20, 3) if chosen.quick else (1, RUNS)
    show_machine("numpy", "numba", "scikit-learn", "faiss-cpu")
    if not peers.HAS_FAISS:
        print("faiss is missing here and is left out: pip install faiss-cpu\n")
    names = [LIMIT, *peers.NAMES]
    show_heading(
        ["rows, features, clusters", "threads", "ours, ms", "ours / GEMM", *(f"{name} / ours" for name in names)]
    )
    for n_threads in (chosen.threads,) if chosen.threads else (1, 2):
        for n, d, k in SHAPES:
            show_row(_row((n // shrink, d, k), n_threads, runs))


def _row(shape: tuple[int, int, int], n_threads: int, runs: int) -> list[object]:
    """One line of the table."""
    pools = ThreadpoolController()
    ready = contenders(shape, n_threads, pools)
    with pools.limit(limits=n_threads):
        seconds = interleaved(ready, runs, time.process_time if n_threads == 1 else time.perf_counter)
    others = [ratio(seconds, name, OURS) if name in seconds else "-" for name in (LIMIT, *peers.NAMES)]
    ours = sorted(seconds[OURS])[runs // 2] * 1e3
    return [f"{shape[0]:,} x {shape[1]}, {shape[2]}", n_threads, ours, ratio(seconds, OURS, LIMIT), *others]


def contenders(shape: tuple[int, int, int], n_threads: int, pools: ThreadpoolController) -> dict[str, Contender]:
    """Ours, the limit and every peer that is installed, on the same rows and centroids."""
    rows, units = clustered_rows(*shape)
    norms = kernel.row_norms(rows)
    centroids = from_grid(units).astype(np.float32)

    def ours() -> kernel.Step:
        with pools.limit(limits=1, user_api="blas"):
            return kernel.e_step(rows, norms, units, n_threads)

    def limit() -> None:
        with pools.limit(limits=1, user_api="blas"):
            _in_parallel(rows, centroids, n_threads)

    return {OURS: ours, LIMIT: limit, **peers.contenders(rows, centroids, n_threads)}


def clustered_rows(n: int, d: int, k: int) -> tuple[kernel.Rows, kernel.Centroids]:
    """Rows around ``k`` points of the unit ball, on the grid, and centroids near those points."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((k, d))
    points *= 0.5 / np.linalg.norm(points, axis=1, keepdims=True)
    rows = np.empty((n, d), np.float32)
    for start in range(0, n, 65_536):
        part = rows[start : start + 65_536]
        around = points[rng.integers(0, k, len(part))] + rng.standard_normal(part.shape) * 0.3 / np.sqrt(d)
        around /= np.maximum(1.0, np.linalg.norm(around, axis=1, keepdims=True) * 1.0001)
        part[:] = np.trunc(around * GRID_UNITS) / GRID_UNITS
    return rows, to_grid(points + rng.standard_normal(points.shape) * 0.05 / np.sqrt(d))


def _in_parallel(rows: kernel.Rows, centroids: kernel.Rows, n_threads: int) -> None:
    edges = [len(rows) * part // n_threads for part in range(n_threads + 1)]
    tile = int(np.clip(kernel.SCORES_IN_CACHE // len(centroids), kernel.SMALLEST_TILE, kernel.LARGEST_TILE))
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(lambda part: _products(rows[edges[part] : edges[part + 1]], centroids, tile), range(n_threads)))


@numba.njit(cache=True, nogil=True)
def _products(rows, centroids, tile):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  numba
    """Only the matrix products of the same tiles, into the same small buffer, by the same BLAS."""
    scores = np.empty((len(centroids), tile), np.float32)
    for start in range(0, len(rows), tile):
        part = rows[start : start + tile]
        if len(part) < tile:
            scores = np.empty((len(centroids), len(part)), np.float32)
        np.dot(centroids, part.T, scores)


if __name__ == "__main__":
    main()
