"""What a participant never contradicts, in the station's ledger: durable before anything is sent."""

from __future__ import annotations

from client.ledger.ledger import Ledger


class LedgerKept:
    """What a participant never contradicts, in the station's ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Keep it there."""
        self._ledger = ledger

    def get(self, place: str) -> bytes | None:
        """See ``common.masking.participant.Kept``."""
        return self._ledger.marked(place)

    def put(self, place: str, value: bytes) -> None:
        """See ``common.masking.participant.Kept``."""
        self._ledger.mark(place, value)
