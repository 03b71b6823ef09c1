"""Our run over loopback: ten bureaus, the whole schedule or seeding and ten Lloyd rounds."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from client.policy import Policy
from client.rowstore import RowStore
from client.station import Station
from common.features.spec import FeatureSpec, FeesBlock, NumberBlock
from common.plan import Plan, Protection
from simulations.engines import loopback_engine

BUREAUS, CLUSTERS, THREADS = 10, 16, 2
SPEC = FeatureSpec(
    name="sixteen",
    blocks=(
        FeesBlock(share=800),
        NumberBlock(field="total", share=100, lower=1, upper=100),
        NumberBlock(field="age_days", share=100, lower=1, upper=100),
    ),
)
"""Sixteen features; the rows are given, so what the blocks mean does not matter."""

TEN_ROUNDS: dict[str, Any] = {
    "leaves_per_cluster": 1,
    "fewest_leaves": 16,
    "passes_per_level": 1,
    "refining_breadth": 0,
    "stop_per_million": 0,
    "max_rounds": 16,  # five of seeding, ten of Lloyd, one to measure
}


def main(path: str, schedule: str) -> None:
    """Deal the rows to bureaus and run a session."""
    plan = Plan(features=SPEC, protection=Protection.NONE, n_clusters=CLUSTERS)
    if schedule == "ten":
        plan = Plan(features=SPEC, protection=Protection.NONE, n_clusters=CLUSTERS, **TEN_ROUNDS)
    stations = {}
    for number, rows in enumerate(np.array_split(np.load(path), BUREAUS)):
        store = RowStore(SPEC.n_features, plan.cost_cap_yuan)
        store.append(rows, np.full(len(rows), 100, np.int64), np.arange(len(rows), dtype=np.uint64))
        name = f"bureau-{number}"
        stations[name] = Station(name, Policy(), partial(_rows_of, store)).answer
    with threadpool_limits(1, user_api="blas"):
        report = loopback_engine(THREADS)(stations, plan, lambda _: None)
    print(report.model.quality.inertia)


def _rows_of(store: RowStore, _: Plan) -> RowStore:
    return store


if __name__ == "__main__":
    main(*sys.argv[1:3])
