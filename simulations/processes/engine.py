"""The engine of processes: stations answer in this process, everything else is a deployment on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from common.errors import CohortError, EngineError
from common.plan import Plan
from server.session import RoundReport, SessionReport
from simulations.conducting import Record, unrecorded
from simulations.flower.bundle import write_app
from simulations.flower.ending import ended_like_ctrl_c
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import host_stations, private_directory
from simulations.loopback import Answer
from simulations.processes.children import PortTakenError
from simulations.processes.rehearsal import Rehearsal, rehearsing

LOOK_PAUSE_S = 0.05
NODES_S = 120.0
REPLIES_S = 600.0
ATTEMPTS = 3
"""At finding ports that are still free when they are used."""

COMPONENTS = {"serverapp": "simulations.processes.server_app:app", "clientapp": "client.courier:app"}


def run_over_processes(
    stations: Mapping[str, Answer],
    plan: Plan,
    *,
    on_round: Callable[[RoundReport], None] = lambda _: None,
    record: Record = unrecorded,
    replies_s: float = REPLIES_S,
) -> SessionReport:
    """Run a session over a SuperLink, SuperNodes and couriers, each in a process of its own.

    Guarantees:
        * All stations are there at the start, or the session fails.
        * The programs and their options are those of a real deployment: TLS, authenticated nodes, couriers that
          run installed code alone.
        * Afterwards, however it ends, no process and no file of the run is left.

    Args:
        stations: What each bureau's station answers, by the bureau's name.
        plan: Of the run.
        on_round: Called after each round, for progress.
        record: Takes the transcript of masked sums, once the session has ended.
        replies_s: How long to wait for the replies to a request.

    Raises:
        CohortError: If there are fewer stations than the plan needs.
        EngineError: If a process does not start, or ends too early.
        FedclaimsError: What the session itself failed with.
    """
    if not stations or len(stations) < plan.min_cohort:
        msg = f"{len(stations)} bureaus take part, the plan needs {plan.min_cohort}: add bureaus"
        raise CohortError(msg)
    with ended_like_ctrl_c(), private_directory() as directory:
        exchange = Exchange(directory / "exchange")
        exchange.directory.mkdir(mode=0o700)
        exchange.put_order(plan, stations, NODES_S, replies_s)
        write_app(directory / "app", version("fedclaims"), exchange.directory, COMPONENTS)
        with host_stations(stations, exchange.directory), _deployed(directory, len(stations)) as rehearsal:
            rehearsal.run(directory / "app")
            report = _follow(exchange, rehearsal, on_round)
        for message in exchange.transcript():
            record(message)
    return report


@contextmanager
def _deployed(directory: Path, n_bureaus: int) -> Iterator[Rehearsal]:
    """A deployment that is ready for a run; begun anew if a port was taken meanwhile."""
    for attempt in range(ATTEMPTS):
        with rehearsing(directory / f"{attempt}") as rehearsal:
            try:
                rehearsal.start_superlink()
                rehearsal.start_couriers(n_bureaus)
                rehearsal.await_superlink()
                rehearsal.start_supernodes(directory / "exchange")
                rehearsal.await_supernodes()
            except PortTakenError:
                continue
            yield rehearsal
            return
    msg = f"the ports chosen were taken by others {ATTEMPTS} times in a row: start the run again"
    raise EngineError(msg)


def _follow(exchange: Exchange, rehearsal: Rehearsal, on_round: Callable[[RoundReport], None]) -> SessionReport:
    """Tell of rounds as they are closed, until the outcome is there."""
    number = 1
    while True:
        # in this order: what is there once a process has ended is all that will ever be there
        ended = rehearsal.children.ended()
        outcome = exchange.outcome()
        while (closed := exchange.round(number)) is not None:
            on_round(closed)
            number += 1
        if outcome is not None:
            return outcome
        if ended is not None:
            raise EngineError(rehearsal.children.last_words(ended))
        time.sleep(LOOK_PAUSE_S)
