"""Decisions for drafts: what a store holds about their claims."""

from __future__ import annotations

from sqlalchemy import Engine

from client.router.drafts.draft import PaymentDraft
from client.router.store.asking import CONTENT_BYTES, key_prefix
from client.router.store.decisions import DecisionStore, New

NOW = 1_700_000_000


def let_pass(engine: Engine, *drafts: PaymentDraft) -> None:
    """The decisions that led to these drafts."""
    for draft in drafts:
        decide(engine, draft.claim_key, draft.decision_id)


def decide(engine: Engine, claim_key: str, decision_id: str, lane: str = "FAST") -> None:
    """One more decision about a claim key."""
    asked = key_prefix(claim_key) + bytes.fromhex(decision_id)[:CONTENT_BYTES]
    new = New(asked=[asked], decision_ids=[decision_id], lanes=[lane], records=[b"{}"], decided_at=NOW)
    DecisionStore(engine).add(new)
