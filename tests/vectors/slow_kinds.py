"""Every kind of case with the second implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.vectors import slow_csa1, slow_encoding, slow_messages, slow_primitives, slow_roster, slow_session

KINDS: dict[str, Callable[..., Any]] = {
    "spell": lambda fields: slow_encoding.spell(*fields),
    "label": lambda purpose, fields: slow_encoding.label(purpose, *fields),
    "hashed": lambda purpose, fields: slow_encoding.hashed(purpose, *fields),
    "identity": slow_primitives.ed25519_public,
    "sign": slow_csa1.sign,
    "verify": slow_csa1.verify,
    "exchange_key": slow_primitives.x25519_public,
    "session": slow_csa1.session,
    "pair_secret": slow_csa1.pair_secret,
    "pair_key": slow_csa1.pair_key,
    "own_key": slow_csa1.own_key,
    "context": slow_csa1.context,
    "question": slow_csa1.question,
    "parameters": slow_csa1.parameters,
    "mask": slow_csa1.mask,
    "masked": slow_csa1.masked,
    "commitments": slow_csa1.commitments,
    "statement": slow_csa1.statement,
    "threshold": slow_csa1.threshold,
    "opened": slow_csa1.opened,
    "encode": slow_messages.encode,
    "decode": slow_messages.decode,
    "seal": slow_messages.seal,
    "check_seal": slow_messages.check_seal,
    "offer_check": slow_session.offer_check,
    "members_check": slow_session.members_check,
    "steps": slow_csa1.steps,
    "transcript": slow_session.transcript,
    "roster": slow_roster.roster,
    "roster_check": slow_roster.roster_check,
    "join_request": slow_roster.join_request,
    "join_request_check": slow_roster.join_request_check,
}
