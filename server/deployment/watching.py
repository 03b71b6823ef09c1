"""Watching the run that is under way: whatever becomes of it, it ends, and the registry says why."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from common.errors import FedclaimsError
from server.deployment.logs import say
from server.deployment.office import Office
from server.registry.run import Run, State

CLAIM_S = 180
"""From the start of a run until its process has begun; that takes some seconds."""

DELIVERY_S = 120
"""Beyond the time for replies: so long a process may take, after its run is done, to bring the model to the bureaus."""

LEFT_OPEN = "the service ended while this run was under way"
NOT_TAKEN = "no process has taken the run up: look at the SuperLink's log"
GONE = "the run's process ended without a word: look at the SuperLink's log"
TOO_LONG = "the run took longer than its limit"
STOPPED = "stopped by the operator"
LINK_ENDED = "the SuperLink ended in mid-run"


class Engine(Protocol):
    """What runs run on."""

    def ready(self) -> bool:
        """Whether a run can be started now."""

    def launch(self, run: Run) -> str:
        """Start a run; returns what the engine calls it.

        Raises:
            FedclaimsError: If it cannot be started.
        """

    def is_alive(self, run: Run) -> bool:
        """Whether the process of a run that is under way still works."""

    def end(self, run: Run) -> None:
        """End whatever is left of a run; raises nothing."""


class Watch:
    """Starts what waits, and closes what has ended without saying so.

    Guarantees:
        * After ``clear``, nothing is under way.
        * After every ``look``, what is under way has a process, or a moment left to get one.
        * No run starts while the one before it brings its model to the bureaus; that is waited for, but not for ever.
        * A clock that is put forward or back ends no run.
    """

    def __init__(self, office: Office, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch the runs of an office.

        Args:
            office: Whose.
            engine: What they run on.
            clock: Seconds, never going back; of what lasts.
        """
        self._office, self._engine, self._clock = office, engine, clock
        self._seen: dict[tuple[int, State], float] = {}

    def clear(self) -> None:
        """Close what an earlier service left open; what only waits, waits on."""
        run = self._office.registry.runs.under_way()
        if run is not None:
            self.close(run, State.ABANDONED, LEFT_OPEN)

    def look(self, *, starting: bool = True) -> None:
        """Start the next order if nothing is under way; else see whether what is under way has ended.

        Args:
            starting: Whether anything may be started.
        """
        runs = self._office.registry.runs
        run = runs.under_way()
        if run is not None:
            self._look_at(run)
        elif starting and not self.is_delivering() and self._engine.ready() and (waiting := runs.waiting()) is not None:
            self._start(waiting)

    def is_delivering(self) -> bool:
        """Whether the newest run's process still brings its model to the bureaus; one that takes too long is ended."""
        number = max((number for number, _ in self._seen), default=None)
        run = None if number is None else self._office.registry.runs.find(number)
        if run is None or run.state is not State.DONE or not self._engine.is_alive(run):
            return False
        if self._lasted(run) <= self._office.configuration.run.replies + DELIVERY_S:
            return True
        say("delivery takes too long", level=logging.WARNING, run=run.number)
        self._engine.end(run)
        return False

    def close(self, run: Run, state: State, reason: str) -> None:
        """Close a run and end what is left of it."""
        if self._office.registry.runs.close(run.number, state, reason, self._office.clock()):
            say("run closed", run=run.number, state=str(state), reason=reason)
        self._engine.end(run)

    def close_all(self, reason: str) -> None:
        """Close what is under way, as failed."""
        run = self._office.registry.runs.under_way()
        if run is not None:
            self.close(run, State.FAILED, reason)

    def _start(self, run: Run) -> None:
        runs = self._office.registry.runs
        runs.start(run.number)
        self._seen = {(run.number, State.STARTING): self._clock()}
        say("run starts", run=run.number, wanted_by=str(run.wanted_by))
        try:
            flower_run = self._engine.launch(run)
        except FedclaimsError as error:
            self.close(run, State.FAILED, str(error))
            return
        with suppress(FedclaimsError):  # a quick run is closed already
            runs.note(run.number, flower_run=flower_run)

    def _look_at(self, run: Run) -> None:
        reason = next((reason for reason, applies in self._faults(run) if applies()), None)
        if reason is not None:
            say("run fails", level=logging.WARNING, run=run.number, reason=reason)
            self.close(run, State.FAILED, reason)

    def _faults(self, run: Run) -> tuple[tuple[str, Callable[[], bool]], ...]:
        lasted, limit = self._lasted(run), self._office.configuration.run.limit
        late = run.started is None and lasted > CLAIM_S
        dead = run.process is not None and not self._engine.is_alive(run)
        too_long = run.started is not None and lasted > limit
        return (NOT_TAKEN, lambda: late), (GONE, lambda: dead), (TOO_LONG, lambda: too_long)

    def _lasted(self, run: Run) -> float:
        """For how long we have seen a run in its state."""
        now = self._clock()
        return now - self._seen.setdefault((run.number, run.state), now)
