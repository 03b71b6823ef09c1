"""Whole sessions of CSA-1 once more: who says what, in which order, and what a bureau accepts before it joins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.vectors import slow_csa1 as csa1
from tests.vectors.slow_encoding import hashed
from tests.vectors.slow_messages import check_seal, decode, encode, seal
from tests.vectors.slow_primitives import Refused, ed25519_public, x25519_public


def offer_check(held: bytes, coordinator: bytes, roster: bytes, terms: Mapping[str, int], now: int) -> bytes:
    """The offer's digest, if a bureau may join it."""
    offer = check_seal(held, coordinator)
    plan = json.loads(offer["plan"])
    if offer["roster"] != roster:
        raise Refused("offer terms")
    if now > offer["expires"]:
        raise Refused("expired")
    offered = plan["min_cohort"], (plan["privacy"] or {}).get("honest_floor", 0), offer["colluding"]
    agreed = terms["min_cohort"], terms["honest_floor"], terms["colluding"]
    if plan["protection"] != "secure" or any(one < least for one, least in zip(offered, agreed, strict=True)):
        raise Refused("offer terms")
    return hashed("offer", held)


def members_check(held: bytes, offer: bytes, name: str, own_key: bytes, keys: Mapping[str, bytes]) -> bytes:
    """The session's digest, if these members have joined this offer."""
    found = decode(held)
    exchange, signatures = _cut(found["exchange_keys"], 32), _cut(found["signatures"], 64)
    fits = found["names"] == sorted(set(found["names"])) and set(found["names"]) <= set(keys)
    if not fits or not len(found["names"]) == len(exchange) == len(signatures):
        raise Refused("cohort")
    members = dict(zip(found["names"], exchange, strict=True))
    if members.get(name) != own_key:
        raise Refused("cohort")
    digest = hashed("offer", offer)
    for (member, key), signature in zip(members.items(), signatures, strict=True):
        csa1.verify(keys[member], signature, "join", [digest, member, key])
    return csa1.session(digest, members)


def _cut(held: bytes, size: int) -> list[bytes]:
    return [held[place : place + size] for place in range(0, len(held), size)]


