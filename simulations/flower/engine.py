"""The Flower engine: stations answer in this process, everything else runs in Flower's simulation beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from common.errors import EngineError
from common.plan import Plan
from server.session import RoundReport, SessionReport
from simulations.conducting import Record, unrecorded
from simulations.flower.bundle import COMPONENTS
from simulations.flower.ordering import Way, insist_on_cohort, run_ordered
from simulations.flower.processes import FlowerProcesses
from simulations.loopback import Answer

NODES_S = 60.0
REPLIES_S = 600.0


def run_over_flower(
    stations: Mapping[str, Answer],
    plan: Plan,
    *,
    on_round: Callable[[RoundReport], None] = lambda _: None,
    record: Record = unrecorded,
    replies_s: float = REPLIES_S,
) -> SessionReport:
    """Run a session between a coordinator and stations over Flower's simulation.

    Guarantees:
        * All stations are there at the start, or the session fails.
        * Afterwards, however it ends, no process and no file of the run is left.

    Args:
        stations: What each bureau's station answers, by the bureau's name.
        plan: Of the run.
        on_round: Called after each round, for progress.
        record: Takes the transcript of masked sums, once the session has ended.
        replies_s: How long to wait for the replies to a request.

    Raises:
        CohortError: If there are fewer stations than the plan needs.
        EngineError: If Flower is not installed, does not start, or breaks off.
        FedclaimsError: What the session itself failed with.
    """
    insist_on_cohort(len(stations), plan)
    _insist_on_simulation()
    way = Way(components=COMPONENTS, begun=_flower, nodes_s=NODES_S)
    return run_ordered(way, stations, plan, on_round=on_round, record=record, replies_s=replies_s)


@contextmanager
def _flower(directory: Path, n_nodes: int) -> Iterator[FlowerProcesses]:
    """Flower's processes with the app in ``directory`` running; stopped in the end."""
    flower = FlowerProcesses(directory)
    try:
        flower.start()
        flower.run(directory / "app", n_nodes)
        yield flower
    finally:
        flower.stop()


def _insist_on_simulation() -> None:
    if find_spec("ray") is None or find_spec("flwr") is None:
        msg = "Flower's simulation is not installed: pip install '.[flower]', or choose the loopback engine"
        raise EngineError(msg)
