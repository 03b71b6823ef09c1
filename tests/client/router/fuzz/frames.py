"""Messages of the service, damaged by somebody who knows protobuf: cut off, other wire types, lengths that are lies."""

from __future__ import annotations

import random
from collections.abc import Callable

from google.protobuf.message import DecodeError

from client.router.serving import schema
from tests.client.router.fuzz import claims
from tests.common.mutations import damaged

_WIRE_TYPES = range(8)
_LENGTHS = (0, 1, 127, 128, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 63) - 1, (1 << 64) - 1)
_FIELDS = (0, 1, 2, 3, 15, 16, 19_000, 536_870_911, 536_870_912)
_DEEPEST = 4_000


def alone(claim: bytes, *, with_record: bool = False) -> bytes:
    return bytes(schema.DecideRequest(claim=claim, with_record=with_record).SerializeToString())


def together(some: list[bytes], *, with_records: bool = False) -> bytes:
    return bytes(schema.DecideBatchRequest(claims=some, with_records=with_records).SerializeToString())


def claims_in(held: bytes) -> list[bytes]:
    """Those of a message; none if it is none."""
    try:
        return list(schema.DecideBatchRequest.FromString(held).claims)
    except DecodeError:
        return []


def seeds_alone() -> tuple[bytes, ...]:
    return tuple(alone(one, with_record=bool(place % 2)) for place, one in enumerate(claims.seeds()))


def seeds_together() -> tuple[bytes, ...]:
    held = list(claims.seeds())
    return tuple(together(held[:size], with_records=size == 3) for size in range(len(held)))


def change(held: bytes, rng: random.Random) -> bytes:
    """One more damage: mostly of a claim inside, else of the message."""
    if rng.random() < 0.5:
        return _inside(held, rng)
    return rng.choice(_CHANGES)(held, rng)


def changed(held: bytes, rng: random.Random) -> bytes:
    """Damaged, whatever it is."""
    try:
        return change(held, rng)
    except (ValueError, TypeError, RecursionError, OverflowError, DecodeError):
        return damaged(held, rng)


def _inside(held: bytes, rng: random.Random) -> bytes:
    """A claim of the message is damaged, and the message is fine."""
    some = claims_in(held) or [rng.choice(claims.seeds())]
    place = rng.randrange(len(some))
    some[place] = _changed_claim(some[place], rng)
    return together(some, with_records=rng.random() < 0.3)


def _changed_claim(held: bytes, rng: random.Random) -> bytes:
    try:
        return claims.change(held, rng)
    except (ValueError, TypeError, RecursionError):
        return claims.change(rng.choice(claims.seeds()), rng)


def _wire_type(held: bytes, rng: random.Random) -> bytes:
    place = 0 if rng.random() < 0.7 else rng.randrange(max(len(held), 1))
    tag = bytes([rng.randrange(16) << 3 | rng.choice(_WIRE_TYPES)])
    return held[:place] + tag + held[place + 1 :]


def _length(held: bytes, rng: random.Random) -> bytes:
    """The first field says another length."""
    return held[:1] + _varint(rng.choice(_LENGTHS)) + held[3 if len(held) > 130 else 2 :]


def _field(held: bytes, rng: random.Random) -> bytes:
    """A field that nobody knows, before or behind."""
    kind = rng.choice(_WIRE_TYPES)
    content = rng.choice((b"", _varint(rng.choice(_LENGTHS)), rng.randbytes(rng.choice((1, 4, 8, 40)))))
    field = _varint(rng.choice(_FIELDS) << 3 | kind) + content
    return field + held if rng.random() < 0.5 else held + field


def _groups(held: bytes, rng: random.Random) -> bytes:
    """Groups within groups, closed or not."""
    depth = rng.choice((1, 90, 110, _DEEPEST))
    return b"\x23" * depth + b"\x24" * rng.choice((0, depth, depth, depth - 1)) + held


def _overlong(held: bytes, rng: random.Random) -> bytes:
    """A number with more digits than it may have."""
    return held + b"\x10" + b"\x80" * rng.choice((1, 9, 10, 200)) + b"\x01"


def _twice(held: bytes, rng: random.Random) -> bytes:
    return held * rng.choice((2, 3, 40))


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _wire_type, _wire_type, _length, _length, _field, _groups, _overlong, _twice, damaged,
)  # fmt: skip
