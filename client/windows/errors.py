"""What can be wrong with the claim book.

BrokenLedgerError
└── BrokenBookError   book and ledger contradict each other: nothing may leave until both are restored from one copy
"""

from __future__ import annotations

from client.ledger.errors import BrokenLedgerError
from common.errors import FedclaimsError


class BrokenBookError(BrokenLedgerError):
    """The book has forgotten a window that the ledger remembers, or says something else of it, or is another one's."""

    def __init__(self, reason: str, *, entry: int = 0) -> None:
        """Say what is wrong, and at which entry of the ledger."""
        super().__init__(reason, entry=entry)
        restore = "restore the ledger's directory as a whole from one copy"
        FedclaimsError.__init__(self, f"the claim book cannot be trusted: {reason}; {restore}")
