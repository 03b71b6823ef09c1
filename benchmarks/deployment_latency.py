"""How long a message flow takes in a deployment, and where its time goes: from Flower's own way to ours, step by step.

A real SuperLink, SuperNodes and couriers with TLS and node authentication, stations over small claims, and an open
session between them. A flow is one request to every bureau with all replies. Its last message tells where the time
went: until the SuperLink has it, until its courier picks it up, until the courier holds all of it, until the station
has answered, until the answer is back at the coordinator.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import psutil

from benchmarks.latency_parts.stamps import STEPS, Stamps
from benchmarks.latency_parts.ways import WAYS, Seen, Way, deployed
from benchmarks.pairing import options, show_heading, show_machine, show_row
from client.link.programs import scripts
from common.features.default import default_spec
from common.plan import Plan, Protection
from simulations.bureaus import Bureaus, WorldClaims, gather_bureaus
from simulations.conducting import unrecorded
from simulations.flower import ordering
from simulations.terms import fitted
from simulations.world import World

CLAIMS_EACH = 300
REPLIES_S, NODES_S = 300.0, 120.0
OTHERS_S = 2.0
HEADING = ["bureaus", "way", "s a flow", "slowest", "flows", "at the SuperLink", "picked up", "in hand", "answered",
           "back", "CPU %", "waiting: CPU %", "SuperLink", "SuperNodes", "couriers", "others: CPU %"]  # fmt: skip
WHOLE_HEADING = ["bureaus", "protection", "engine", "s", "s in rounds", "rounds", "centroids", "others: CPU %"]


def main() -> None:
    """Measure every way with every number of bureaus, then whole runs as they are typed."""
    found = options(__doc__)
    found.add_argument("--bureaus", type=int, nargs="+", default=[3, 10], metavar="N")
    found.add_argument("--way", type=int, nargs="+", choices=range(len(WAYS)), default=list(range(len(WAYS))))
    found.add_argument("--rounds", type=int, default=8, help="of a session; each is a flow")
    found.add_argument("--no-flows", action="store_true", help="whole runs alone")
    found.add_argument("--whole", action="store_true", help="whole runs of the rehearsal's command, too")
    given = found.parse_args()
    if given.quick:
        given.bureaus, given.way, given.rounds = [2], [3], 4
    show_machine("flwr", "grpcio", "httpx", "cryptography")
    if not given.no_flows:
        show_heading(HEADING)
        for n_bureaus in given.bureaus:
            with _bureaus(n_bureaus) as bureaus:
                for number in given.way:
                    show_row(_measured(WAYS[number], bureaus, given))
    if given.whole or given.no_flows:
        _whole_runs(given.bureaus[0])


@contextmanager
def _bureaus(n_bureaus: int) -> Iterator[Bureaus]:
    world = World(n_bureaus=n_bureaus, n_claims=CLAIMS_EACH * n_bureaus, seed=1)
    bureaus = gather_bureaus(WorldClaims(world=world), default_spec(), 200_000)
    try:
        yield bureaus
    finally:
        bureaus.close()


def _measured(way: Way, bureaus: Bureaus, given: argparse.Namespace) -> Sequence[object]:
    """One line of the table."""
    open_plan = Plan(
        features=default_spec(), n_clusters=4, fewest_leaves=4, leaves_per_cluster=1, passes_per_level=1,
        refining_breadth=0, stop_per_million=0, max_rounds=given.rounds, min_cohort=1, protection=Protection.NONE,
    )  # fmt: skip
    plan = fitted(open_plan, len(bureaus.by_name), bureaus.n_claims, bureaus.n_persons)
    seen = Seen()
    begun: Callable[[Path, int], object] = partial(deployed, way, seen)
    order = ordering.Way(components=way.components, begun=begun, nodes_s=NODES_S, advice="start again")  # type: ignore[arg-type]
    with bureaus.stations(plan, 1) as stations:
        ordering.run_ordered(order, stations, plan, on_round=lambda _: None, record=unrecorded, replies_s=REPLIES_S)
    last = _last_of_flows(seen.messages, len(stations))
    flows = [one["came"] - one["asked"] for one in last]
    steps = [median(one[after] - one[before] for one in last) for before, after in itertools.pairwise(STEPS)]
    cpu = [100 * seen.waiting_cpu[kind] for kind in ("SuperLink", "SuperNodes", "couriers")]
    return [len(stations), way.name, median(flows), max(flows), len(flows), *steps, 100 * seen.cpu, sum(cpu), *cpu,
            100 * seen.others]  # fmt: skip


def _last_of_flows(messages: Sequence[Stamps], n_bureaus: int) -> list[Stamps]:
    """Of every flow the message that came back last; the first flow does not count: nodes fetch the run in it."""
    flows: dict[float, list[Stamps]] = {}
    for one in messages:
        flows.setdefault(one["flow"], []).append(one)
    assert all(len(flow) == n_bureaus for flow in flows.values()), "a message was lost"
    return [max(flow, key=lambda one: one["came"]) for number, flow in sorted(flows.items()) if number > 1]


def _others() -> float:
    """Percent of one processor that this machine's other work takes just before."""
    return float(psutil.cpu_percent(OTHERS_S)) * (os.cpu_count() or 1)


def _whole_runs(n_bureaus: int) -> None:
    """The rehearsal's command beside the same over loopback; without protection both end at the same centroids."""
    print()
    show_heading(WHOLE_HEADING)
    found: dict[tuple[str, str], str] = {}
    for protection in ("secure", "none"):
        for engine in ("loopback", "processes"):
            others = _others()
            seconds, result = _typed(n_bureaus, protection, engine)
            digest = str(result["centroids_sha256"])
            found[protection, engine] = digest
            rounds = result["seconds"]["rounds"]  # type: ignore[index]
            show_row([n_bureaus, protection, engine, seconds, rounds, result["rounds"], digest[:16], others])
    assert found["none", "loopback"] == found["none", "processes"], "the engines differ"


def _typed(n_bureaus: int, protection: str, engine: str) -> tuple[float, dict[str, object]]:
    with tempfile.TemporaryDirectory() as out:
        words = ["--engine", engine, "--bureaus", str(n_bureaus), "--protection", protection, "--out", out]
        began = time.perf_counter()
        subprocess.run([scripts() / "fedclaims-simulate", *words], check=True, capture_output=True)  # noqa: S603
        seconds = time.perf_counter() - began
        return seconds, json.loads((Path(out) / "result.json").read_text("utf-8"))


if __name__ == "__main__":
    main()
