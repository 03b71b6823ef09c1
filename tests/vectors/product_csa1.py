"""The product behind kinds of cases in ``csa1.json``: every function calls it, none computes anything itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from client.masked.terms import Consortium, check_members, check_offer, offer_digest, session_of
from common.consortium.encoding import hashed, label, spell
from common.consortium.identity import Identity, SignatureError, verify
from common.consortium.roster import Terms
from common.errors import CohortError, FedclaimsError, MessageError, RefusedError
from common.masked_messages import Confirm, MaskedJoin, MaskedOffer, Members
from common.masking.commitments import own_commitment, pair_commitments
from common.masking.context import Context
from common.masking.keys import SessionSecrets, own_key, pair_key, pair_secret, session_digest
from common.masking.masks import mask, masked
from common.masking.opening import check_contribution, check_revealed, open_sum
from common.masking.participant import (
    Contribution,
    Membership,
    Participant,
    Revealed,
    WrongOrderError,
    survivors_statement,
)
from common.masking.threshold import threshold
from common.plan import Phase, Plan
from common.private.question import Question
from common.sealing import Sealed, check_seal, sealed
from common.wire import _ADAPTER, AnyMessage, decode, encode

WORDS: dict[type[Exception], str] = {
    CohortError: "cohort",
    WrongOrderError: "order",
    RefusedError: "contradiction",
    SignatureError: "signature",
}
"""Of a bureau's refusals; exactly these classes, none below them."""


@dataclass(slots=True)
class Memory:
    """What a bureau keeps."""

    places: dict[str, bytes] = field(default_factory=dict)

    def get(self, place: str) -> bytes | None:
        return self.places.get(place)

    def put(self, place: str, value: bytes) -> None:
        if self.places.setdefault(place, value) != value:
            raise RefusedError("another value is kept there")


def message_of(fields: Mapping[str, Any]) -> AnyMessage:
    return _ADAPTER.validate_python(dict(fields))


def exchange_key(secret: bytes) -> bytes:
    return SessionSecrets(secret, bytes(32)).public


def session(offer: bytes, members: Mapping[str, bytes]) -> bytes:
    return session_digest(offer, members)


def context(**fields: Any) -> bytes:
    return Context(**fields | {"cohort": tuple(fields["cohort"])}).digest


def question(phase: str, cost: int, centroids: list[list[int]], radii: list[int]) -> bytes:
    asked = Question(phase=Phase(phase), centroids=np.array(centroids), radii=np.array(radii), cost=cost)
    return bytes.fromhex(asked.digest())


def masked_words(words: list[int], name: str, own: bytes, pairs: Mapping[str, bytes]) -> bytes:
    return masked(np.array(words, np.int64), name, own, pairs).astype("<u8").tobytes()


def opened(
    *,
    context: bytes,
    cohort: list[str],
    survivors: list[str],
    n_words: int,
    given: Mapping[str, Mapping[str, Any]],
    revealed: Mapping[str, Mapping[str, Any]],
) -> list[int]:
    sent = {name: Contribution(**each) for name, each in given.items()}
    shown = {name: Revealed(**each) for name, each in revealed.items()}
    for name, each in sent.items():
        check_contribution(name, each, context, cohort, n_words)
    for name, one in shown.items():
        check_revealed(name, one, sent[name], cohort, survivors)
    return [int(word) for word in open_sum(sent, survivors, shown)]


def seal(fields: Mapping[str, Any], seed: bytes) -> bytes:
    return encode(sealed(message_of(fields), Identity.of_seed(seed)))  # type: ignore[type-var]


def check_sealed(held: bytes, public: bytes) -> dict[str, Any]:
    message = decode(held)
    if isinstance(message, MaskedJoin | Confirm) or not isinstance(message, Sealed):
        raise MessageError("no seal is over these bytes")
    check_seal(message, public)
    return _fields(message)


def _fields(message: AnyMessage) -> dict[str, Any]:
    held = message.model_dump(mode="python")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in held.items()}


