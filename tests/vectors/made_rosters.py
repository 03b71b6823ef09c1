"""What is asked of rosters and of requests to join."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.vectors.made_answers import PRIME, RFC_8032_SEED, Made, seed
from tests.vectors.product_kinds import KINDS

NOON = 1_800_000_000
GOVERNORS = sorted((seed(f"governor {number}") for number in range(3)), key=KINDS["identity"])
SUCCESSOR = seed("successor")
EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
LOW_ORDER = {"four": 0, "one": 1, "two": PRIME - 1, "eight": EIGHTH, "eight, the other": PRIME - EIGHTH}
LOW_ORDER |= {"one, with a sign": 1 + 2**255, "one, above the prime": PRIME + 1}


def public(secret: bytes) -> str:
    return str(KINDS["identity"](secret).hex())


def governance(seeds: Sequence[bytes] = GOVERNORS, threshold: int = 2) -> dict[str, Any]:
    return {"keys": [public(one) for one in seeds], "threshold": threshold}


def member(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "organisation": "Gesundheit Süd",
        "role": "bureau",
        "public_key": public(seed(name)),
        **changes,
    }


MEMBERS = [member("coordinator", role="coordinator"), member("east"), member("north"), member("west")]
TERMS = {"min_cohort": 3, "honest_floor": 2, "colluding": 1, "max_rounds": 200}
ROSTER: dict[str, Any] = {
    "version": 2,
    "valid_from": NOON - 86_400,
    "valid_until": NOON + 86_400,
    "members": MEMBERS,
    "terms": TERMS,
    "governance": governance(),
    "former": None,
}


def text(roster: dict[str, Any], *signatures: tuple[bytes, bytes]) -> str:
    held = [{"key": public(one), "signature": signature.hex()} for one, signature in signatures]
    return json.dumps({"roster": roster, "signatures": held})


def signed(roster: dict[str, Any], seeds: Sequence[bytes] = GOVERNORS[:2]) -> str:
    made = KINDS["roster"](text(roster), seeds)["signatures"]
    return text(roster, *zip(seeds, made, strict=True))


def rosters() -> Iterator[Made]:
    yield "roster", "roster", "", {"held": text(ROSTER), "seeds": GOVERNORS}
    handed = ROSTER | {"governance": governance([SUCCESSOR], 1), "former": governance()}
    yield "roster: handed over", "roster", "", {"held": text(handed), "seeds": [*GOVERNORS[:2], SUCCESSOR]}
    digest = KINDS["roster"](text(ROSTER), [])["digest"]
    pin = {
        "keys": [bytes.fromhex(key) for key in governance()["keys"]],
        "threshold": 2,
        "version": 1,
        "digest": bytes(32),
    }
    whole = {"held": signed(ROSTER), "pin": pin, "now": NOON}
    yield "roster counts", "roster_check", "", whole
    yield "roster counts: seen before", "roster_check", "", whole | {"pin": {**pin, "version": 2, "digest": digest}}
    taken = signed(handed, [*GOVERNORS[:2], SUCCESSOR])
    yield "roster counts: handed over", "roster_check", "", whole | {"held": taken}
    yield from _refused(whole, pin, handed)
    yield from _malformed(whole)
    yield from _requests()


def _refused(whole: dict[str, Any], pin: dict[str, Any], handed: dict[str, Any]) -> Iterator[Made]:
    stranger = KINDS["sign"](seed("stranger"), "roster signature", [KINDS["roster"](text(ROSTER), [])["digest"]])
    first = KINDS["roster"](text(ROSTER), GOVERNORS[:1])["signatures"][0]
    cut_off = "roster signatures missing"
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "one signature": (cut_off, {"held": signed(ROSTER, GOVERNORS[:1])}),
        "no signature": (cut_off, {"held": signed(ROSTER, [])}),
        "one key twice": (cut_off, {"held": text(ROSTER, (GOVERNORS[0], first), (GOVERNORS[0], first))}),
        "not handed over by enough": (cut_off, {"held": signed(handed, [GOVERNORS[0], SUCCESSOR])}),
        "handed over to nobody": (cut_off, {"held": signed(handed)}),
        "a stranger's signature": ("roster signature", {"held": text(ROSTER, (seed("stranger"), stranger))}),
        "a signature of another content": (
            "roster signature",
            {"held": signed(ROSTER).replace('"version": 2', '"version": 3')},
        ),
        "a signature under another's key": ("roster signature", {"held": text(ROSTER, (GOVERNORS[1], first))}),
        "another governance": ("roster governance", {"pin": {**pin, "threshold": 1}}),
        "expired": ("roster time", {"now": NOON + 86_400}),
        "not yet": ("roster time", {"now": NOON - 86_401}),
        "an old version": ("roster old", {"pin": {**pin, "version": 3}}),
        "the same version, another content": ("roster fork", {"pin": {**pin, "version": 2, "digest": seed("other")}}),
    }
    for name, (word, change) in cases.items():
        yield f"roster refused: {name}", "roster_check", word, whole | change


def _malformed(whole: dict[str, Any]) -> Iterator[Made]:
    def members(*changed: dict[str, Any]) -> dict[str, Any]:
        return {"members": [*changed, *MEMBERS[len(changed) :]]}

    weak = {name: u.to_bytes(32, "little").hex() for name, u in LOW_ORDER.items()}
    changes: dict[str, dict[str, Any]] = {
        **{f"a member's key of low order, {name}": members(member("a", public_key=key)) for name, key in weak.items()},
        "members out of order": {"members": MEMBERS[::-1]},
        "a member twice": {"members": [*MEMBERS, MEMBERS[-1]]},
        "a key of two members": members(member("a", public_key=public(seed("east")))),
        "the same name in other letters": {"members": [member("EAST"), *MEMBERS]},
        "a name with a blank": members(member("a ")),
        "a name not composed": members(member("a\u0308")),
        "an unknown role": members(member("a", role="king")),
        "an unknown field": {"note": 1},
        "a key of 31 bytes": members(member("a", public_key=public(seed("a"))[:-2])),
        "a governance key is a member's": members(member("a", public_key=public(GOVERNORS[0]))),
        "it ends before it begins": {"valid_until": ROSTER["valid_from"]},
        "version 0": {"version": 0},
        "a version as text": {"version": "2"},
        "a cohort below floor and colluding": {"terms": TERMS | {"colluding": 2}},
        "a threshold that cannot be reached": {"governance": governance(threshold=4)},
        "governance keys out of order": {"governance": governance(GOVERNORS[::-1])},
        "no members": {"members": []},
    }
    for name, change in changes.items():
        yield f"roster form: {name}", "roster_check", "roster form", whole | {"held": text(ROSTER | change)}
    yield "roster form: no JSON", "roster_check", "roster form", whole | {"held": "{"}
    short = {key: value for key, value in ROSTER.items() if key != "terms"}
    yield "roster form: no terms", "roster_check", "roster form", whole | {"held": text(short)}


def _requests() -> Iterator[Made]:
    asked = {"seed": RFC_8032_SEED, "name": "east", "organisation": "Gesundheit Süd"}
    yield "join request: made", "join_request", "", asked
    signature = KINDS["join_request"](**asked).hex()
    fields = {
        "name": "east",
        "organisation": "Gesundheit Süd",
        "public_key": public(RFC_8032_SEED),
        "signature": signature,
    }
    yield "join request", "join_request_check", "", {"held": json.dumps(fields)}
    changes = {
        "another name": {"name": "west"},
        "another organisation": {"organisation": "Süd"},
        "another key": {"public_key": public(seed("other"))},
        "a short signature": {"signature": signature[2:]},
        "an unknown field": {"note": 1},
        "no name": {"name": ""},
    }
    for name, change in changes.items():
        yield f"join request: {name}", "join_request_check", "join request", {"held": json.dumps(fields | change)}
