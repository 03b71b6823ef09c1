"""FAST claims that have no draft: kept with their reason, so that none vanishes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from client.router.drafts.tables import WITHHELD

_AT_ONCE = 512
"""Decisions in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """A FAST claim without a draft.

    Attributes:
        claim_key: Of the claim.
        decision_id: That let it pass.
        reason: Out of ``drawing.Withheld`` or ``standing.Withdrawn``.
    """

    claim_key: str
    decision_id: str
    reason: str


def keep_withheld(connection: Connection, withheld: Sequence[Without], now: int) -> None:
    """Keep claims that got no draft, within the transaction in which the others get theirs.

    Guarantees:
        * A decision stands there once, with its first reason.
    """
    first = {one.decision_id: one for one in reversed(withheld)}
    known = _known(connection, sorted(first))
    rows = [
        {"decision_id": one.decision_id, "claim_key": one.claim_key, "reason": str(one.reason), "withheld_at": now}
        for one in first.values()
        if one.decision_id not in known
    ]
    if rows:
        connection.execute(WITHHELD.insert(), rows)


def withheld_claims(connection: Connection) -> Iterator[Without]:
    """All that are kept, in the order of their decisions' identities."""
    for row in connection.execute(select(WITHHELD).order_by(WITHHELD.c.decision_id)):
        yield Without(claim_key=row.claim_key, decision_id=row.decision_id, reason=row.reason)


def _known(connection: Connection, decision_ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(decision_ids), _AT_ONCE):
        here = WITHHELD.c.decision_id.in_(decision_ids[start : start + _AT_ONCE])
        known.update(connection.execute(select(WITHHELD.c.decision_id).where(here)).scalars())
    return known
