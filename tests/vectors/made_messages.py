"""What is asked of messages: their bytes, their seals, and what a bureau checks before it joins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgpack

from tests.common.open_run import plan_of
from tests.vectors.made_answers import UNICODE, Made, seed
from tests.vectors.made_steps import secrets_of, tiny_plan
from tests.vectors.product_kinds import KINDS

BOUND: dict[str, Any] = {"session": bytes(range(16)), "fingerprint": "0123456789abcdef" * 4}
CONTEXT, COORDINATOR = {"context": seed("context")}, seed("coordinator")
PLACE = {"number": 1, "attempt": 1}
OFFER: dict[str, Any] = {
    "kind": "masked_offer",
    "session": bytes(range(16)),
    "plan": tiny_plan().canonical(),
    "roster": seed("roster"),
    "coordinator": "coordinator",
    "colluding": 1,
    "expires": 1_800_000_000,
}
READY: dict[str, Any] = {"kind": "ready", **BOUND, "bureau": "east", "members": seed("session")}
SEALED: tuple[dict[str, Any], ...] = (
    OFFER,
    {"kind": "members", **BOUND, "names": ["east"], "exchange_keys": seed("key"), "signatures": bytes(64)},
    READY,
    {
        "kind": "invite",
        **BOUND,
        **PLACE,
        "phase": "lloyd",
        "cohort": ["east", UNICODE],
        "n_centroids": 1,
        "centroids": bytes(range(16)),
        "radii": bytes(8),
        "cost": 10**15,
        "opened": b"",
        "answered": 0,
    },
    {
        "kind": "masked",
        **BOUND,
        **PLACE,
        **CONTEXT,
        "bureau": "east",
        "words": bytes(range(256)) * 2,
        "own_commitment": seed("own"),
        "pair_commitments": bytes(64),
        "head": "7:" + "0123456789abcdef" * 4,
    },
    {"kind": "survivors", **BOUND, **CONTEXT, "names": ["east", "north"], "digests": bytes(64)},
    {"kind": "reveal_request", **BOUND, **CONTEXT, "confirmations": bytes(64)},
    {"kind": "reveal", **BOUND, **CONTEXT, "bureau": "east", "own_key": seed("own"), "pair_keys": b""},
    {"kind": "masked_result", **BOUND, "model": b"{}", "opened": bytes(8), "answered": 3},
)
UNSEALED: tuple[dict[str, Any], ...] = (
    {"kind": "masked_join", **BOUND, "bureau": "east", "exchange_key": seed("key"), "signature": bytes(64)},
    {"kind": "confirm", **BOUND, **CONTEXT, "bureau": "east", "signature": bytes(64)},
)


def messages() -> Iterator[Made]:
    for fields in SEALED:
        yield f"sealed: {fields['kind']}", "seal", "", {"fields": fields, "seed": COORDINATOR}
    for fields in UNSEALED:
        yield f"encoded: {fields['kind']}", "encode", "", {"fields": fields}
    yield from _forms()
    yield from _seals()
    yield from _offers()
    yield from _members()


def packed(fields: dict[str, Any]) -> bytes:
    """Fields as MessagePack, in order, unchecked."""
    return bytes(msgpack.packb(dict(sorted(fields.items()))))


def _forms() -> Iterator[Made]:
    held = KINDS["seal"](READY, COORDINATOR)
    fields = msgpack.unpackb(held)
    yield "form: a message", "decode", "", {"held": held}
    values: dict[str, dict[str, Any]] = {
        "an unknown field": {"note": 1},
        "another version": {"version": 1},
        "the version as text": {"version": "3"},
        "the version as a truth": {"version": True},
        "the version as a float": {"version": 3.0},
        "an unknown kind": {"kind": "greeting"},
        "another kind": {"kind": "confirm"},
        "a digest of 31 bytes": {"members": bytes(31)},
        "a digest of 33 bytes": {"members": bytes(33)},
        "a digest as text": {"members": "0" * 32},
        "a session of 15 bytes": {"session": bytes(15)},
        "a fingerprint in capitals": {"fingerprint": "ABCDEF0123456789" * 4},
        "a fingerprint with a line end": {"fingerprint": BOUND["fingerprint"] + "\n"},
        "an empty name": {"bureau": ""},
        "a control character in a name": {"bureau": "ea\x00st"},
        "a name of 65 characters": {"bureau": "e" * 65},
        "a signature of 65 bytes": {"signature": bytes(65)},
        "nothing for a field": {"members": None},
    }
    bad = {name: packed(fields | each) for name, each in values.items()}
    bad |= {f"no {name}": packed({key: fields[key] for key in fields if key != name}) for name in fields}
    bad |= {
        "keys in another order": msgpack.packb(dict(reversed(fields.items()))),
        "a number spelled longer": held.replace(b"\xa7version\x03", b"\xa7version\xcc\x03"),
        "a text spelled longer": held.replace(b"\xa4kind\xa5ready", b"\xa4kind\xd9\x05ready"),
        "a map spelled longer": b"\xde\x00" + bytes([held[0] & 15]) + held[1:],
        "a key twice": bytes([held[0] + 1]) + b"\xa6bureau\xa5north" + held[1:],
        "a byte more": held + b"\x00",
        "a byte less": held[:-1],
        "nothing": b"",
        "a list": msgpack.packb([fields]),
        "bytes for a text": held.replace(b"\xa6bureau\xa4east", b"\xa6bureau\xc4\x04east"),
        "no UTF-8": held.replace(b"\xa4east", b"\xa4ea\xff\xff"),
        "a length that is not there": b"\xdf\xff\xff\xff\xff",
    }
    for name, each in bad.items():
        yield f"form: {name}", "decode", "form", {"held": each}
    for name, change in {"no names": {"names": []}, "a number as name": {"names": [1]}}.items():
        each = packed(msgpack.unpackb(KINDS["seal"](SEALED[1], COORDINATOR)) | change)
        yield f"form: {name}", "decode", "form", {"held": each}
    for name, change in {"round 0": {"number": 0}, "a cost of 0": {"cost": 0}, "a phase": {"phase": "LLOYD"}}.items():
        each = packed(msgpack.unpackb(KINDS["seal"](SEALED[3], COORDINATOR)) | change)
        yield f"form: {name}", "decode", "form", {"held": each}


def _seals() -> Iterator[Made]:
    held, public = KINDS["seal"](READY, COORDINATOR), KINDS["identity"](COORDINATOR)
    yield "seal: whole", "check_seal", "", {"held": held, "public": public}
    fields = msgpack.unpackb(held)
    other = KINDS["sign"](COORDINATOR, "masked", [packed(fields | {"signature": b""})])
    longer = KINDS["sign"](COORDINATOR, "ready", [packed(fields)])
    bad: dict[str, dict[str, Any]] = {
        "another session": {"session": bytes(16)},
        "another plan": {"fingerprint": "f" * 64},
        "another bureau": {"bureau": "west"},
        "other members": {"members": bytes(32)},
        "no signature": {"signature": b""},
        "half a signature": {"signature": fields["signature"][:32]},
        "under another purpose": {"signature": other},
        "over a signature": {"signature": longer},
    }
    for name, change in bad.items():
        yield f"seal: {name}", "check_seal", "signature", {"held": packed(fields | change), "public": public}
    yield "seal: of another key", "check_seal", "signature", {"held": held, "public": KINDS["identity"](seed("other"))}
    for unsealed in UNSEALED:
        each = {"held": KINDS["encode"](unsealed), "public": public}
        yield f"seal: none is over a {unsealed['kind']}", "check_seal", "form", each


def _offers() -> Iterator[Made]:
    agreed = {"min_cohort": 3, "honest_floor": 2, "colluding": 1}
    whole: dict[str, Any] = {"coordinator": KINDS["identity"](COORDINATOR), "roster": seed("roster"), "terms": agreed}
    whole |= {"held": KINDS["seal"](OFFER, COORDINATOR), "now": 1_800_000_000}
    yield "offer", "offer_check", "", whole
    yield "offer: expired", "offer_check", "expired", whole | {"now": 1_800_000_001}
    yield "offer: another roster", "offer_check", "offer terms", whole | {"roster": seed("another")}
    stricter = {"colluding": 2, "min_cohort": 4}
    for name, least in stricter.items():
        terms = {"terms": agreed | {"min_cohort": 4, name: least}}
        yield f"offer: {name} too small", "offer_check", "offer terms", whole | terms
    yield (
        "offer: honest_floor too small",
        "offer_check",
        "offer terms",
        whole | {"terms": agreed | {"honest_floor": 3, "min_cohort": 4}},
    )
    bare = plan_of(2, min_cohort=4, n_clusters=2).canonical()
    held = KINDS["seal"]({**OFFER, "plan": bare}, COORDINATOR)
    yield "offer: a plan without protection", "offer_check", "offer terms", whole | {"held": held}
    forged = KINDS["seal"](OFFER, seed("other"))
    yield "offer: of another coordinator", "offer_check", "signature", whole | {"held": forged}


def _members() -> Iterator[Made]:
    names, offer = ["east", "north", "west"], KINDS["seal"](OFFER, COORDINATOR)
    exchange = {name: KINDS["exchange_key"](secrets_of(name)["exchange"]) for name in names}
    keys = {name: KINDS["identity"](secrets_of(name)["identity"]) for name in names}
    digest = KINDS["hashed"]("offer", [offer])
    joins = {
        name: KINDS["sign"](secrets_of(name)["identity"], "join", [digest, name, exchange[name]]) for name in names
    }
    whole: dict[str, Any] = {"offer": offer, "name": "east", "own_key": exchange["east"], "keys": keys}

    def held(names: list[str], joins: dict[str, bytes]) -> bytes:
        parts = {"names": names, "exchange_keys": b"".join(exchange[name] for name in names)}
        signatures = b"".join(joins[name] for name in names)
        return bytes(KINDS["seal"]({"kind": "members", **BOUND, **parts, "signatures": signatures}, COORDINATOR))

    yield "members", "members_check", "", whole | {"held": held(names, joins)}
    bad = {
        "not in order": held(["east", "west", "north"], joins),
        "one twice": held(["east", "east", "north"], joins),
        "without this bureau": held(["north", "west"], joins),
        "a key too few": held(names, joins | {"west": b""}),
    }
    for name, each in bad.items():
        yield f"members: {name}", "members_check", "cohort", whole | {"held": each}
    strangers = {name: key for name, key in keys.items() if name != "west"}
    yield "members: a stranger", "members_check", "cohort", whole | {"held": held(names, joins), "keys": strangers}
    yield (
        "members: another key for it",
        "members_check",
        "cohort",
        whole | {"held": held(names, joins), "own_key": seed("")},
    )
    for name, parts in {
        "of another offer": [seed("offer"), "west", exchange["west"]],
        "under another name": [digest, "north", exchange["west"]],
        "of another session key": [digest, "west", exchange["north"]],
    }.items():
        signature = KINDS["sign"](secrets_of("west")["identity"], "join", parts)
        change = whole | {"held": held(names, joins | {"west": signature})}
        yield f"members: a join {name}", "members_check", "signature", change
