"""How many bureaus one SuperLink carries: seconds a message flow, its processor time a message, its memory.

A real SuperLink with TLS and node authentication, a real ServerApp with the coordinator's transport, and bureaus that
only carry bytes: threads of one process, each with its node key, making a SuperNode's requests at a SuperNode's pace.
A message is one request with its reply. All share this machine's processors: a SuperLink's seconds of processor time
say more than the seconds of a flow, where hundreds of bureaus compete with it for the same two cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.superlink_parts.bureau import Bureau, register
from benchmarks.superlink_parts.operator_app import FLOWS, ORDER, Order, cpu_s, rss
from simulations.flower.bundle import write_app
from simulations.processes.engine import COMPONENTS
from simulations.processes.rehearsal import SUPERLINK, Rehearsal, pause_among, rehearsing

STATES = {"memory": [], "database": ["--database", "superlink.db"]}
IDLE_S = 10.0
REPLIES_S = 300.0
HEADING = ["bureaus", "ask every, s", "state", "kB", "s a flow", "CPU ms a message", "without asking", "CPU ms an ask",
           "waiting: CPU %", "looks a flow", "before, MB", "after, MB", "lost"]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One cell: medians over flows of one size.

    Attributes:
        bureaus: How many.
        state: Where the SuperLink keeps it.
        size: Bytes of a message, either way.
        flow_s: From the first request to the last reply.
        flows_s: The same of each flow.
        cpu_ms_per_message: The SuperLink's, of a request with its reply; with all that happens meanwhile.
        cpu_ms_without_asking: The same without what bureaus cost that only ask, as measured before the flows.
        cpu_ms_per_ask: The SuperLink's, of one bureau that asks whether there is something for it.
        waiting_cpu: Share of one processor that all bureaus' asking takes.
        looks: How often the coordinator looked for replies.
        rss_before: The SuperLink's memory with all bureaus connected.
        rss_after: The most after a flow.
        lost: Replies that did not come.
        poll_s: Between two asks of a bureau.
    """

    bureaus: int
    state: str
    size: int
    flow_s: float
    flows_s: tuple[float, ...]
    cpu_ms_per_message: float
    cpu_ms_without_asking: float
    cpu_ms_per_ask: float
    waiting_cpu: float
    looks: float
    rss_before: int
    rss_after: int
    lost: int
    poll_s: float


def main() -> None:
    """Measure every number of bureaus with both ways to keep state."""
    found = options(__doc__)
    found.add_argument("--bureaus", type=int, nargs="+", default=[3, 10, 50, 150], metavar="N")
    found.add_argument("--state", choices=tuple(STATES), nargs="+", default=list(STATES))
    found.add_argument("--size", type=int, nargs="+", default=[8192, 65536], help="bytes of a message, powers of two")
    found.add_argument("--poll", type=float, metavar="S", help="how often a bureau asks (default: as the rehearsal's)")
    found.add_argument("--flows", type=int, default=5, help="of each size")
    found.add_argument("--out", type=Path, metavar="FILE.json", help="the figures, unrounded")
    given = found.parse_args()
    if given.quick:
        given.bureaus, given.flows = [3], 2
    show_machine("flwr", "cryptography", "httpx", "uvicorn", "sqlalchemy")
    show_heading(HEADING)
    cells: list[Measured] = []
    for n_bureaus in given.bureaus:
        for state in given.state:
            cells += _measured(n_bureaus, state, given)
            if given.out:
                given.out.write_text(json.dumps([asdict(cell) for cell in cells], indent=1) + "\n", encoding="utf-8")


def _measured(n_bureaus: int, state: str, given: argparse.Namespace) -> Iterator[Measured]:
    """The cells of one SuperLink."""
    with tempfile.TemporaryDirectory() as name, rehearsing(Path(name) / "deployment") as deployment:
        superlink = _start(deployment, STATES[state])
        poll_s = given.poll or pause_among(n_bureaus)
        with _connected([Bureau(deployment.address, deployment.root, poll_s) for _ in range(n_bureaus)], deployment):
            before, waiting_cpu = rss(superlink), _cpu_share(superlink)
            order = Order(nodes=n_bureaus, flows=given.flows, sizes=tuple(given.size), superlink=superlink.pid,
                          replies_s=REPLIES_S)  # fmt: skip
            flows = _flows(deployment, Path(name), order)
        for size in given.size:
            cell = _cell([flow for flow in flows if flow["size"] == size], bureaus=n_bureaus, state=state, size=size,
                         rss_before=before, waiting_cpu=waiting_cpu, poll_s=poll_s)  # fmt: skip
            show_row(_shown(cell))
            yield cell