class Session:
    """Coordinator and bureaus in one room; every message in the order in which it is said."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given, self.said, self.sums = given, list[bytes](), list[list[int]]()
        self.names = sorted(given["bureaus"])
        plan = hashlib.sha256(given["plan"]).hexdigest()
        self.head = {"session": given["session"], "fingerprint": plan}
        self.previous, self.digest = (b"", 0), b""
        self.bureaus: dict[str, csa1.Bureau] = {}

    def run(self) -> dict[str, Any]:
        self._begin()
        for each in self.given["rounds"]:
            self._attempt(each)
        self._coordinator(
            "masked_result", model=self.given["model"], opened=self.previous[0], answered=self.previous[1]
        )
        return {"messages": self.said, "sums": self.sums}

    def _begin(self) -> None:
        given = self.given
        terms = {name: given[name] for name in ("plan", "roster", "coordinator", "colluding", "expires")}
        self._say(seal({"kind": "masked_offer", "session": given["session"], **terms}, given["coordinator_seed"]))
        digest = hashed("offer", self.said[0])
        keys = {name: x25519_public(given["bureaus"][name]["exchange"]) for name in self.names}
        joins = [self._join(name, digest, keys[name]) for name in self.names]
        exchange = b"".join(keys[name] for name in self.names)
        self._coordinator("members", names=self.names, exchange_keys=exchange, signatures=b"".join(joins))
        self.digest = csa1.session(digest, keys)
        members = {
            name: {"exchange": keys[name], "identity": ed25519_public(given["bureaus"][name]["identity"])}
            for name in self.names
        }
        for name in self.names:
            secrets = given["bureaus"][name]
            self.bureaus[name] = csa1.Bureau(
                name=name, session=self.digest, members=members, threshold=given["threshold"], **secrets
            )
            self._bureau(name, "ready", members=self.digest)

    def _join(self, name: str, digest: bytes, key: bytes) -> bytes:
        signature = csa1.sign(self.given["bureaus"][name]["identity"], "join", [digest, name, key])
        self._say(
            encode({"kind": "masked_join", **self.head, "bureau": name, "exchange_key": key, "signature": signature})
        )
        return signature

    def _attempt(self, each: Mapping[str, Any]) -> None:
        place = {"number": each["number"], "attempt": each["attempt"]}
        self._invite(each, place)
        context = {
            "session": self.digest,
            "round": each["number"],
            "attempt": each["attempt"],
            "cohort": self.names,
            "model": csa1.question(each["phase"], each["cost"], each["centroids"], each["radii"]),
            "parameters": csa1.parameters(self.head["fingerprint"], each["n_words"]),
        }
        sent = {name: self.bureaus[name].contribute(each["words"][name], **context) for name in self.names}
        for name in each["lost"]:
            del sent[name]
        for name, contribution in sent.items():
            self._bureau(name, "masked", **place, **contribution, head=each["heads"][name])
        if len(sent) >= self.given["threshold"]:
            self._open(csa1.context(**context), each["n_words"], sent)

    def _invite(self, each: Mapping[str, Any], place: Mapping[str, int]) -> None:
        self._coordinator(
            "invite",
            **place,
            phase=each["phase"],
            cohort=self.names,
            n_centroids=len(each["centroids"]),
            centroids=csa1.as_bytes([word for row in each["centroids"] for word in row]),
            radii=csa1.as_bytes(each["radii"]),
            cost=each["cost"],
            opened=self.previous[0],
            answered=self.previous[1],
        )

    def _open(self, context: bytes, n_words: int, sent: Mapping[str, Mapping[str, Any]]) -> None:
        names = sorted(sent)
        digests = [hashlib.sha256(sent[name]["words"]).digest() for name in names]
        self._coordinator("survivors", context=context, names=names, digests=b"".join(digests))
        signed = {name: self.bureaus[name].confirm(context, names, digests) for name in names}
        for name in names:
            fields = {"bureau": name, "context": context, "signature": signed[name]}
            self._say(encode({"kind": "confirm", **self.head, **fields}))
        self._coordinator("reveal_request", context=context, confirmations=b"".join(signed.values()))
        shown = {name: self.bureaus[name].reveal(context, signed) for name in names}
        for name, each in shown.items():
            keys = b"".join(each["pair_keys"][peer] for peer in sorted(each["pair_keys"]))
            self._bureau(name, "reveal", context=context, own_key=each["own_key"], pair_keys=keys)
        total = csa1.opened(
            context=context, cohort=self.names, survivors=names, n_words=n_words, given=sent, revealed=shown
        )
        self.sums.append(total)
        self.previous = csa1.as_bytes(total), len(names)

    def _coordinator(self, kind: str, **fields: Any) -> None:
        held = seal({"kind": kind, **self.head, **fields}, self.given["coordinator_seed"])
        check_seal(held, ed25519_public(self.given["coordinator_seed"]))
        self._say(held)

    def _bureau(self, name: str, kind: str, **fields: Any) -> None:
        self._say(seal({"kind": kind, **self.head, "bureau": name, **fields}, self.given["bureaus"][name]["identity"]))

    def _say(self, held: bytes) -> None:
        self.said.append(held)


def transcript(**given: Any) -> dict[str, Any]:
    return Session(given).run()


def seals(held: Sequence[bytes], coordinator: bytes, bureaus: Mapping[str, bytes]) -> int:
    """How many messages of a transcript are sealed; each must be, by whoever it is from."""
    count = 0
    for each in held:
        found = decode(each)
        public = bureaus[found["bureau"]] if "bureau" in found else coordinator
        if found["kind"] not in {"masked_join", "confirm"}:
            check_seal(each, public)
            count += 1
    return count
