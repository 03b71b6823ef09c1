"""Engines: over what a simulation's coordinator and stations talk to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.plan import Plan
from server.session import SessionReport
from simulations.conducting import OnRound, Record, conduct, unrecorded
from simulations.loopback import Answer, Loopback

Engine = Callable[[Mapping[str, Answer], Plan, OnRound], SessionReport]
"""Runs one session between a fresh coordinator and the stations."""


def loopback_engine(n_threads: int, record: Record = unrecorded) -> Engine:
    """Everything in this process; ``record`` takes the transcript of masked sums."""

    def run(stations: Mapping[str, Answer], plan: Plan, on_round: OnRound) -> SessionReport:
        with Loopback(stations, n_threads) as transport:
            return conduct(plan, tuple(sorted(stations)), transport, on_round, record)

    return run


def flower_engine(record: Record = unrecorded) -> Engine:
    """Flower's simulation: a ServerApp and one ClientApp a station, in processes of their own."""

    def run(stations: Mapping[str, Answer], plan: Plan, on_round: OnRound) -> SessionReport:
        from simulations.flower.engine import run_over_flower  # noqa: PLC0415  only this engine needs Flower

        return run_over_flower(stations, plan, on_round=on_round, record=record)

    return run


def processes_engine(record: Record = unrecorded) -> Engine:
    """The programs of a real deployment on this machine: SuperLink, SuperNodes, couriers, with TLS and node keys."""

    def run(stations: Mapping[str, Answer], plan: Plan, on_round: OnRound) -> SessionReport:
        from simulations.processes.engine import run_over_processes  # noqa: PLC0415  only this engine needs Flower

        return run_over_processes(stations, plan, on_round=on_round, record=record)

    return run
