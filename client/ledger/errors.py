"""What can be wrong with a ledger, by what to do next.

FedclaimsError
├── BrokenLedgerError     the record cannot be trusted: stop, find out where, restore it
├── InputError
│   └── KeyFileError        the key file is missing, open to others, or not this ledger's
├── EngineError
│   └── LedgerBusyError     another process writes it: stop that one first
└── RefusedError
    ├── BudgetError         a limit would be exceeded; never retry
    └── ReleaseError        this release was drawn before, or asks something else; never retry
"""

from __future__ import annotations

from client.ledger.spending import Limit
from common.errors import EngineError, FedclaimsError, InputError, RefusedError

EXPLAIN = "run `fedclaims-bureau ledger verify` to see where and how"


class BrokenLedgerError(FedclaimsError):
    """The record is broken, shortened, re-ordered or forged: nothing may leave until it is restored.

    Attributes:
        entry: Number of the first entry that cannot be trusted.
        offset: Where it begins in the file; None if the fault is not at a place in the file.
        reason: What is wrong, in plain words.
    """

    exit_code = 8

    def __init__(self, reason: str, *, entry: int, offset: int | None = None) -> None:
        """Say what is wrong, and where."""
        super().__init__(f"the ledger cannot be trusted from entry {entry} on: {reason}; {EXPLAIN}")
        self.entry, self.offset, self.reason = entry, offset, reason


class KeyFileError(InputError):
    """The key file is missing, readable by others, unreadable, or belongs to another ledger."""


class LedgerBusyError(EngineError):
    """Another process writes this ledger; there is one writer."""


class BudgetError(RefusedError):
    """The charge does not fit.

    Attributes:
        limit: Which limit stands in the way.
    """

    def __init__(self, limit: Limit) -> None:
        """Name the limit."""
        super().__init__(f"the release does not fit the policy's limit: {limit.value}")
        self.limit = limit


class ReleaseError(RefusedError):
    """The release has an entry already: it is never drawn again, nor answered for another question."""
