"""Valid things, damaged on purpose: trees of fields, texts and bytes, each change drawn from a seeded generator."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from typing import Any

import msgpack

Tree = Any
DEEPEST = 3000
EXTREMES = (0, 1, -1, 127, 128, 255, 256, 2**31, 2**32 - 1, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**63))
HUGE = (10**30, -(10**400), 10**4299, 10**4400)
TEXTS = ("", "a", "\x00", "e\u0308", "\u202e", "ﬀ", "0" * 64, "f" * 64, "x" * 65, "A" * 2000, "1e5", "bureau", "\n")
MARKS = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\x7f\xff\xff\xff",
    b"\xc7\xff\x05",
)
FLOATS = (0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324)


def odd(rng: random.Random) -> Tree:
    """Some value that is probably not what belongs here."""
    kinds: tuple[Callable[[], Tree], ...] = (
        lambda: rng.choice(EXTREMES),
        lambda: rng.choice(TEXTS),
        lambda: rng.choice(FLOATS),
        lambda: rng.choice((None, True, False)),
        lambda: rng.choice(([], {}, [[]], [{}], {"a": 1}, [0] * 40)),
        lambda: rng.randbytes(rng.choice((0, 1, 8, 16, 31, 32, 33, 64, 65))),
        lambda: nested(rng.choice((2, 30, 150))),
    )
    return rng.choice(kinds)()


def nested(depth: int) -> Tree:
    tree: Tree = 0
    for _ in range(depth):
        tree = [tree]
    return tree


def changed(tree: Tree, rng: random.Random) -> Tree:
    """A copy of a tree in which one place, however deep, is another."""
    if rng.random() < 0.1 or not isinstance(tree, dict | list) or not tree:
        return _another(tree, rng)
    if isinstance(tree, dict):
        return _changed_map(tree, rng)
    place = rng.randrange(len(tree))
    action = rng.random()
    if action < 0.15:
        return tree[:place] + tree[place + 1 :]
    if action < 0.3:
        return [*tree[:place], tree[place], *tree[place:]]
    if action < 0.4:
        return rng.sample(tree, len(tree))
    return [*tree[:place], changed(tree[place], rng), *tree[place + 1 :]]


def _changed_map(tree: dict[str, Tree], rng: random.Random) -> Tree:
    key, action = rng.choice(list(tree)), rng.random()
    if action < 0.08:
        return {name: each for name, each in tree.items() if name != key}
    if action < 0.14:
        return tree | {rng.choice((*TEXTS, "note", "version")): odd(rng)}
    if action < 0.18:
        return {key + "s" if name == key else name: each for name, each in tree.items()}
    if action < 0.22:
        other = rng.choice(list(tree))
        return tree | {key: tree[other], other: tree[key]}
    return tree | {key: changed(tree[key], rng)}


def _another(value: Tree, rng: random.Random) -> Tree:
    """Something close to a value, or something odd."""
    if rng.random() < 0.3:
        return odd(rng)
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return rng.choice(
            (value + 1, value - 1, -value, value * 2, value ^ 1 << rng.randrange(60), str(value), float(value % 2**60))
        )
    if isinstance(value, str):
        return rng.choice(
            (value + "a", value[:-1], value[::-1], value.upper(), value + "\n", value.encode(), value * 3)
        )
    if isinstance(value, bytes):
        return rng.choice((value + b"\x00", value[:-1], damaged(value, rng), value * 2, value.hex(), list(value[:40])))
    return odd(rng)


def damaged(held: bytes, rng: random.Random) -> bytes:
    """Some bytes flipped, taken out, doubled, put in, or cut off; or a length that is a lie."""
    place, size = rng.randrange(len(held) + 1), rng.choice((1, 1, 2, 4, 8, 40))
    before, after = held[:place], held[place:]
    deep = rng.choice((b"\x91", b"[", b'{"a":', b"\x81\xa1a")) * rng.choice((1, 500, DEEPEST))
    changes = (
        before,
        before + after[size:],
        before + after[:size] + after,
        before + rng.randbytes(size) + after,
        before + rng.choice(MARKS) + after,
        before + deep + after,
        _flipped(held, place, rng),
        _flipped(held, place, rng),
    )
    return rng.choice(changes)


def _flipped(held: bytes, place: int, rng: random.Random) -> bytes:
    flipped = bytearray(held or b"\x00")
    flipped[place % len(flipped)] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def as_msgpack(held: bytes, rng: random.Random) -> bytes:
    """MessagePack with a change in its tree, in order or not, and seldom a key twice."""
    tree = changed(_unpacked(held), rng)
    if isinstance(tree, dict):
        tree = dict(sorted(tree.items())) if rng.random() < 0.9 else dict(rng.sample([*tree.items()], len(tree)))
    try:
        packed = bytes(msgpack.packb(tree))
    except (ValueError, OverflowError, struct.error):
        return damaged(held, rng)
    if rng.random() < 0.05 and packed[:1] > b"\x80" and packed[0] < 0x8F:
        return bytes([packed[0] + 1]) + packed[1:] + msgpack.packb(rng.choice(("kind", "version"))) + b"\x02"
    return packed


def _unpacked(held: bytes) -> Tree:
    try:
        return msgpack.unpackb(held, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException):
        return {"kind": "ready"}


def as_json(held: bytes, rng: random.Random, *, compact: bool = True) -> bytes:
    """JSON with a change in its tree, and seldom a huge number or a key twice."""
    try:
        tree = json.loads(held)
    except (ValueError, RecursionError):
        return damaged(held, rng)
    text = json.dumps(_jsonable(changed(tree, rng)), sort_keys=True, separators=(",", ":"), allow_nan=True)
    if not compact and rng.random() < 0.5:
        text = text.replace(",", " ,\n ", 3)
    if rng.random() < 0.05:
        text = text.replace("{", '{"version":1,', 1)
    if rng.random() < 0.03:
        text = text.replace(":1", f":{rng.choice(('1' * 4299, '1' * 4400, '1e999', '1.0', '01', '-0', chr(0x661)))}", 1)
    return text.encode("utf-8", "surrogatepass")


def _jsonable(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {str(key): _jsonable(each) for key, each in tree.items()}
    if isinstance(tree, bytes):
        return tree.decode("latin-1")
    return [_jsonable(each) for each in tree] if isinstance(tree, list) else tree


def as_toml(held: bytes, rng: random.Random) -> bytes:
    """TOML with lines changed, doubled, left out or in another order."""
    lines = held.decode("utf-8", "replace").split("\n")
    place = rng.randrange(len(lines))
    key, equals, _ = lines[place].partition("=")
    action = rng.randrange(5)
    if action == 0:
        lines.pop(place)
    if action == 1:
        lines.insert(place, lines[place])
    if action == 2:
        rng.shuffle(lines)
    if action > 2:
        lines[place] = f"{key}{equals or '='} {_toml_value(rng)}"
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _toml_value(rng: random.Random) -> str:
    deep = "[" * rng.choice((3, 200, DEEPEST))
    odd_values = ("1_0", "0x10", "nan", "inf", "-1", "true", '"any"', "[]", '["noise", 1]', "1979-05-27", "{}", "1e400")
    return rng.choice(
        (*odd_values, str(rng.choice(EXTREMES)), "9" * 4400, deep, deep + "]" * len(deep), '"""', "{a.b=1}")
    )
