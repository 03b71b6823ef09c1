"""Runs on Flower: the service's SuperLink, started again when it ends, told of every node that is let in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from common.errors import FedclaimsError
from server.deployment.bundle import write_app
from server.deployment.commands import Control, RefusedByFlowerError
from server.deployment.logs import say
from server.deployment.node_keys import spelled
from server.deployment.office import Office
from server.deployment.superlink import SuperLink, lives
from server.registry.nodes import Node
from server.registry.run import Run

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 300.0
"""A SuperLink that ran so long is started again at once."""

HEALTH_EVERY_S, MOST_SILENT = 15.0, 5
"""How often a SuperLink that runs is asked how it is, and after how many silences in a row it is started again."""

BEGIN_S = 180.0
"""For a SuperLink to answer for the first time."""

ASK_AGAIN_S = 60.0
"""Between two tries to let a node in that the SuperLink did not take."""

NOT_TAKEN = (
    "the SuperLink does not take its node key, perhaps once revoked: let the bureau make a new link (`link init`)"
)
NOT_LET_GO = "the SuperLink does not let its node go: look at its log"


class FlowerEngine:
    """One SuperLink, kept alive.

    Guarantees:
        * A SuperLink that ends, or that is silent for a while, is started again, each time after a longer pause.
        * Before a run starts, the SuperLink knows every node that is let in and that it takes, and none of ours that is
          not. One that it does not take keeps no other waiting; ``faults`` says why.
    """

    def __init__(self, office: Office, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; ``keep`` starts the SuperLink."""
        self._office, self._clock = office, clock
        self._superlink = SuperLink(office.place, office.configuration.superlink.port)
        self._control = Control(office.place)
        self._pause, self._not_before, self._started = SHORTEST_PAUSE_S, 0.0, 0.0
        self._told: tuple[tuple[int, int | None], ...] | None = None
        self._up, self.restarts = False, -1
        self._asked, self._n_silent, self._ask_again = 0.0, 0, 0.0
        self.faults: dict[str, str] = {}

    @property
    def process(self) -> int | None:
        """Number of the SuperLink, while it runs."""
        return self._superlink.process

    def keep(self) -> bool:
        """Start the SuperLink if it does not run.

        Returns:
            Whether it had ended.
        """
        if self._superlink.process is not None:
            if not self._is_silent():
                return False
            say("SuperLink is silent", level=logging.ERROR, process=self._superlink.process)
            self._superlink.stop()
        had_ended, self._told, self._up = self._started > 0, None, False
        if self._clock() < self._not_before:
            return had_ended
        if self._clock() - self._started > STEADY_S:
            self._pause = SHORTEST_PAUSE_S
        self._not_before, self._pause = self._clock() + self._pause, min(2 * self._pause, LONGEST_PAUSE_S)
        self._superlink.stop()
        self._superlink.start()
        self._started, self.restarts = self._clock(), self.restarts + 1
        self._asked, self._n_silent = self._started, 0
        say("SuperLink started", process=self._superlink.process, restarts=self.restarts)
        return had_ended

    def stop(self) -> None:
        """End the SuperLink and whatever it started."""
        self._superlink.stop()

    def ready(self) -> bool:
        """See ``server.deployment.watching.Engine``; also tells the SuperLink of nodes."""
        self._up = self._superlink.process is not None and (self._up or self._superlink.answers())
        if not self._up:
            return False
        nodes = self._office.registry.nodes.all()
        state = tuple((node.id, node.revoked) for node in nodes)
        if state != self._told or (self.faults and self._clock() > self._ask_again):
            try:
                self._tell(nodes)
            except FedclaimsError as error:
                say("nodes not told", level=logging.WARNING, error=str(error))
                return False
            self._told, self._ask_again = state, self._clock() + ASK_AGAIN_S
            return False  # telling takes seconds, and somebody may have been let in meanwhile: look again
        return True

    def launch(self, run: Run) -> str:
        """See ``server.deployment.watching.Engine``."""
        write_app(self._office.place)
        return self._control.run(run.code)

    def is_alive(self, run: Run) -> bool:
        """See ``server.deployment.watching.Engine``."""
        return lives(run.process)

    def end(self, run: Run) -> None:
        """See ``server.deployment.watching.Engine``."""
        current = self._office.registry.runs.find(run.number) or run
        if current.process is not None:
            self._superlink.end_process(current.process)
        if current.flower_run is not None and self._superlink.process is not None:
            with suppress(FedclaimsError):  # it has ended by itself
                self._control.stop(current.flower_run)

    def _is_silent(self) -> bool:
        """Ask a SuperLink that runs how it is, now and then; whether it has been silent too often."""
        now = self._clock()
        if not self._up:
            return now - self._started > BEGIN_S
        if now - self._asked > HEALTH_EVERY_S:
            self._asked = now
            self._n_silent = 0 if self._superlink.answers() else self._n_silent + 1
        return self._n_silent >= MOST_SILENT

    def _tell(self, nodes: list[Node]) -> None:
        """Let the SuperLink know whom the registry knows; what it forgot is told again."""
        known, faults = self._control.nodes(), dict[str, str]()
        for node in nodes:
            try:
                self._tell_of(node, known)
            except RefusedByFlowerError:
                faults[node.name] = NOT_TAKEN if node.revoked is None else NOT_LET_GO
                say("node not told", level=logging.ERROR, bureau=node.name, reason=faults[node.name])
        self.faults = faults

    def _tell_of(self, node: Node, known: frozenset[str]) -> None:
        if node.revoked is not None and node.node in known:
            self._control.unregister(node.node or "")
            say("node let in no longer", bureau=node.name)
        if node.revoked is None and node.node not in known:
            self._office.registry.nodes.note_node(node.id, self._registered(node))
            say("node let in", bureau=node.name)

    def _registered(self, node: Node) -> str:
        """What the SuperLink calls a node, which it knows already if we were killed before we noted it."""
        try:
            return self._control.register(node.name, node.public_key)
        except RefusedByFlowerError:
            found = self._control.keys().get(spelled(node.public_key.encode()) or b"")
            if found is None:
                raise
            return found