def _shown(cell: Measured) -> Sequence[object]:
    cpu = [cell.cpu_ms_per_message, cell.cpu_ms_without_asking, cell.cpu_ms_per_ask, 100 * cell.waiting_cpu]
    memory = [cell.rss_before >> 20, cell.rss_after >> 20]
    return [cell.bureaus, cell.poll_s, cell.state, cell.size // 1024, cell.flow_s, *cpu, cell.looks, *memory, cell.lost]


def _start(deployment: Rehearsal, more: Sequence[str]) -> psutil.Process:
    """A SuperLink as the rehearsal starts it, with options more."""
    start = deployment.children.start
    deployment.children.start = lambda name, *words: start(name, *words, *more)  # type: ignore[method-assign]
    deployment.start_superlink()
    deployment.children.start = start  # type: ignore[method-assign]
    deployment.await_superlink()
    return psutil.Process(deployment.children._started[SUPERLINK].pid)


@contextmanager
def _connected(bureaus: Sequence[Bureau], deployment: Rehearsal) -> Iterator[None]:
    register(deployment.address, deployment.root, [bureau.public_key for bureau in bureaus])
    for bureau in bureaus:
        bureau.start()
    try:
        for bureau in bureaus:
            assert bureau.ready.wait(120), "a bureau could not connect"
        yield
    finally:
        for bureau in bureaus:
            bureau.ask_to_stop()
        for bureau in bureaus:
            bureau.join()


def _cpu_share(superlink: psutil.Process) -> float:
    """Processors a SuperLink keeps busy while its bureaus only ask whether there is something for them."""
    cpu, began = cpu_s(superlink), time.perf_counter()
    time.sleep(IDLE_S)
    return (cpu_s(superlink) - cpu) / (time.perf_counter() - began)


def _flows(deployment: Rehearsal, directory: Path, order: Order) -> list[dict[str, float]]:
    """Run the ServerApp; what it has written, without the flows that do not count."""
    (directory / ORDER).write_text(json.dumps(asdict(order)), encoding="utf-8")
    components = {**COMPONENTS, "serverapp": "benchmarks.superlink_parts.operator_app:app"}
    write_app(directory / "app", version("fedclaims"), directory, components)
    deployment.run(directory / "app")
    expected, told = (order.flows + 1) * len(order.sizes), directory / FLOWS
    deadline = time.monotonic() + expected * REPLIES_S
    while not told.exists() or len(told.read_text("utf-8").splitlines()) < expected:
        assert deployment.children.ended() in {None, "run"}, "the SuperLink ended"
        assert time.monotonic() < deadline, "the ServerApp does not end"
        time.sleep(0.2)
    lines = told.read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines[len(order.sizes) :]]


def _cell(flows: list[dict[str, float]], *, bureaus: int, waiting_cpu: float, poll_s: float, **known: Any) -> Measured:
    alone = [flow["cpu_s"] - waiting_cpu * flow["seconds"] for flow in flows]
    return Measured(
        bureaus=bureaus,
        flow_s=median(flow["seconds"] for flow in flows),
        flows_s=tuple(flow["seconds"] for flow in flows),
        cpu_ms_per_message=1000 * median(flow["cpu_s"] for flow in flows) / bureaus,
        cpu_ms_without_asking=1000 * median(alone) / bureaus,
        cpu_ms_per_ask=1000 * waiting_cpu * poll_s / bureaus,
        waiting_cpu=waiting_cpu,
        poll_s=poll_s,
        looks=median(flow["looks"] for flow in flows),
        rss_after=int(max(flow["rss"] for flow in flows)),
        lost=int(sum(bureaus - flow["replies"] for flow in flows)),
        **known,
    )


if __name__ == "__main__":
    main()
