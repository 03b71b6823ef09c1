"""The record of a decision: everything that was decided, why, and all it takes to decide it again.

A record has one spelling (JSON, sorted keys, no blanks, ASCII). Its identity is a digest of that spelling, so a record
that was changed anywhere is recognised, and two routers that decide alike write the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from client.router.deciding.lanes import Lane, Reason, lane_of
from client.router.rules.finding import Finding
from client.router.rules.tags import Tag
from common.claim import FEE_CATEGORIES
from common.errors import InputError

RECORD_FORMAT: Literal["fedclaims/decision/1"] = "fedclaims/decision/1"
ID_DIGITS, ASKED_DIGITS = 32, 48
N_FEES = len(FEE_CATEGORIES)
MOST_BYTES = 1 << 16
"""Of one record."""

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Loose = Field(strict=False)
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
PerMille = Annotated[int, Field(ge=0, le=1000)]


class Inputs(BaseModel):
    """What a decision was made from besides the row and the findings. Local to the bureau, like the whole record.

    Attributes:
        total_fen: What the claim asks for.
        stay_days: -1 where not given.
        fees_fen: By fee category.
        diagnosis: The main one, normalised; None if there is none.
        operation: Likewise.
        provider_share: Of the cluster's recent claims those of this claim's provider, per mille; None if too few of its
            claims were counted.
        refused_automation: Whether the insured person refused automated decisions.
        hard_rule: Whether one of the findings is of a rule that stops claims.
        draw: The claim's draw for spot checks, 0 to 999,999.
        clock_behind: Whether the router's clock was behind what it had decided before; said only where it was.
    """

    model_config = _STRICT

    total_fen: int
    stay_days: int
    fees_fen: Annotated[tuple[int, ...], Field(strict=False, min_length=N_FEES, max_length=N_FEES)]
    diagnosis: str | None
    operation: str | None
    provider_share: PerMille | None
    refused_automation: bool
    hard_rule: bool
    draw: Annotated[int, Field(ge=0, lt=1_000_000)]
    clock_behind: bool = False

    @model_serializer(mode="wrap")
    def _say(self, spelled: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what was said: a record has one spelling."""
        held: dict[str, Any] = spelled(self)
        if not self.clock_behind:
            held.pop("clock_behind", None)
        return held


class DecisionRecord(BaseModel):
    """One decision.

    Guarantees:
        * ``contributions`` add up to ``square_distance``, exactly.
        * ``lane`` is the lane of the first of ``reasons``.
        * ``decision_id`` is the digest of everything else.

    Attributes:
        decision_id: First 32 hexadecimal digits of the SHA-256 of the other fields in their one spelling.
        claim_key: As the bureau's source names the claim.
        decided_at: Unix seconds; never before an earlier decision, also where the clock was set back.
        asked: What it answers, hexadecimal, as the store knows it (``client.router.store.asking``); None in records of
            earlier versions, and of decisions that no router made.
        reasons: All that apply, the one that decided first.
        cluster: The nearest.
        second: The second nearest; None if the model has one cluster.
        square_distance: To the nearest centroid, units of ``2**-40``.
        second_square_distance: To the second nearest.
        contributions: Of each block of the features to ``square_distance``, same units.
        score: How routine the claim looks, 0 to 1, before calibration; in whole millionths.
        confidence: Share of reviewed claims with such a score that were routine; None without a calibration.
        similar: How many reviewed claims that is a share of.
        similar_routine: How many of them were confirmed as routine.
        strangeness: What makes the score, millionths, in the order of ``client.router.deciding.scoring.PARTS``.
        peers: The group of the bureau's own earlier claims that this one was held against; None without any.
        n_peers: How many claims that is.
        findings: In the national audit shape.
        model_version: Of the publication; 0 if the model was never published.
        lineage: The cluster's names through the versions of the model, the newest first; in a stream its name there,
            and what happened to it, the newest first.
        cards_version: Of the model whose cards were taken over; said only where they were.
        region: Of insurance, as the claim names it; said only where it does. It changes no lane; neither do the tags.
        tags: What a reviewer wants to see at a glance, in the order of ``client.router.rules.tags.TAGS``; likewise.
        row: The claim's row on the grid, as ``client.router.deciding.rowtext`` spells it.
        inputs: What else the decision was made from.
    """

    model_config = _STRICT

    format: Literal["fedclaims/decision/1"] = RECORD_FORMAT
    decision_id: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{ID_DIGITS}}}$")]
    claim_key: Annotated[str, Field(min_length=1, max_length=128)]
    decided_at: Count
    asked: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{ASKED_DIGITS}}}$")] | None = None
    lane: Annotated[Lane, Loose]
    reasons: Annotated[tuple[Annotated[Reason, Loose], ...], Field(strict=False, min_length=1)]
    cluster: Count
    second: Count | None
    square_distance: Count
    second_square_distance: Count | None
    contributions: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)]
    score: Share
    confidence: Share | None
    similar: Count
    similar_routine: Count
    strangeness: Annotated[tuple[Count, ...], Loose]
    peers: str | None
    n_peers: Count
    findings: Annotated[tuple[Finding, ...], Loose]
    model_sha256: Digest
    model_version: Count
    policy_sha256: Digest
    features_sha256: Digest
    calibration_sha256: Digest | None
    cards_sha256: Digest
    cards_version: Count | None = None
    habits_sha256: Digest | None
    lineage: Annotated[tuple[str, ...], Loose]
    region: Annotated[str, Field(min_length=1)] | None = None
    tags: Annotated[tuple[Tag, ...], Loose] = ()
    row: Annotated[str, Field(max_length=1 << 15)]
    inputs: Inputs

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if sum(self.contributions) != self.square_distance or self.lane is not lane_of(self.reasons):
            msg = "the record contradicts itself: contributions and distance, or reasons and lane"
            raise ValueError(msg)
        if self.decision_id != identity_of(self.model_dump(mode="json")):
            msg = "the record was changed: its identity is not that of its content"
            raise ValueError(msg)
        return self

    @model_serializer(mode="wrap")
    def _say(self, spelled: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Likewise."""
        held: dict[str, Any] = spelled(self)
        for name in ("asked", "cards_version", "region", "tags"):
            if getattr(self, name) in {None, "", ()}:
                held.pop(name, None)
        return held

    def to_json(self) -> bytes:
        """Its one spelling."""
        return spelling(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, held: bytes) -> Self:
        """The record in some bytes.

        Raises:
            InputError: If they are no record, or one that was changed.
        """
        if len(held) > MOST_BYTES:
            msg = f"a decision record has at most {MOST_BYTES} bytes"
            raise InputError(msg)
        try:
            return cls.model_validate_json(held)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"][:1])) or "record"
            msg = f"this is no decision record ({place}: {first['type']}); take it from the router's store again"
            raise InputError(msg) from None

    def sha256(self) -> str:
        """Of its one spelling, hexadecimal."""
        return hashlib.sha256(self.to_json()).hexdigest()


def identity_of(fields: dict[str, Any]) -> str:
    """The identity of a record with these fields; ``decision_id`` among them does not count."""
    held = {name: value for name, value in fields.items() if name != "decision_id"}
    return hashlib.sha256(spelling(held)).hexdigest()[:ID_DIGITS]


def sealed(fields: dict[str, Any]) -> DecisionRecord:
    """The record of some fields, with its identity."""
    return DecisionRecord.model_validate_json(spelling({**fields, "decision_id": identity_of(fields)}))


def spelling(fields: dict[str, Any]) -> bytes:
    """JSON with sorted keys and without blanks, in ASCII."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
