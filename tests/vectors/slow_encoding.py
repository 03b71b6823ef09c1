"""The spelling of CSA-1 once more: a letter for the kind, eight bytes of length, the content."""

from __future__ import annotations

import hashlib

from tests.vectors.slow_primitives import Refused


def spell(*fields: object) -> bytes:
    return b"".join(_field(field) for field in fields)


def label(purpose: str, *fields: object) -> bytes:
    return spell("csa-1", purpose, *fields)


def hashed(purpose: str, *fields: object) -> bytes:
    return hashlib.sha256(label(purpose, *fields)).digest()


def _field(field: object) -> bytes:
    if type(field) is bytes:
        return _framed(b"b", field)
    if type(field) is str:
        return _framed(b"s", field.encode())
    if type(field) is int:
        return _framed(b"i", b"%d" % field)
    if type(field) in {list, tuple}:
        return _framed(b"l", spell(*field))  # type: ignore[misc]
    raise Refused("type")


def _framed(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(8, "big") + content
