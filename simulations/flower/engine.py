"""The Flower engine: stations answer in this process, everything else runs in Flower's simulation beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from common.errors import CohortError, EngineError
from common.plan import Plan
from server.session import RoundReport, SessionReport
from simulations.conducting import Record, unrecorded
from simulations.flower.bundle import write_app
from simulations.flower.ending import ended_like_ctrl_c
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import host_stations, private_directory
from simulations.flower.processes import FlowerProcesses
from simulations.loopback import Answer

LOOK_PAUSE_S = 0.05
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
    if not stations or len(stations) < plan.min_cohort:
        msg = f"{len(stations)} bureaus take part, the plan needs {plan.min_cohort}: add bureaus"
        raise CohortError(msg)
    _insist_on_simulation()
    with ended_like_ctrl_c(), private_directory() as directory:
        exchange = Exchange(directory / "exchange")
        exchange.directory.mkdir(mode=0o700)
        exchange.put_order(plan, stations, NODES_S, replies_s)
        write_app(directory / "app", version("fedclaims"), exchange.directory)
        with host_stations(stations, exchange.directory), _flower(directory, len(stations)) as flower:
            report = _follow(exchange, flower, on_round)
        for message in exchange.transcript():
            record(message)
    return report


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


def _follow(exchange: Exchange, flower: FlowerProcesses, on_round: Callable[[RoundReport], None]) -> SessionReport:
    """Tell of rounds as they are closed, until the outcome is there."""
    number = 1
    while True:
        # in this order: what is there once Flower has ended is all that will ever be there
        ended = flower.ended()
        outcome = exchange.outcome()
        while (closed := exchange.round(number)) is not None:
            on_round(closed)
            number += 1
        if outcome is not None:
            return outcome
        if ended:
            raise EngineError(flower.last_words())
        time.sleep(LOOK_PAUSE_S)


def _insist_on_simulation() -> None:
    if find_spec("ray") is None or find_spec("flwr") is None:
        msg = "Flower's simulation is not installed: pip install '.[flower]', or choose the loopback engine"
        raise EngineError(msg)
