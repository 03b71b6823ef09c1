"""CSA-1 a second time, written from its specification and sharing no line with the product: plain, slow, readable.

Every function is one kind of case in ``csa1.json``: it takes what is given there and returns what is expected there, or
raises ``Refused`` with the word that stands there. The published algorithms are in ``slow_primitives``, the messages in
``slow_messages``, rosters in ``slow_roster``, whole sessions in ``slow_session``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tests.vectors.slow_encoding import hashed, label
from tests.vectors.slow_primitives import (
    Refused,
    aes_ctr_zeros,
    ed25519_sign,
    ed25519_verify,
    hkdf_expand_once,
    hkdf_extract,
    x25519,
)

MODULUS = 2**64


def sign(seed: bytes, purpose: str, fields: Sequence[object]) -> bytes:
    return ed25519_sign(seed, label(purpose, *fields))


def verify(public: bytes, signature: bytes, purpose: str, fields: Sequence[object]) -> str:
    ed25519_verify(public, signature, label(purpose, *fields))
    return "valid"


def session(offer: bytes, members: Mapping[str, bytes]) -> bytes:
    return hashed("session", offer, [[name, members[name]] for name in sorted(members)])


def pair_secret(exchange: bytes, peer: bytes, session: bytes) -> bytes:
    return hkdf_extract(session, x25519(exchange, peer))


def pair_key(secret: bytes, one: str, other: str, context: bytes) -> bytes:
    return hkdf_expand_once(secret, label("pair", min(one, other), max(one, other), context))


def own_key(own: bytes, name: str, context: bytes) -> bytes:
    return hkdf_expand_once(own, label("self", name, context))


def context(
    *,
    session: bytes,
    round: int,  # noqa: A002  the specification's word
    attempt: int,
    cohort: list[str],
    model: bytes,
    parameters: bytes,
) -> bytes:
    if cohort != sorted(set(cohort)):
        raise Refused("cohort order")
    return hashed("context", session, round, attempt, cohort, model, parameters)


def question(phase: str, cost: int, centroids: list[list[int]], radii: list[int]) -> bytes:
    """What is asked, digested; a context's ``model``."""
    held = hashlib.sha256(f"{phase}:{cost}:({len(centroids)}, {len(centroids[0])}):".encode())
    held.update(as_bytes([word for row in centroids for word in row]) + as_bytes(radii))
    return held.digest()


def parameters(fingerprint: str, n_words: int) -> bytes:
    return hashed("parameters", fingerprint, n_words)


def as_bytes(words: Sequence[int]) -> bytes:
    return b"".join((word % MODULUS).to_bytes(8, "little") for word in words)


def of_bytes(held: bytes) -> list[int]:
    return [int.from_bytes(held[place : place + 8], "little") for place in range(0, len(held), 8)]


def mask(key: bytes, n_words: int) -> bytes:
    return aes_ctr_zeros(key, 8 * n_words)


def masked(words: Sequence[int], name: str, own: bytes, pairs: Mapping[str, bytes]) -> bytes:
    total = _plus(words, of_bytes(mask(own, len(words))), 1)
    for peer, key in pairs.items():
        total = _plus(total, of_bytes(mask(key, len(words))), 1 if name < peer else -1)
    return as_bytes(total)


def _plus(one: Sequence[int], other: Sequence[int], sign: int) -> list[int]:
    return [(a + sign * b) % MODULUS for a, b in zip(one, other, strict=True)]


def commitments(own: bytes, pairs: Mapping[str, bytes]) -> dict[str, bytes]:
    in_order = b"".join(hashed("commit-pair", pairs[peer]) for peer in sorted(pairs))
    return {"own": hashed("commit-self", own), "pairs": in_order}


def statement(context: bytes, survivors: list[str], digests: list[bytes]) -> bytes:
    return hashed("survivors", context, survivors, digests)


