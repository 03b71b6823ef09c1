"""Sealing records: every one gets the digest of all else in it as its identity."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from client.router.deciding.line import Unsealed
from client.router.deciding.record import ID_DIGITS
from client.router.records import Records

ID_BYTES = ID_DIGITS // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A decision as it is kept.

    Attributes:
        decision_id: Its identity.
        record: The record in its one spelling.
    """

    decision_id: str
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spelled:
    """All records of a batch.

    Attributes:
        identities: Of the records, ``ID_BYTES`` each, one behind the other.
        records: In their one spelling.
    """

    identities: bytes
    records: Records

    @classmethod
    def of(cls, unsealed: Unsealed) -> Spelled:
        """Every record with the digest of all else in it, where its key belongs."""
        digests = [hashlib.sha256(held).digest()[:ID_BYTES] for held in unsealed.views()]
        identities = b"".join(digests)
        given = "".join(f'"decision_id":"{name}",' for name in names_in(identities))
        return cls(identities=identities, records=unsealed.sealed(given.encode()))

    def decision_ids(self) -> list[str]:
        """Hexadecimal."""
        return names_in(self.identities)


def names_in(held: bytes, digits: int = ID_DIGITS) -> list[str]:
    """Bytes as hexadecimal, cut into names of one length."""
    spelled = held.hex()
    return [spelled[start : start + digits] for start in range(0, len(spelled), digits)]
