"""The service: keeps a SuperLink alive, orders what the schedule says, watches what runs, stops when told to."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from common.errors import FedclaimsError, InputError
from server.consortium.files import replace
from server.deployment.bundle import write_app
from server.deployment.clockwork import account_for
from server.deployment.configuration import load_configuration
from server.deployment.doctor.examining import examine, insist_owner
from server.deployment.doctor.findings import Level
from server.deployment.flower_engine import FlowerEngine
from server.deployment.logs import say, start_logging
from server.deployment.office import Office
from server.deployment.opening import database_of, now
from server.deployment.place import Place, alone
from server.deployment.recording import keep_cut
from server.deployment.stopping import Stop, end_runs, forget_stop, ordered_stop
from server.deployment.stream.alerting import tell
from server.deployment.stream.following import follow
from server.deployment.stream.webhook import Posting
from server.deployment.watching import LINK_ENDED, Watch
from server.registry.registry import Registry
from server.registry.schema import migrate

Answer = TypeVar("Answer")
LOOK_S = 0.5
STATUS_EVERY = 4
"""Looks between two writings of the status."""

POSTING_S = 5.0
"""For alerts that are being posted when the service ends."""


def run_service(place: Place) -> None:
    """Serve a coordinator until it is told to stop, or SIGTERM, or SIGINT.

    Guarantees:
        * It does not start while anything that ``doctor`` calls a fault is wrong, but for what only a running service
          can have.
        * One process at a time has the directory. What an earlier one left open is closed first.
        * Told to stop after the run, it lets the run end and its model be delivered; on a signal, or told to stop now,
          it ends it. An order to stop is kept until it was followed, also one that comes while the service starts.

    Raises:
        InputError: If something needs mending; the text says all of it.
        EngineError: If another process has it, or the registry cannot be used.
    """
    with prepared(place) as office:
        say("service started", process=os.getpid(), schedule=office.configuration.schedule.schedule().spelled)
        Service(office, FlowerEngine(office)).serve(_signals())
        say("service stopped")


@contextmanager
def prepared(place: Place, level: str | None = None) -> Iterator[Office]:
    """While this lasts, this process serves a coordinator, whose tables are of this version, and which is healthy.

    Args:
        place: Its directory.
        level: From which on is logged; None for what the configuration says.

    Raises:
        InputError: If something needs mending; the text says all of it.
        EngineError: If another process has it, or the registry cannot be used.
    """
    configuration = load_configuration(place.configuration)
    insist_owner(place)
    with alone(place):
        os.umask(0o077)
        start_logging(level or configuration.log.level)
        database = database_of(place, configuration)
        before = migrate(database, now())
        say("registry opened", schema=before)
        office = Office(place=place, configuration=configuration, registry=Registry(database), clock=now)
        _insist_healthy(place)
        write_app(place)
        yield office


class Service:
    """One service; ``serve`` runs it."""

    def __init__(self, office: Office, engine: FlowerEngine) -> None:
        """Prepare."""
        self._office, self._engine = office, engine
        self._watch, self._posting = Watch(office, engine), Posting(office)
        self._schedule = office.configuration.schedule.schedule()
        self._since = office.clock()

    def serve(self, stop: threading.Event, is_enough: Callable[[], bool] = lambda: False) -> None:
        """Look, act, wait; until an order or ``stop`` ends it, or it is enough and nothing is under way."""
        self._clean()
        n_looks = 0
        try:
            while not self._told_to_end(stop) and not self._guarded(lambda: is_enough() and self._is_idle()):
                self._guarded(self._step)
                if n_looks % STATUS_EVERY == 0:
                    self._write_status()
                n_looks += 1
                stop.wait(LOOK_S)
            self._guarded(lambda: forget_stop(self._office.place))
        finally:
            self._guarded(lambda: self._watch.close_all("the service was stopped"))
            self._engine.stop()
            self._guarded(self._tell)
            self._posting.end(POSTING_S)

    def _step(self) -> None:
        had_ended = self._engine.keep()
        if had_ended:
            self._watch.close_all(LINK_ENDED)
        account_for(self._schedule, self._office.registry.ticking, self._office.clock())
        self._guarded(self._follow)
        self._watch.look(starting=ordered_stop(self._office.place) is None)

    def _follow(self) -> None:
        has_come = follow(self._office)
        self._tell(again=has_come)

    def _tell(self, *, again: bool = False) -> None:
        """Tell people what is new; alerts that have not arrived are posted again at every tick."""
        if tell(self._office) or again:
            self._posting.begin()

    def _told_to_end(self, stop: threading.Event) -> bool:
        told = ordered_stop(self._office.place)
        if stop.is_set():
            return True
        if told is Stop.NOW:
            self._guarded(lambda: end_runs(self._office))
            return True
        return told is Stop.AFTER_RUN and bool(self._guarded(self._is_idle))

    def _is_idle(self) -> bool:
        return self._office.registry.runs.under_way() is None and not self._watch.is_delivering()

    def _guarded(self, act: Callable[[], Answer]) -> Answer | None:
        """A registry, a disk or a program that fails for a while does not end the service."""
        try:
            return act()
        except FedclaimsError as error:
            say("a look failed", level=logging.ERROR, error=type(error).__name__, text=str(error))
        except OSError as error:
            say(
                "a look failed", level=logging.ERROR, error=type(error).__name__, text="look at disk, memory and rights"
            )
        return None

    def _clean(self) -> None:
        """What an earlier service left."""
        self._guarded(self._watch.clear)
        self._guarded(lambda: keep_cut(self._office))

    def _write_status(self) -> None:
        held = {
            "process": os.getpid(),
            "since": self._since,
            "looked": self._office.clock(),
            "superlink": {"process": self._engine.process, "restarts": max(self._engine.restarts, 0)},
            "next_tick": self._schedule.next_tick(self._office.clock()),
            "link_faults": self._engine.faults,
        }
        with suppress(FedclaimsError):  # it is never needed
            replace(self._office.place.status, json.dumps(held).encode())


def _insist_healthy(place: Place) -> None:
    faults = [one for one in examine(place, starting=True) if one.level is Level.FAULT]
    if faults:
        said = "; ".join(f"{one.check}: {one.said} - {one.fix}" for one in faults)
        msg = f"the service does not start: {said}"
        raise InputError(msg)


def _signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
