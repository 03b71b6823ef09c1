"""A shadow: a version of the model that decides beside the one in force. Whatever becomes of it, decisions go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from client.deployment.logs import say
from client.router.bench import Bench
from client.router.store.decisions import Shadowed
from common.errors import FedclaimsError

NOT_RUNNING = "shadow not running"


class Shadow:
    """A bench whose decisions are counted and change nothing; for one thread at a time.

    Guarantees:
        * Nothing that it raises, while it is loaded or later, reaches whoever decides: the shadow ends, that is logged
          once, and ``fault`` says why.
    """

    def __init__(self, load: Callable[[], Bench]) -> None:
        """Load it, if that can be done."""
        self._bench: Bench | None = None
        self.fault = ""
        try:
            self._bench = load()
        except Exception as error:  # noqa: BLE001  a shadow stops no decision, whatever is wrong with it
            self._end(error)

    @property
    def model_sha256(self) -> str | None:
        """Of its model; None if it does not run."""
        return None if self._bench is None else self._bench.artefacts.model.sha256

    def would(self, lanes: Callable[[Bench], Sequence[str]]) -> Shadowed | None:
        """Where it would send some claims; None if it does not run.

        Args:
            lanes: Decides with a bench; one lane for each claim.
        """
        if self._bench is None:
            return None
        try:
            return Shadowed(model_sha256=self._bench.artefacts.model.sha256, lanes=lanes(self._bench))
        except Exception as error:  # noqa: BLE001  likewise
            self._end(error)
            return None

    def _end(self, error: Exception) -> None:
        self._bench = None
        self.fault = str(error) if isinstance(error, FedclaimsError) else type(error).__name__
        say(NOT_RUNNING, level=logging.ERROR, error=type(error).__name__)
