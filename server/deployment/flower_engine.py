"""Runs on Flower: the service's SuperLink, started again when it ends, told of every node that is let in."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from common.errors import FedclaimsError
from server.deployment.bundle import write_app
from server.deployment.commands import Control
from server.deployment.logs import say
from server.deployment.office import Office
from server.deployment.superlink import SuperLink, lives
from server.registry.nodes import Node
from server.registry.run import Run

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STEADY_S = 300.0
"""A SuperLink that ran so long is started again at once."""


class FlowerEngine:
    """One SuperLink, kept alive.

    Guarantees:
        * A SuperLink that ends is started again, each time after a longer pause.
        * Before a run starts, the SuperLink knows every node that is let in, and none of ours that is not.
    """

    def __init__(self, office: Office, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare; ``keep`` starts the SuperLink."""
        self._office, self._clock = office, clock
        self._superlink = SuperLink(office.place, office.configuration.superlink.port)
        self._control = Control(office.place)
        self._pause, self._not_before, self._started = SHORTEST_PAUSE_S, 0.0, 0.0
        self._told: tuple[tuple[int, int | None], ...] | None = None
        self._up, self.restarts = False, -1

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
            return False
        had_ended, self._told, self._up = self._started > 0, None, False
        if self._clock() < self._not_before:
            return had_ended
        if self._clock() - self._started > STEADY_S:
            self._pause = SHORTEST_PAUSE_S
        self._not_before, self._pause = self._clock() + self._pause, min(2 * self._pause, LONGEST_PAUSE_S)
        self._superlink.stop()
        self._superlink.start()
        self._started, self.restarts = self._clock(), self.restarts + 1
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
        if state != self._told:
            try:
                self._tell(nodes)
            except FedclaimsError as error:
                say("nodes not told", level=logging.WARNING, error=str(error))
                return False
            self._told = state
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

    def _tell(self, nodes: list[Node]) -> None:
        """Let the SuperLink know whom the registry knows; what it forgot is told again."""
        known = self._control.nodes()
        for node in nodes:
            if node.revoked is not None and node.node in known:
                self._control.unregister(node.node or "")
                say("node let in no longer", bureau=node.name)
            if node.revoked is None and node.node not in known:
                self._office.registry.nodes.note_node(node.id, self._registered(node))
                say("node let in", bureau=node.name)

    def _registered(self, node: Node) -> str:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "node.pub"
            path.write_text(f"{node.public_key}\n", encoding="ascii")
            return self._control.register(node.name, path)
