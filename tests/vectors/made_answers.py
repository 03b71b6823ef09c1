"""What is asked of spelling, signatures, keys, masks and sums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.vectors.product_kinds import KINDS

Made = tuple[str, str, str, dict[str, Any]]
"""Name, kind, the word of its refusal or nothing, what is given."""

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
EIGHTH = 39382357235489614581723060781553021112529911719440698176882885853963445705823
LOW_ORDER = {
    "zero": 0,
    "one": 1,
    "of order eight": EIGHTH,
    "of order eight, the other": 325606250916557431795983626356110631294008115727848805560023387167927233504,
    "minus one": PRIME - 1,
    "the prime": PRIME,
    "the prime and one": PRIME + 1,
    "zero with the top bit": 2**255,
}
RFC_8032_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_7748_ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645c6a25ce7e6c2e8e8e8e8e8e8e8e8e8e8")
UNICODE = "北京 – Zürich 🏥"


def seed(name: str) -> bytes:
    """32 bytes that everybody can make again."""
    return hashlib.sha256(f"csa-1 vector {name}".encode()).digest()


def answers() -> Iterator[Made]:
    yield from _spelling()
    yield from _signatures()
    yield from _exchange()
    yield from _contexts()
    yield from _masks()


def _spelling() -> Iterator[Made]:
    fields: dict[str, list[Any]] = {
        "nothing": [],
        "each kind": [b"\x00\xff", "text", 7, [b"", "", 0]],
        "whole numbers": [0, -1, 2**63, -(2**64)],
        "text beyond ASCII": [UNICODE],
        "lists in lists": [[], [[]], [[["a"], 1], b"\x01"]],
        "ab c": ["ab", "c"],
        "a bc": ["a", "bc"],
    }
    for name, each in fields.items():
        yield f"spell: {name}", "spell", "", {"fields": each}
    yield "label", "label", "", {"purpose": "pair", "fields": ["east", "north", bytes(32)]}
    yield "hashed", "hashed", "", {"purpose": "offer", "fields": [b"offer"]}
    for word, value in {"a float": 1.5, "a truth": True, "nothing": None}.items():
        yield f"spell: {word} has no spelling", "spell", "type", {"fields": ["a", value]}


def _signatures() -> Iterator[Made]:
    public, fields = KINDS["identity"](RFC_8032_SEED), ["ab", "c", 1]
    signature = KINDS["sign"](RFC_8032_SEED, "confirm", fields)
    yield "identity: RFC 8032, test 1", "identity", "", {"seed": RFC_8032_SEED}
    yield "identity: zeros", "identity", "", {"seed": bytes(32)}
    yield "sign", "sign", "", {"seed": RFC_8032_SEED, "purpose": "confirm", "fields": fields}
    whole = {"public": public, "signature": signature, "purpose": "confirm", "fields": fields}
    yield "verify", "verify", "", whole
    more = (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    changes: dict[str, dict[str, Any]] = {
        "a bit of it changed": {"signature": bytes([signature[0] ^ 1]) + signature[1:]},
        "under another purpose": {"purpose": "join"},
        "a field changed": {"fields": ["ab", "c", 2]},
        "fields parted elsewhere": {"fields": ["a", "bc", 1]},
        "a number as text": {"fields": ["ab", "c", "1"]},
        "its number plus the group's order": {"signature": signature[:32] + more},
        "of another key": {"public": KINDS["identity"](seed("other"))},
        "a byte short": {"signature": signature[:-1]},
        "a byte long": {"signature": signature + b"\x00"},
        "empty": {"signature": b""},
        "a key of 31 bytes": {"public": public[:-1]},
        "a key that is no point": {"public": (2).to_bytes(32, "little")},
    }
    for name, each in changes.items():
        yield f"verify: {name}", "verify", "signature", whole | each


def _exchange() -> Iterator[Made]:
    east, north = seed("east exchange"), seed("north exchange")
    publics = {name: KINDS["exchange_key"](key) for name, key in (("east", east), ("north", north))}
    yield "exchange key", "exchange_key", "", {"secret": RFC_7748_ALICE}
    yield "session", "session", "", {"offer": seed("offer"), "members": publics}
    yield "session: whatever order", "session", "", {"offer": seed("offer"), "members": dict(reversed(publics.items()))}
    session = KINDS["session"](seed("offer"), publics)
    yield "pair secret: of east", "pair_secret", "", {"exchange": east, "peer": publics["north"], "session": session}
    yield "pair secret: of north", "pair_secret", "", {"exchange": north, "peer": publics["east"], "session": session}
    topped = publics["north"][:31] + bytes([publics["north"][31] | 0x80])
    peers = {"the top bit does not count": topped, "above the prime": (PRIME + 9).to_bytes(32, "little")}
    for name, peer in peers.items():
        yield f"pair secret: {name}", "pair_secret", "", {"exchange": east, "peer": peer, "session": session}
    bad = {f"a point of low order, {name}": u.to_bytes(32, "little") for name, u in LOW_ORDER.items()}
    bad |= {"31 bytes": publics["north"][:31], "33 bytes": publics["north"] + b"\x00", "nothing": b""}
    for name, peer in bad.items():
        yield (
            f"pair secret: {name}",
            "pair_secret",
            "exchange key",
            {"exchange": east, "peer": peer, "session": session},
        )
    keys = {"secret": seed("pair secret"), "context": seed("context")}
    yield "pair key", "pair_key", "", {**keys, "one": "east", "other": "north"}
    yield "pair key: the other end", "pair_key", "", {**keys, "one": "north", "other": "east"}
    yield "pair key: names beyond ASCII", "pair_key", "", {**keys, "one": UNICODE, "other": "Z"}
    yield "own key", "own_key", "", {"own": seed("own"), "name": "east", "context": seed("context")}


def _contexts() -> Iterator[Made]:
    whole: dict[str, Any] = {"session": seed("session"), "round": 1, "attempt": 1, "cohort": ["east", "north", "west"]}
    whole |= {"model": seed("model"), "parameters": seed("parameters")}
    yield "context", "context", "", whole
    yield "context: the next attempt", "context", "", whole | {"attempt": 2}
    yield "context: a smaller cohort", "context", "", whole | {"cohort": ["east", "north"]}
    for name, cohort in {"not in order": ["north", "east"], "one twice": ["east", "east"]}.items():
        yield f"context: {name}", "context", "cohort order", whole | {"cohort": cohort}
    asked = {"phase": "lloyd", "cost": 12_345, "centroids": [[0, -1], [1 << 20, -(1 << 20)]], "radii": [5, 1 << 20]}
    yield "question", "question", "", asked
    yield "parameters", "parameters", "", {"fingerprint": "0123456789abcdef" * 4, "n_words": 8}
    statement = {"context": seed("context"), "survivors": ["east", "north"], "digests": [seed("1"), seed("2")]}
    yield "survivors statement", "statement", "", statement
    for n_members, floor, colluding in ((3, 2, 1), (10, 2, 1), (100, 40, 60), (300, 2, 1)):
        given = {"n_members": n_members, "honest_floor": floor, "colluding": colluding}
        yield f"threshold: of {n_members}", "threshold", "", given


def _masks() -> Iterator[Made]:
    for n_words in (1, 5, 1027):
        yield f"mask: {n_words} words", "mask", "", {"key": seed("mask"), "n_words": n_words}
    words = [0, 1, -1, 2**63 - 1, -(2**63), 123_456_789]
    pairs = {"east": seed("east north"), "west": seed("north west")}
    yield "masked words", "masked", "", {"words": words, "name": "north", "own": seed("own"), "pairs": pairs}
    yield "masked words: alone", "masked", "", {"words": words, "name": "north", "own": seed("own"), "pairs": {}}
    yield "commitments", "commitments", "", {"own": seed("own"), "pairs": pairs}
