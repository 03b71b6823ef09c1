"""One tick now, without the service: for a test."""

from __future__ import annotations

import threading

from server.deployment.flower_engine import FlowerEngine
from server.deployment.place import Place
from server.deployment.service import Service, prepared
from server.deployment.stream.begun import begun
from server.deployment.stream.following import tick_now
from server.registry.tick import Outcome, Tick

QUIET = "critical"


def run_tick(place: Place) -> Tick:
    """Have a tick come now, wait for its end, and stop again.

    Guarantees:
        * What ``run_service`` guarantees, for the time of one tick.

    Returns:
        The tick.

    Raises:
        InputError: If something needs mending, or no stream was begun.
        EngineError: If a service runs, which has ticks of its own.
    """
    with prepared(place, QUIET) as office:
        stream, ticks = begun(office), office.registry.ticks
        before = ticks.reached(stream.name)
        tick_now(office)

        def has_ended() -> bool:
            (newest,) = ticks.newest(stream.name) or (None,)
            return newest is not None and newest.number > before and newest.outcome is not Outcome.UNDER_WAY

        Service(office, FlowerEngine(office)).serve(threading.Event(), has_ended)
        return ticks.newest(stream.name)[0]
