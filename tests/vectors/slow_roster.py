"""Rosters and requests to join once more: forms, spelling, signatures, and what may follow what."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.vectors.slow_csa1 import sign
from tests.vectors.slow_encoding import hashed, label
from tests.vectors.slow_primitives import Refused, ed25519_public, ed25519_verify, is_of_small_order

MEMBER = ["name", "organisation", "role", "public_key"]
TERMS = {"min_cohort": (3, 10_000), "honest_floor": (2, 10_000), "colluding": (1, 10_000), "max_rounds": (1, 1000)}
ROSTER = {"version", "valid_from", "valid_until", "members", "terms", "governance"}
LATEST = 253_402_300_799


def roster(held: str, seeds: Sequence[bytes]) -> dict[str, Any]:
    """What is signed of a roster, and the signatures of some keys."""
    found = _roster_of(json.loads(held)["roster"])
    return {
        "canonical": _spelled(found),
        "digest": _digest(found),
        "governance": _governance_digest(found["governance"]),
        "signatures": [sign(seed, "roster signature", [_digest(found)]) for seed in seeds],
    }


def roster_check(held: str, pin: Mapping[str, Any], now: int) -> dict[str, Any]:
    """What to remember, if a roster counts."""
    found, signers = _signed(held)
    pinned = {"keys": list(pin["keys"]), "threshold": pin["threshold"]}
    _insist(found["governance"] == pinned or found["former"] == pinned, "roster governance")
    for governance in (found["governance"], pinned):
        _insist(len(signers & set(governance["keys"])) >= governance["threshold"], "roster signatures missing")
    _insist(found["version"] >= pin["version"], "roster old")
    _insist(found["version"] > pin["version"] or _digest(found) == pin["digest"], "roster fork")
    _insist(found["valid_from"] <= now < found["valid_until"], "roster time")
    return {
        "version": found["version"],
        "digest": _digest(found),
        "governance": _governance_digest(found["governance"]),
    }


def join_request(seed: bytes, name: str, organisation: str) -> bytes:
    return sign(seed, "join request", [name, organisation, ed25519_public(seed)])


def join_request_check(held: str) -> str:
    found = _object(held)
    _insist(set(found) == {"name", "organisation", "public_key", "signature"}, "join request")
    key = _key(found["public_key"], "join request")
    _insist(_readable(found["name"]) and _readable(found["organisation"]), "join request")
    content = label("join request", found["name"], found["organisation"], key)
    _verified(key, _hex(found["signature"], 64, "join request"), content, "join request")
    return "valid"


def _signed(held: str) -> tuple[dict[str, Any], set[bytes]]:
    whole = _object(held)
    _insist(set(whole) == {"roster", "signatures"} and isinstance(whole["signatures"], list), "roster form")
    found, signers = _roster_of(whole["roster"]), set[bytes]()
    may = {*found["governance"]["keys"], *(found["former"] or {"keys": []})["keys"]}
    for one in whole["signatures"]:
        _insist(isinstance(one, dict) and set(one) == {"key", "signature"}, "roster form")
        key, signature = _key(one["key"], "roster form"), _hex(one["signature"], 64, "roster form")
        _insist(key in may, "roster signature")
        _verified(key, signature, label("roster signature", _digest(found)), "roster signature")
        signers.add(key)
    return found, signers


def _object(held: str) -> dict[str, Any]:
    try:
        found = json.loads(held)
    except ValueError:
        raise Refused("roster form") from None
    _insist(isinstance(found, dict), "roster form")
    return dict(found)


def _roster_of(given: Any) -> dict[str, Any]:
    _insist(isinstance(given, dict) and ROSTER <= set(given) <= {*ROSTER, "former"}, "roster form")
    _insist(_between(given["version"], 1, 10**9) and isinstance(given["members"], list), "roster form")
    begin, end = given["valid_from"], given["valid_until"]
    _insist(_between(begin, 0, LATEST) and _between(end, 0, LATEST) and begin < end, "roster form")
    found = {name: given[name] for name in ("version", "valid_from", "valid_until")}
    found["terms"] = _terms(given["terms"])
    found["governance"] = _governance(given["governance"])
    found["former"] = None if given.get("former") is None else _governance(given["former"])
    found["members"] = [_member(each) for each in given["members"]]
    _insist_unambiguous(found)
    return found


def _insist_unambiguous(found: Mapping[str, Any]) -> None:
    names, keys = [each[0] for each in found["members"]], [each[3] for each in found["members"]]
    _insist(bool(names) and _rising(names), "roster form")
    _insist(len({unicodedata.normalize("NFKC", name).casefold() for name in names}) == len(names), "roster form")
    _insist(len(set(keys)) == len(keys) and not set(keys) & set(found["governance"]["keys"]), "roster form")


def _member(given: Any) -> list[Any]:
    _insist(isinstance(given, dict) and set(given) == set(MEMBER), "roster form")
    _insist(_readable(given["name"]) and _readable(given["organisation"]), "roster form")
    _insist(given["role"] in {"coordinator", "bureau", "auditor"}, "roster form")
    return [given["name"], given["organisation"], given["role"], _key(given["public_key"], "roster form")]


def _terms(given: Any) -> list[int]:
    _insist(isinstance(given, dict) and set(given) == set(TERMS), "roster form")
    _insist(all(_between(given[name], *limits) for name, limits in TERMS.items()), "roster form")
    _insist(given["min_cohort"] >= given["honest_floor"] + given["colluding"], "roster form")
    return [given[name] for name in TERMS]


def _governance(given: Any) -> dict[str, Any]:
    _insist(isinstance(given, dict) and set(given) == {"keys", "threshold"}, "roster form")
    keys = [_key(each, "roster form") for each in given["keys"]]
    _insist(_rising(keys) and _between(given["threshold"], 1, len(keys)), "roster form")
    return {"keys": keys, "threshold": given["threshold"]}


def _governance_fields(governance: Mapping[str, Any]) -> list[Any]:
    return [governance["threshold"], governance["keys"]]


def _governance_digest(governance: Mapping[str, Any]) -> bytes:
    return hashed("governance", *_governance_fields(governance))


def _fields(found: Mapping[str, Any]) -> list[Any]:
    times = [found["version"], found["valid_from"], found["valid_until"]]
    former = [] if found["former"] is None else _governance_fields(found["former"])
    return [*times, found["members"], found["terms"], _governance_fields(found["governance"]), former]


def _spelled(found: Mapping[str, Any]) -> bytes:
    return label("roster", *_fields(found))


def _digest(found: Mapping[str, Any]) -> bytes:
    return hashed("roster", *_fields(found))


def _between(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _rising(found: Iterable[Any]) -> bool:
    return list(found) == sorted(set(found))


def _readable(text: object) -> bool:
    if not isinstance(text, str) or not 1 <= len(text) <= 64:
        return False
    return text.isprintable() and text == text.strip() and unicodedata.normalize("NFC", text) == text


def _hex(text: object, size: int, word: str) -> bytes:
    _insist(isinstance(text, str) and len(text) == 2 * size and set(text.lower()) <= set("0123456789abcdef"), word)
    return bytes.fromhex(str(text))


def _key(text: object, word: str) -> bytes:
    """A key that only its owner can sign for."""
    key = _hex(text, 32, word)
    _insist(not is_of_small_order(key), word)
    return key


def _verified(key: bytes, signature: bytes, content: bytes, word: str) -> None:
    try:
        ed25519_verify(key, signature, content)
    except Refused:
        raise Refused(word) from None


def _insist(fits: bool, word: str) -> None:  # noqa: FBT001  a condition is what it takes
    if not fits:
        raise Refused(word)
