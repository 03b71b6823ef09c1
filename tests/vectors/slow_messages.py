"""The messages of CSA-1 once more: MessagePack written and read by hand, forms as a table, seals.

References:
    "MessagePack specification", msgpack.org; the forms are those of ``common/masked_messages.py``, read, not imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.vectors.slow_encoding import label
from tests.vectors.slow_primitives import Refused, ed25519_sign, ed25519_verify

VERSION = 3
MOST = 10_000
Form = Callable[[Any], bool]


def written(value: object) -> bytes:
    """MessagePack of maps, lists, whole numbers, texts and bytes: the shortest spelling, keys in order."""
    if isinstance(value, Mapping):
        parts = [written(key) + written(value[key]) for key in sorted(value)]
        return _head(len(parts), {0x80: 16}, (0xDE, 2), (0xDF, 4)) + b"".join(parts)
    if isinstance(value, list | tuple):
        return _head(len(value), {0x90: 16}, (0xDC, 2), (0xDD, 4)) + b"".join(map(written, value))
    if isinstance(value, str):
        return _head(len(value.encode()), {0xA0: 32}, (0xD9, 1), (0xDA, 2), (0xDB, 4)) + value.encode()
    if isinstance(value, bytes):
        return _head(len(value), {}, (0xC4, 1), (0xC5, 2), (0xC6, 4)) + value
    if type(value) is int and value >= 0:
        return _head(value, {0x00: 128}, (0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8))
    raise Refused("form")


def _head(number: int, short: dict[int, int], *long: tuple[int, int]) -> bytes:
    for start, limit in short.items():
        if number < limit:
            return bytes([start + number])
    for first, size in long:
        if number < 256**size:
            return bytes([first]) + number.to_bytes(size, "big")
    raise Refused("form")


class Reader:
    """Takes one value after another from bytes; whatever ``written`` never writes is refused."""

    def __init__(self, held: bytes) -> None:
        self._held, self._place = held, 0

    def whole(self) -> object:
        value = self._value()
        if self._place != len(self._held):
            raise Refused("form")
        return value

    def _take(self, size: int) -> bytes:
        taken = self._held[self._place : self._place + size]
        if len(taken) != size:
            raise Refused("form")
        self._place += size
        return taken

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _value(self) -> object:
        first = self._take(1)[0]
        if first < 0x80:
            return first
        if first < 0x90:
            return self._map(first & 15)
        if first < 0xA0:
            return self._list(first & 15)
        if first < 0xC0:
            return self._text(first & 31)
        return self._long(first)

    def _long(self, first: int) -> object:
        for starts, build in (
            ((0xC4, 0xC5, 0xC6), self._take),
            ((0xD9, 0xDA, 0xDB), self._text),
            ((0xCC, 0xCD, 0xCE, 0xCF), int),
            ((None, 0xDC, 0xDD), self._list),
            ((None, 0xDE, 0xDF), self._map),
        ):
            if first in starts:
                return build(self._number(1 << starts.index(first)))
        raise Refused("form")

    def _text(self, size: int) -> str:
        try:
            return self._take(size).decode()
        except UnicodeDecodeError:
            raise Refused("form") from None

    def _list(self, size: int) -> list[object]:
        return [self._value() for _ in range(size)]

    def _map(self, size: int) -> dict[object, object]:
        found: dict[object, object] = {}
        for _ in range(size):
            key, value = self._value(), self._value()
            if not isinstance(key, str):
                raise Refused("form")
            found[key] = value
        return found


def _bytes(least: int, most: int) -> Form:
    return lambda value: isinstance(value, bytes) and least <= len(value) <= most


def _int(least: int, most: int) -> Form:
    return lambda value: type(value) is int and least <= value <= most


def _text(pattern: str) -> Form:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _names(value: object) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= MOST and all(map(NAME, value))


NAME = _text(r"[^\x00-\x1f\x7f]{1,64}")
DIGEST, SIGNATURE, ANY = _bytes(32, 32), _bytes(0, 64), _bytes(0, 1 << 29)
COUNTER = _int(1, 1_000_000)
ENVELOPE: dict[str, Form] = {"version": _int(VERSION, VERSION), "session": _bytes(16, 16), "kind": _text("[a-z_]+")}
BOUND = ENVELOPE | {"fingerprint": _text("[0-9a-f]{64}"), "signature": SIGNATURE}
FROM_BUREAU = BOUND | {"bureau": NAME}

FORMS: dict[str, dict[str, Form]] = {
    "masked_offer": ENVELOPE
    | {"plan": _bytes(0, 1 << 20), "roster": DIGEST, "coordinator": NAME, "colluding": _int(1, MOST)}
    | {"expires": _int(0, 2**53 - 1), "signature": SIGNATURE},
    "masked_join": FROM_BUREAU | {"exchange_key": DIGEST},
    "members": BOUND | {"names": _names, "exchange_keys": _bytes(0, 32 * MOST), "signatures": _bytes(0, 64 * MOST)},
    "ready": FROM_BUREAU | {"members": DIGEST},
    "invite": BOUND
    | {"number": COUNTER, "attempt": COUNTER, "phase": _text("seeding|radius|lloyd|refining|measure|outcomes")}
    | {"cohort": _names, "n_centroids": _int(1, 16_384), "centroids": ANY, "radii": ANY}
    | {"cost": _int(1, 10**15), "opened": ANY, "answered": _int(0, MOST)},
    "masked": FROM_BUREAU
    | {"number": COUNTER, "attempt": COUNTER, "context": DIGEST, "words": ANY, "own_commitment": DIGEST}
    | {"pair_commitments": _bytes(0, 32 * MOST), "head": _text("[0-9]{1,12}:[0-9a-f]{64}")},
    "survivors": BOUND | {"context": DIGEST, "names": _names, "digests": _bytes(0, 32 * MOST)},
    "confirm": FROM_BUREAU | {"context": DIGEST},
    "reveal_request": BOUND | {"context": DIGEST, "confirmations": _bytes(0, 64 * MOST)},
    "reveal": FROM_BUREAU | {"context": DIGEST, "own_key": DIGEST, "pair_keys": _bytes(0, 32 * MOST)},
    "masked_result": BOUND | {"model": _bytes(0, 1 << 28), "opened": ANY, "answered": _int(0, MOST)},
}
SIGNED_OTHERWISE = {"masked_join", "confirm"}
"""Their signatures are over what others are shown again; no seal is over their bytes."""


def encode(fields: Mapping[str, Any]) -> bytes:
    """The bytes of a message of which the version may be left out, and the signature while it is being made."""
    held = {"version": VERSION, "signature": b"", **fields}
    form = FORMS.get(held.get("kind", ""))
    if form is None or set(held) != set(form) or not all(form[name](held[name]) for name in form):
        raise Refused("form")
    return written(held)


def decode(held: bytes) -> dict[str, Any]:
    """The fields of a message, if these bytes are the only ones that spell it."""
    found = Reader(held).whole()
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str) or encode(found) != held:
        raise Refused("form")
    return found


def seal(fields: Mapping[str, Any], seed: bytes) -> bytes:
    """The bytes of a message, signed over its bytes with the signature left empty."""
    signature = ed25519_sign(seed, label(fields["kind"], encode({**fields, "signature": b""})))
    return encode({**fields, "signature": signature})


def check_seal(held: bytes, public: bytes) -> dict[str, Any]:
    """The fields of a message that this party has sealed."""
    fields = decode(held)
    if fields["kind"] in SIGNED_OTHERWISE:
        raise Refused("form")
    ed25519_verify(public, fields["signature"], label(fields["kind"], encode({**fields, "signature": b""})))
    return fields
