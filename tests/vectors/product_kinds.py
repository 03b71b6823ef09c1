"""Every kind of case with the product, and the class that says each word of refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from client.masked.terms import ExpiredError
from common.consortium.identity import Identity, SignatureError
from common.consortium.joining import JoinRequest, JoinRequestError
from common.consortium.roster import Governance, RosterError
from common.consortium.signed import (
    ForgedRosterError,
    ForkedRosterError,
    MalformedRosterError,
    OldRosterError,
    OtherGovernanceError,
    Pin,
    RosterTimeError,
    SignedRoster,
    UnsignedRosterError,
    check,
)
from common.errors import CohortError, MessageError, RoundLostError
from common.masking.opening import CheatError
from tests.vectors import product_csa1, product_session

REFUSALS: dict[str, type[Exception]] = {
    "type": TypeError,
    "signature": SignatureError,
    "exchange key": MessageError,
    "cohort order": MessageError,
    "form": MessageError,
    "cohort": CohortError,
    "cheat": CheatError,
    "missing": RoundLostError,
    "offer terms": RosterError,
    "expired": ExpiredError,
    "join request": JoinRequestError,
    "roster form": MalformedRosterError,
    "roster signature": ForgedRosterError,
    "roster signatures missing": UnsignedRosterError,
    "roster governance": OtherGovernanceError,
    "roster time": RosterTimeError,
    "roster old": OldRosterError,
    "roster fork": ForkedRosterError,
}
"""Exactly this class, none below it."""


def roster(held: str, seeds: Sequence[bytes]) -> dict[str, Any]:
    found = SignedRoster.from_json(held.encode())
    for seed in seeds:
        found = found.signed_by(Identity.of_seed(seed))
    return {
        "canonical": found.roster.canonical(),
        "digest": found.roster.digest,
        "governance": found.roster.governance.digest,
        "signatures": [one.signature for one in found.signatures],
    }


def roster_check(held: str, pin: Mapping[str, Any], now: int) -> dict[str, Any]:
    governance = Governance(keys=tuple(pin["keys"]), threshold=pin["threshold"])
    pinned = Pin(governance=governance, version=pin["version"], digest=pin["digest"])
    found = check(SignedRoster.from_json(held.encode()), pinned, now)
    return {"version": found.version, "digest": found.digest, "governance": found.governance.digest}


def join_request_check(held: str) -> str:
    JoinRequest.from_json(held.encode())
    return "valid"


KINDS: dict[str, Callable[..., Any]] = {
    **product_csa1.KINDS,
    "transcript": product_session.transcript,
    "roster": roster,
    "roster_check": roster_check,
    "join_request": lambda seed, name, organisation: (
        JoinRequest.by(Identity.of_seed(seed), name, organisation).signature
    ),
    "join_request_check": join_request_check,
}
