"""What is asked about a single claim: the same 24 bytes as ``client.router.store.asking`` gives."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from struct import Struct

from client.router.content import CONTENT_BYTES, care_in
from client.router.lone.claim import LoneClaim
from client.router.store.asking import key_prefix

_CODE_BYTES = 16
_NOTHING = bytes(_CODE_BYTES)
_KEPT_CODES = 1 << 15
_NUMBERS = Struct("<3qQ8q14q")


def asked_id(lone: LoneClaim) -> bytes:
    """What is asked about a claim.

    Guarantees:
        * The bytes that ``asked_ids`` gives for the claim in any batch. A test holds both against each other.
    """
    return key_prefix(lone.claim.claim_key) + _content(lone, refused=lone.refused_automation)


def care_of(lone: LoneClaim) -> int:
    """The number that ``client.router.content.cares`` gives for the claim in any batch."""
    return care_in(_content(lone, refused=False))


def _content(lone: LoneClaim, *, refused: bool) -> bytes:
    content = hashlib.sha256(_fixed(lone, refused=refused))
    diagnoses = b"".join(map(_digest, lone.diagnoses))
    content.update(len(diagnoses).to_bytes(4, "little"))
    content.update(diagnoses)
    content.update(b"".join(map(_digest, lone.operations)))
    return content.digest()[:CONTENT_BYTES]


def _fixed(lone: LoneClaim, *, refused: bool) -> bytes:
    numbers = _NUMBERS.pack(
        lone.total,
        lone.stay_days,
        lone.age_days,
        lone.person_id,
        lone.admitted,
        lone.discharged,
        lone.settled,
        lone.fund,
        lone.person,
        lone.hospital,
        lone.referred,
        refused,
        *lone.fees,
    )
    codes = [_NOTHING if code is None else _digest(code) for code in lone.attributes]
    text = _NOTHING if lone.text is None else _fresh_digest(lone.text)
    return b"".join((numbers, *codes, text))


def _fresh_digest(code: str) -> bytes:
    return hashlib.blake2b(code.encode(), digest_size=_CODE_BYTES).digest()


_digest = lru_cache(_KEPT_CODES)(_fresh_digest)
