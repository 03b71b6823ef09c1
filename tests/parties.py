"""Bureaus for tests: stations over random rows in memory, and the plan they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from client.memory_share import MemoryShare
from client.policy import Policy
from client.rowstore import RowStore
from client.station import Station
from common.kernel import Rows
from common.plan import Plan, Protection
from tests.common.open_run import plan_of
from tests.common.rows import blobs

SESSION = bytes(range(16))
N_FEATURES = 3
PLAN = plan_of(
    N_FEATURES,
    n_clusters=3,
    leaves_per_cluster=2,
    fewest_leaves=4,
    reduction_restarts=1,
    refining_breadth=0,
    smallest_cluster=1,
    min_cohort=2,
)
OPEN = Policy(min_cohort=1, protections=frozenset({Protection.NONE}))
CAP_YUAN = 200_000

Answer = Callable[[bytes], bytes]


def bureau_rows(seed: int, n_rows: int = 60) -> Rows:
    """Rows of one bureau, around the same places as every other bureau's."""
    return blobs(240, N_FEATURES, 4, seed=17, spread=0.09)[np.random.default_rng(seed).integers(0, 240, n_rows)]


def totals(rows: Rows) -> npt.NDArray[np.int64]:
    """A total in fen for each row, which follows from the row."""
    found: npt.NDArray[np.int64] = np.rint((rows.sum(axis=1) + 2.0) * 100_000).astype(np.int64)
    return found


def nobody_twice(rows: Rows) -> npt.NDArray[np.uint64]:
    """Each claim another person's."""
    return np.arange(len(rows), dtype=np.uint64)


def store_of(rows: Rows, share: MemoryShare | None = None, pieces: int = 1) -> RowStore:
    """A store with these rows, appended in pieces."""
    store = RowStore(rows.shape[1], CAP_YUAN, share)
    for part, persons in zip(np.array_split(rows, pieces), np.array_split(nobody_twice(rows), pieces), strict=True):
        store.append(part, totals(part), persons)
    return store


def station(name: str, rows: Rows | None = None, policy: Policy = OPEN) -> Station:
    """A bureau's station; its rows follow from its name if none are given."""
    store = store_of(bureau_rows(sum(name.encode())) if rows is None else rows)

    def rows_for(_: Plan) -> RowStore:
        return store

    return Station(name, policy, rows_for)


def stations(names: Sequence[str], rows: Mapping[str, Rows] | None = None) -> dict[str, Answer]:
    """Stations by the node they sit at, which is their name behind an ``@``."""
    return {f"@{name}": station(name, (rows or {}).get(name)).answer for name in names}
