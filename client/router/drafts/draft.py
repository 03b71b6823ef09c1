"""The payment draft: the parts of a FAST claim's bill, to the cent, and who approved them."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from common.claim import AMOUNT_TOLERANCE

DRAFT_FORMAT: Literal["fedclaims/draft/1"] = "fedclaims/draft/1"
ID_DIGITS = 32
DRAFT_ID = rf"^[0-9a-f]{{{ID_DIGITS}}}$"
TOLERANCE_FEN = int(AMOUNT_TOLERANCE * 100)

_LARGEST_FEN = 10**14
_DOMAIN = b"fedclaims payment draft 1\x1f"

Fen = Annotated[int, Field(ge=0, le=_LARGEST_FEN)]
Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[\w.@ -]+$")]


class Status(StrEnum):
    """How far a draft is."""

    DRAFT = "draft"
    APPROVED_ONCE = "approved_once"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    """What happened to its claim later took it back, whoever approved it."""


class PaymentDraft(BaseModel):
    """What would be paid for one claim.

    Guarantees:
        * ``fund_fen + person_fen + hospital_fen + rounding_fen == total_fen``, exactly.
        * The same claim and decision always give the same ``draft_id``.

    Attributes:
        draft_id: Identity of the instruction, for whoever executes it: the same one is never paid twice.
        claim_key: As the bureau's source names the claim.
        decision_id: The decision that let it pass.
        total_fen: The bill.
        fund_fen: What the fund pays, as the claim says.
        person_fen: What the insured person pays, likewise.
        hospital_fen: What the hospital bears, likewise.
        rounding_fen: What the claim's own parts lack to its total; never more than a claim may be off.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    format: Literal["fedclaims/draft/1"] = DRAFT_FORMAT
    draft_id: Annotated[str, StringConstraints(pattern=DRAFT_ID)]
    claim_key: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    decision_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    total_fen: Fen
    fund_fen: Fen
    person_fen: Fen
    hospital_fen: Fen
    rounding_fen: Annotated[int, Field(ge=-TOLERANCE_FEN, le=TOLERANCE_FEN)]

    @model_validator(mode="after")
    def _reconciles(self) -> Self:
        if self.fund_fen + self.person_fen + self.hospital_fen + self.rounding_fen != self.total_fen:
            msg = "the parts of a draft must add up to its total, to the cent"
            raise ValueError(msg)
        return self


def draft_id(claim_key: str, decision_id: str, key: bytes) -> str:
    """The identity of a claim's draft under a decision: HMAC-SHA256 under the bureau's key, cut to 128 bits.

    Args:
        claim_key: As the source names the claim.
        decision_id: Of the decision.
        key: The bureau's, so that nobody else can tell a claim from its draft.
    """
    parts = (claim_key.encode(), decision_id.encode())
    said = _DOMAIN + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, said, hashlib.sha256)[: ID_DIGITS // 2].hex()
