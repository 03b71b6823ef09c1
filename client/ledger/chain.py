"""The chain: every entry names the hash of the one before it and is signed by the station.

The hash covers the signature, too, so one trusted head vouches for every byte before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from client.ledger.book import Book
from client.ledger.entry import Entry, Opened, parse_entry
from client.ledger.errors import BrokenLedgerError
from client.ledger.frame import Frame, FrameError, frame, frames

_DOMAIN = b"fedclaims ledger entry 1\0"
_SIGNATURE_BYTES = 64
NO_ENTRY = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of a ledger at some time; whoever keeps one can tell later whether it was shortened.

    Attributes:
        number: Of the entry, from 0.
        digest: SHA-256 over the entry and its signature, and so over all before it; hexadecimal.
    """

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The head of ``number:digest``.

        Raises:
            ValueError: If it is not one.
        """
        if not re.fullmatch(r"(0|[1-9][0-9]{0,11}):[0-9a-f]{64}", text, re.ASCII):
            raise ValueError("a head is a number, a colon and 64 hexadecimal digits")
        number, digest = text.split(":")
        return cls(number=int(number), digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain that was checked to its end.

    Attributes:
        book: What follows from it.
        digests: Of each entry, hexadecimal.
        whole_bytes: Length of the file up to the end of the last whole entry.
        torn_bytes: What is behind it: an entry that was being written when the process ended, so nothing was drawn.
        public_key: Of the station, hexadecimal.
    """

    book: Book
    digests: list[str]
    whole_bytes: int
    torn_bytes: int
    public_key: str

    @property
    def head(self) -> Head:
        """The last entry."""
        return Head(number=len(self.digests) - 1, digest=self.digests[-1])

    def check_against(self, seen: Head) -> None:
        """Make sure that this chain continues one whose head somebody has seen.

        Raises:
            BrokenLedgerError: If it is shorter, or another one.
        """
        if seen.number >= len(self.digests):
            reason = f"entry {seen.number} was seen by others, and this ledger ends at entry {self.head.number}"
            raise BrokenLedgerError(reason, entry=len(self.digests))
        if self.digests[seen.number] != seen.digest:
            reason = f"others have seen another entry {seen.number}: somewhere up to it, history was rewritten"
            raise BrokenLedgerError(reason, entry=seen.number)


def seal(entry: Entry, key: Ed25519PrivateKey) -> tuple[bytes, str]:
    """An entry as it lies in the file, and its digest."""
    body = entry.canonical()
    signed = body + key.sign(_DOMAIN + body)
    return frame(signed), _digest(signed)


def read_chain(held: bytes, public_key: str | None = None) -> Chain:
    """Check a whole chain.

    Guarantees:
        * Each entry of the result has its number, names the digest of the one before, is signed, is in canonical form
          and does not contradict those before it.
        * Only a beginning of a record that was never finished is left out, never a whole record.

    Args:
        held: The file.
        public_key: Whose ledger it should be, hexadecimal; None takes the first entry's word for it.

    Raises:
        BrokenLedgerError: At the first entry that cannot be trusted.
    """
    book, end = Book(), 0
    digests: list[str] = []
    key: Ed25519PublicKey | None = None
    for number, one in enumerate(_frames(held)):
        try:
            entry = _checked(one.payload, digests, key)
            key = key or _key_of(entry, public_key)
            book.admit(entry)
        except ValueError as error:
            raise BrokenLedgerError(_words(error), entry=number, offset=one.offset) from None
        digests.append(_digest(one.payload))
        end = one.end
    if key is None:
        raise BrokenLedgerError("there is no whole entry in it", entry=0, offset=0)
    public = key.public_bytes_raw().hex()
    return Chain(book=book, digests=digests, whole_bytes=end, torn_bytes=len(held) - end, public_key=public)


def _frames(held: bytes) -> Iterator[Frame]:
    number = 0
    try:
        for number, one in enumerate(frames(held), 1):  # noqa: B007  how many came before the fault
            yield one
    except FrameError as error:
        raise BrokenLedgerError("its header is damaged", entry=number, offset=error.offset) from None


def _checked(payload: bytes, digests: list[str], key: Ed25519PublicKey | None) -> Entry:
    body, signature = payload[:-_SIGNATURE_BYTES], payload[-_SIGNATURE_BYTES:]
    entry = parse_entry(body)
    if entry.number != len(digests):
        msg = f"it calls itself entry {entry.number}: entries are missing, repeated or re-ordered"
        raise _FaultError(msg)
    if entry.previous != (digests[-1] if digests else NO_ENTRY):
        raise _FaultError("it does not follow from the entry before it: one of the two was changed")
    try:
        (key or _key_of(entry, None)).verify(signature, _DOMAIN + body)
    except InvalidSignature:
        raise _FaultError("its signature is not the station's") from None
    return entry


def _key_of(entry: Entry, expected: str | None) -> Ed25519PublicKey:
    if not isinstance(entry, Opened):
        raise _FaultError("the first entry does not open a ledger")
    if expected is not None and entry.public_key != expected:
        raise _FaultError("it is signed by another key than the one in the key file")
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(entry.public_key))


class _FaultError(ValueError):
    """A fault in our own words."""


def _words(error: ValueError) -> str:
    """A fault as we name it; whatever a parser says about bytes is left out."""
    ours = type(error) in {_FaultError, ValueError}
    return str(error) if ours else "its bytes are not those of an entry"


def _digest(signed: bytes) -> str:
    return hashlib.sha256(_DOMAIN + signed).hexdigest()
