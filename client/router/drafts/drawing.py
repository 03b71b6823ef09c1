"""From decided claims to payment drafts: FAST claims alone, and only where the bill says who pays what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.drafts.draft import TOLERANCE_FEN, PaymentDraft, draft_id
from client.router.drafts.withholding import Without
from common.columns import MISSING

FAST = "FAST"
"""The only lane whose claims are drafted."""


class Withheld(StrEnum):
    """Why a FAST claim has no draft."""

    PARTS_MISSING = "parts_missing"
    """The claim does not say what fund and person pay. Nothing is guessed about money."""
    PARTS_NEGATIVE = "parts_negative"
    """A part or the total is negative: a refund is not paid out by a draft."""
    PARTS_DO_NOT_ADD_UP = "parts_do_not_add_up"
    """The parts and the total differ by more than rounding."""
    DRAFTED_BEFORE = "drafted_before"
    """The claim key has a draft under another decision; it gets no second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What became of a batch.

    Guarantees:
        * Every FAST claim has either a draft or a reason why not; no other claim has either.

    Attributes:
        drafts: In the order of the claims.
        withheld: In the same order.
    """

    drafts: tuple[PaymentDraft, ...]
    withheld: tuple[Without, ...]


def draw(claims: RoutedClaims, lanes: Sequence[str], decision_ids: Sequence[str], key: bytes) -> Drawn:
    """The drafts of a decided batch.

    Args:
        claims: The batch.
        lanes: Of each claim.
        decision_ids: Of each claim.
        key: The bureau's key for draft identities.

    Raises:
        ValueError: If there is not one lane and one decision a claim.
    """
    if not len(claims) == len(lanes) == len(decision_ids):
        msg = "drafts need one lane and one decision for every claim"
        raise ValueError(msg)
    hospital = np.where(claims.hospital_fen == MISSING, 0, claims.hospital_fen)
    faults = _faults(claims, hospital)
    fast = [row for row, lane in enumerate(lanes) if lane == FAST]
    return Drawn(
        drafts=tuple(_draft(claims, row, decision_ids[row], key) for row in fast if faults[row] is None),
        withheld=tuple(
            Without(claim_key=claims.claim_keys[row], decision_id=decision_ids[row], reason=fault)
            for row in fast
            if (fault := faults[row]) is not None
        ),
    )


def _faults(claims: RoutedClaims, hospital: npt.NDArray[np.int64]) -> list[Withheld | None]:
    fund, person, total = claims.fund_fen, claims.person_fen, claims.table.total
    missing = (fund == MISSING) | (person == MISSING)
    negative = (np.minimum(np.minimum(fund, person), hospital) < 0) | (total < 0)
    off = np.abs(total - fund - person - hospital) > TOLERANCE_FEN
    reasons = (Withheld.PARTS_MISSING, Withheld.PARTS_NEGATIVE, Withheld.PARTS_DO_NOT_ADD_UP)
    return [
        next((reason for reason, holds in zip(reasons, flags, strict=True) if holds), None)
        for flags in zip(missing.tolist(), negative.tolist(), off.tolist(), strict=True)
    ]


def _draft(claims: RoutedClaims, row: int, decision_id: str, key: bytes) -> PaymentDraft:
    total, fund, person = int(claims.table.total[row]), int(claims.fund_fen[row]), int(claims.person_fen[row])
    hospital = max(int(claims.hospital_fen[row]), 0)  # MISSING is -1; negative parts were refused before
    return PaymentDraft(
        draft_id=draft_id(claims.claim_keys[row], decision_id, key),
        claim_key=claims.claim_keys[row],
        decision_id=decision_id,
        total_fen=total,
        fund_fen=fund,
        person_fen=person,
        hospital_fen=hospital,
        rounding_fen=total - fund - person - hospital,
    )
