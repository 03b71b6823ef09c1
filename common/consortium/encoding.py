"""One spelling for what is hashed and signed: length-prefixed fields, so that no two contents share their bytes.

Only bytes, texts, whole numbers and sequences of these can be spelled; no floats, no maps, nothing with two spellings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

PROTOCOL = "csa-1"
"""Stands first in everything that is hashed, signed or derived: no other protocol's bytes can be taken for ours."""

LENGTH_BYTES = 8

Spelled: TypeAlias = "bytes | str | int | Sequence[Spelled]"

_KINDS = {"bytes": b"b", "str": b"s", "int": b"i", "sequence": b"l"}


def spell(*parts: Spelled) -> bytes:
    """The bytes of some fields.

    Guarantees:
        * Injective: different fields, or fields of different kinds, have different bytes.

    Raises:
        TypeError: If a field is none of bytes, text, whole number, or a list or tuple of these.
        ValueError: If a text cannot be encoded, or a number has thousands of digits.
    """
    return b"".join(_field(part) for part in parts)


def label(purpose: str, *parts: Spelled) -> bytes:
    """Fields under the protocol's name and a purpose: what is signed, and what keys are derived with."""
    return spell(PROTOCOL, purpose, *parts)


def hashed(purpose: str, *parts: Spelled) -> bytes:
    """SHA-256 of ``label``."""
    return hashlib.sha256(label(purpose, *parts)).digest()


def _field(part: Spelled) -> bytes:
    if isinstance(part, bytes):
        kind, content = "bytes", part
    elif isinstance(part, str):
        kind, content = "str", part.encode()
    elif isinstance(part, int) and not isinstance(part, bool):
        kind, content = "int", str(int(part)).encode()
    elif isinstance(part, list | tuple):
        kind, content = "sequence", spell(*part)
    else:
        msg = f"a {type(part).__name__} has no single spelling"
        raise TypeError(msg)
    return _KINDS[kind] + len(content).to_bytes(LENGTH_BYTES, "big") + content
