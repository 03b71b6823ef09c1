"""A session that is ordered from outside: stations answer in this process, the rest runs in Flower beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from common.errors import CohortError, EngineError
from common.plan import Plan
from server.session import RoundReport, SessionReport
from simulations.conducting import Record
from simulations.flower.bundle import write_app
from simulations.flower.ending import ended_like_ctrl_c
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import host_stations, private_directory
from simulations.loopback import Answer

LOOK_PAUSE_S = 0.05


class Running(Protocol):
    """Flower, with the run of an app."""

    def ended(self) -> bool:
        """Whether the run, or anything under it, has ended."""
        ...

    def last_words(self) -> str:
        """What to tell about an end that was not expected."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an engine runs what is ordered.

    Attributes:
        components: ServerApp and ClientApp.
        begun: Flower in a directory, with the run of the app in its folder ``app``, for so many bureaus; ended after.
        nodes_s: How long to wait for the nodes.
        advice: What to do if they are more or fewer than bureaus; empty for Flower's simulation.
    """

    components: Mapping[str, str]
    begun: Callable[[Path, int], AbstractContextManager[Running]]
    nodes_s: float
    advice: str = ""


def insist_on_cohort(n_stations: int, plan: Plan) -> None:
    """Begin nothing with fewer stations than the plan needs.

    Raises:
        CohortError: If there are fewer.
    """
    if not n_stations or n_stations < plan.min_cohort:
        msg = f"{n_stations} bureaus take part, the plan needs {plan.min_cohort}: add bureaus"
        raise CohortError(msg)


def run_ordered(
    way: Way,
    stations: Mapping[str, Answer],
    plan: Plan,
    *,
    on_round: Callable[[RoundReport], None],
    record: Record,
    replies_s: float,
) -> SessionReport:
    """Run a session.

    Guarantees:
        * All stations are there at the start, or the session fails.
        * Afterwards, however it ends, no process and no file of the run is left.

    Raises:
        EngineError: If Flower does not start, or breaks off.
        FedclaimsError: What the session itself failed with.
    """
    with ended_like_ctrl_c(), private_directory() as directory:
        exchange = Exchange(directory / "exchange")
        exchange.directory.mkdir(mode=0o700)
        exchange.put_order(plan, stations, way.nodes_s, replies_s, way.advice)
        write_app(directory / "app", version("fedclaims"), exchange.directory, way.components)
        with host_stations(stations, exchange.directory), way.begun(directory, len(stations)) as running:
            report = _follow(exchange, running, on_round)
        for message in exchange.transcript():
            record(message)
    return report


def _follow(exchange: Exchange, running: Running, on_round: Callable[[RoundReport], None]) -> SessionReport:
    """Tell of rounds as they are closed, until the outcome is there."""
    number = 1
    while True:
        # in this order: what is there once Flower has ended is all that will ever be there
        ended = running.ended()
        outcome = exchange.outcome()
        while (closed := exchange.round(number)) is not None:
            on_round(closed)
            number += 1
        if outcome is not None:
            return outcome
        if ended:
            raise EngineError(running.last_words())
        time.sleep(LOOK_PAUSE_S)
