"""The offer that was joined last, so that a station which was killed goes on without being offered it again.

An offer is public; joining it again gives the same answer and costs nothing. What was agreed since is in the ledger.
"""

from __future__ import annotations

import logging

from client.deployment.logs import say
from client.deployment.place import Place, put
from client.ledger.durable import sync_directory
from common.masked_messages import MaskedOffer, MaskedResult
from common.messages import Offer, Result
from common.wire import AnyMessage


class Offered:
    """One offer, in the station's directory."""

    def __init__(self, place: Place) -> None:
        """Use the station's directory."""
        self._path = place.offer

    def note(self, asked: AnyMessage, request: bytes) -> None:
        """A request was answered; a failing disk costs the going on, nothing else."""
        try:
            if isinstance(asked, Offer | MaskedOffer) and request != self.newest():
                put(self._path, request)
            if isinstance(asked, Result | MaskedResult):
                self._path.unlink(missing_ok=True)
                sync_directory(self._path.parent)
        except OSError as error:
            say("the offer cannot be kept", level=logging.ERROR, error=type(error).__name__)

    def newest(self) -> bytes | None:
        """The offer of the session that is going on; None between sessions, or if it cannot be read."""
        try:
            return self._path.read_bytes()
        except OSError:
            return None
