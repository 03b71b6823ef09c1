"""Our run over loopback: ten bureaus, the whole schedule or seeding and ten Lloyd rounds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from client.policy import Policy  # noqa: E402
from client.rowstore import RowStore  # noqa: E402
from client.station import Station  # noqa: E402
from common.features.spec import FeatureSpec, FeesBlock, NumberBlock  # noqa: E402
from common.plan import Plan  # noqa: E402
from simulations.engines import loopback_engine  # noqa: E402

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

TEN_ROUNDS = {"leaves_per_cluster": 1, "fewest_leaves": 16, "passes_per_level": 1, "refining_breadth": 0}
FIVE_SEEDING_TEN_LLOYD_AND_MEASURE = 16


def main(path: str, schedule: str) -> None:
    """Deal the rows to bureaus and run a session."""
    plan = Plan(features=SPEC, n_clusters=CLUSTERS)
    if schedule == "ten":
        rounds = {"max_rounds": FIVE_SEEDING_TEN_LLOYD_AND_MEASURE, "stop_per_million": 0}
        plan = Plan(features=SPEC, n_clusters=CLUSTERS, **TEN_ROUNDS, **rounds)
    stations = {}
    for number, rows in enumerate(np.array_split(np.load(path), BUREAUS)):
        store = RowStore(SPEC.n_features, plan.cost_cap_yuan)
        store.append(rows, np.full(len(rows), 100, np.int64))
        name = f"bureau-{number}"
        stations[name] = Station(name, Policy(), lambda _, store=store: store).answer
    with threadpool_limits(1, user_api="blas"):
        report = loopback_engine(THREADS)(stations, plan, lambda _: None)
    print(len(report.rounds), report.model.quality.inertia)


if __name__ == "__main__":
    main(*sys.argv[1:3])