def offer_check(held: bytes, coordinator: bytes, roster: bytes, terms: Mapping[str, int], now: int) -> bytes:
    offer = decode(held)
    assert isinstance(offer, MaskedOffer)
    known = _Known(member=lambda *_: _Key(coordinator), digest=roster, terms=Terms(max_rounds=1, **terms))
    consortium = Consortium(identity=Identity.of_seed(bytes(32)), roster=known)  # type: ignore[arg-type]
    check_offer(offer, Plan.from_canonical(offer.plan), consortium, now)
    return offer_digest(offer)


@dataclass(frozen=True, slots=True)
class _Key:
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is asked of a roster when an offer comes in."""

    member: Callable[..., _Key]
    digest: bytes
    terms: Terms


def members_check(held: bytes, offer: bytes, name: str, own_key: bytes, keys: Mapping[str, bytes]) -> bytes:
    members, offered = decode(held), decode(offer)
    assert isinstance(members, Members)
    assert isinstance(offered, MaskedOffer)
    return session_of(offered, check_members(members, offered, name, own_key, keys))


def bureau_of(membership: Mapping[str, Any]) -> Participant:
    """A bureau that has kept nothing yet."""
    members = membership["members"]
    member = Membership(
        name=membership["name"],
        identity=Identity.of_seed(membership["identity"]),
        session=membership["session"],
        secrets=SessionSecrets(membership["exchange"], membership["own"]),
        exchange_keys={name: each["exchange"] for name, each in members.items()},
        public_keys={name: each["identity"] for name, each in members.items()},
        threshold=membership["threshold"],
    )
    return Participant(membership=member, kept=Memory())


def steps(membership: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[Any]:
    bureau, answers = bureau_of(membership), list[Any]()
    for step in steps:
        try:
            answers.append(_step(bureau, **step))
        except FedclaimsError as error:
            answers.append({"refused": WORDS[type(error)]})
    return answers


def _step(bureau: Participant, do: str, **given: Any) -> Any:
    if do == "confirm":
        return bureau.confirm(**given)
    if do == "reveal":
        shown = bureau.reveal(**given)
        return {"context": shown.context, "own_key": shown.own_key, "pair_keys": dict(shown.pair_keys)}
    words = np.array(given.pop("words"), np.int64)
    sent = bureau.contribute(Context(**given | {"cohort": tuple(given["cohort"])}), words)
    names = ("context", "words", "own_commitment", "pair_commitments")
    return {name: getattr(sent, name) for name in names}


def valid(public: bytes, signature: bytes, purpose: str, fields: Sequence[Any]) -> str:
    verify(public, signature, purpose, *fields)
    return "valid"


KINDS: dict[str, Callable[..., Any]] = {
    "spell": lambda fields: spell(*fields),
    "label": lambda purpose, fields: label(purpose, *fields),
    "hashed": lambda purpose, fields: hashed(purpose, *fields),
    "identity": lambda seed: Identity.of_seed(seed).public,
    "sign": lambda seed, purpose, fields: Identity.of_seed(seed).sign(purpose, *fields),
    "verify": valid,
    "exchange_key": exchange_key,
    "session": session,
    "pair_secret": lambda exchange, peer, session: pair_secret(SessionSecrets(exchange, bytes(32)), peer, session),
    "pair_key": pair_key,
    "own_key": lambda own, name, context: own_key(SessionSecrets(bytes(32), own), name, context),
    "context": context,
    "question": question,
    "parameters": lambda fingerprint, n_words: hashed("parameters", fingerprint, n_words),
    "mask": lambda key, n_words: mask(key, n_words).astype("<u8").tobytes(),
    "masked": masked_words,
    "commitments": lambda own, pairs: {"own": own_commitment(own), "pairs": pair_commitments(pairs)},
    "statement": survivors_statement,
    "threshold": threshold,
    "opened": opened,
    "encode": lambda fields: encode(message_of(fields)),
    "decode": lambda held: _fields(decode(held)),
    "seal": seal,
    "check_seal": check_sealed,
    "offer_check": offer_check,
    "members_check": members_check,
    "steps": steps,
}
