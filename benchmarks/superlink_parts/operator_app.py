"""The ServerApp of the benchmark: one message to every node and back, several times, measured at the SuperLink."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import psutil
from flwr.app import Context, Message
from flwr.serverapp import Grid, ServerApp
from flwr.superlink.grid import http_grid

from server.grid import GridTransport, Patience
from simulations.flower.hosting import EXCHANGE_KEY

ORDER, FLOWS = "order.json", "flows.jsonl"

# As the coordinator does: look again soon for parts of replies that are on their way.
vars(http_grid)["pull_objects"] = partial(http_grid.pull_objects, initial_backoff=0.02, backoff_cap=0.5)

app = ServerApp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to measure.

    Attributes:
        nodes: How many take part.
        flows: How many per size.
        sizes: Bytes of a message, either way.
        superlink: Its process.
        replies_s: Longest wait for the replies of a flow.
    """

    nodes: int
    flows: int
    sizes: tuple[int, ...]
    superlink: int
    replies_s: float


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Do what the order says; one line of JSON for each flow."""
    directory = Path(str(context.run_config[EXCHANGE_KEY]))
    order = Order(**json.loads((directory / ORDER).read_text("utf-8")))
    counted = _Counted(grid)
    transport = GridTransport(cast("Grid", counted), order.nodes, Patience(nodes_s=60, replies_s=order.replies_s))
    nodes, superlink = transport.nodes(), psutil.Process(order.superlink)
    with (directory / FLOWS).open("w", encoding="utf-8") as file:
        for _ in range(order.flows + 1):  # the first one does not count: nodes fetch the run
            for size in order.sizes:
                requests = {node: os.urandom(size) for node in nodes}
                counted.looks, cpu, began = 0, cpu_s(superlink), time.perf_counter()
                replies = sum(len(reply) == size for _, reply in transport.exchange(requests))
                seconds, cpu = time.perf_counter() - began, cpu_s(superlink) - cpu
                told = {"size": size, "replies": replies, "seconds": seconds, "cpu_s": cpu, "looks": counted.looks}
                print(json.dumps(told | {"rss": rss(superlink)}), file=file, flush=True)


class _Counted:
    """A grid that counts how often the coordinator has looked for replies."""

    def __init__(self, grid: Grid) -> None:
        self._grid, self.looks = grid, 0

    def pull_messages(self, identities: list[str]) -> Iterable[Message]:
        self.looks += 1
        return self._grid.pull_messages(identities)

    def __getattr__(self, name: str) -> object:
        return getattr(self._grid, name)


def cpu_s(process: psutil.Process) -> float:
    """Seconds of processor time a process itself has used, without its children."""
    used = process.cpu_times()
    return float(used.user + used.system)


def rss(process: psutil.Process) -> int:
    """Bytes of memory a process holds."""
    return int(process.memory_info().rss)