def threshold(n_members: int, honest_floor: int, colluding: int) -> int:
    return max(2 * n_members // 3 + 1, honest_floor + colluding)


def opened(
    *,
    context: bytes,
    cohort: list[str],
    survivors: list[str],
    n_words: int,
    given: Mapping[str, Mapping[str, Any]],
    revealed: Mapping[str, Mapping[str, Any]],
) -> list[int]:
    """The sum of the survivors' words, if everything that was sent is what honest bureaus send."""
    for name, sent in given.items():
        _check_sent(name, sent, context, cohort, n_words)
    for name, shown in revealed.items():
        _check_shown(name, shown, given[name], [peer for peer in cohort if peer not in survivors], cohort)
    if not set(survivors) <= set(revealed):
        raise Refused("missing")
    total = [0] * n_words
    for name in survivors:
        pairs = revealed[name]["pair_keys"]
        bare = masked([0] * n_words, name, revealed[name]["own_key"], pairs)
        total = _plus(_plus(total, of_bytes(given[name]["words"]), 1), of_bytes(bare), -1)
    return [word - MODULUS if word >= MODULUS // 2 else word for word in total]


def _check_sent(name: str, sent: Mapping[str, Any], context: bytes, cohort: list[str], n_words: int) -> None:
    lengths = [len(sent[field]) for field in ("words", "own_commitment", "pair_commitments")]
    if sent["context"] != context or lengths != [8 * n_words, 32, 32 * (len(cohort) - 1)] or name not in cohort:
        raise Refused("cheat")


def _check_shown(
    name: str, shown: Mapping[str, Any], sent: Mapping[str, Any], lost: list[str], cohort: list[str]
) -> None:
    if shown["context"] != sent["context"] or sorted(shown["pair_keys"]) != lost:
        raise Refused("cheat")
    expected = commitments(shown["own_key"], shown["pair_keys"])
    peers = [peer for peer in cohort if peer != name]
    places = [32 * peers.index(peer) for peer in lost]
    said = b"".join(sent["pair_commitments"][place : place + 32] for place in places)
    if expected != {"own": sent["own_commitment"], "pairs": said}:
        raise Refused("cheat")


class Bureau:
    """The station's states in one session: contributed, confirmed, opened; a new attempt forgets the survivors."""

    def __init__(
        self,
        *,
        name: str,
        identity: bytes,
        session: bytes,
        exchange: bytes,
        own: bytes,
        members: Mapping[str, Mapping[str, bytes]],
        threshold: int,
    ) -> None:
        self.name, self.identity, self.session, self.own = name, identity, session, own
        self.threshold, self.members = threshold, members
        self.pairs = {
            peer: pair_secret(exchange, each["exchange"], session) for peer, each in members.items() if peer != name
        }
        self.kept: dict[tuple[str, object], bytes] = {}
        self.last, self.cohort, self.current = (0, 0), list[str](), b""
        self.sent, self.survivors, self.stated = b"", list[str](), b""

    def contribute(self, words: Sequence[int], **fields: Any) -> dict[str, Any]:
        digest, cohort = context(**fields), fields["cohort"]
        strangers = not set(cohort) <= set(self.members) or fields["session"] != self.session
        if self.name not in cohort or strangers or len(cohort) < self.threshold:
            raise Refused("cohort")
        place = fields["round"], fields["attempt"]
        if place <= self.last and digest != self.current:
            raise Refused("order")
        if self.kept.get(("opened", place[0]), digest) != digest:
            raise Refused("order")
        keys = {peer: pair_key(self.pairs[peer], self.name, peer, digest) for peer in cohort if peer != self.name}
        own = own_key(self.own, self.name, digest)
        held = masked(words, self.name, own, keys)
        self.last, self.cohort, self.current = place, cohort, digest
        self.sent, self.survivors, self.stated = hashlib.sha256(held).digest(), [], b""
        said = commitments(own, keys)
        return {"context": digest, "words": held, "own_commitment": said["own"], "pair_commitments": said["pairs"]}

    def confirm(self, context: bytes, survivors: list[str], digests: list[bytes]) -> bytes:
        self._insist_current(context)
        fits = survivors == sorted(set(survivors)) and len(digests) == len(survivors) >= self.threshold
        if not fits or self.name not in survivors or not set(survivors) <= set(self.cohort):
            raise Refused("cohort")
        if digests[survivors.index(self.name)] != self.sent:
            raise Refused("order")
        stated = statement(context, survivors, digests)
        self._keep(("confirmed", context), stated)
        self.survivors, self.stated = survivors, stated
        return sign(self.identity, "confirm", [stated])

    def reveal(self, context: bytes, confirmations: Mapping[str, bytes]) -> dict[str, Any]:
        self._insist_current(context)
        if not self.survivors or sorted(confirmations) != self.survivors:
            raise Refused("order")
        for name, signature in confirmations.items():
            verify(self.members[name]["identity"], signature, "confirm", [self.stated])
        self._keep(("opened", self.last[0]), context)
        lost = [peer for peer in self.cohort if peer not in self.survivors]
        return {
            "context": context,
            "own_key": own_key(self.own, self.name, context),
            "pair_keys": {peer: pair_key(self.pairs[peer], self.name, peer, context) for peer in lost},
        }

    def _insist_current(self, context: bytes) -> None:
        if not self.current or context != self.current:
            raise Refused("order")

    def _keep(self, place: tuple[str, object], value: bytes) -> None:
        if self.kept.setdefault(place, value) != value:
            raise Refused("contradiction")


def steps(membership: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What a bureau answers to each step; a refusal is its word, and changes nothing."""
    bureau, answers = Bureau(**membership), list[Any]()
    for step in steps:
        try:
            answers.append(getattr(bureau, step["do"])(**{key: step[key] for key in step if key != "do"}))
        except Refused as error:
            answers.append({"refused": str(error)})
    return answers
