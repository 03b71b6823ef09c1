"""What coordinator and bureau say to each other: typed, versioned, bound to one plan and one session.

Each message is a frozen value; ``common.wire`` gives it its one byte form. Numbers are integers, vectors travel as
little-endian 64-bit words. Nothing here can hold a claim, and a refusal holds a code, never a text.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from common.errors import MessageError
from common.plan import PROTOCOL_VERSION, Phase

_NAME = r"[^\x00-\x1f\x7f]{1,64}"
BureauName = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SessionId = Annotated[bytes, Field(min_length=16, max_length=16)]
Counter = Annotated[int, Field(ge=1, le=1_000_000)]
Cohort = Annotated[tuple[BureauName, ...], Field(min_length=1, max_length=10_000, strict=False)]


class RefusalCode(StrEnum):
    """Why a station refuses. Codes travel, texts do not."""

    BAD_MESSAGE = "bad_message"
    WRONG_PLAN = "wrong_plan"
    WRONG_SESSION = "wrong_session"
    WRONG_COHORT = "wrong_cohort"
    COHORT_TOO_SMALL = "cohort_too_small"
    WRONG_ORDER = "wrong_order"
    WRONG_SHAPE = "wrong_shape"
    POLICY = "policy"
    NO_CLAIMS = "no_claims"
    STOPPED = "stopped"
    ROSTER = "roster"
    SIGNATURE = "signature"
    WRONG_MODEL = "wrong_model"
    EXPIRED = "expired"
    INTERNAL = "internal"


class Envelope(BaseModel):
    """What every message holds: the protocol's version and the session it belongs to."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    version: Literal[PROTOCOL_VERSION] = PROTOCOL_VERSION  # type: ignore[valid-type]  # the constant is the type
    session: SessionId


class Offer(Envelope):
    """Coordinator to bureau: the plan of a session, in canonical form."""

    kind: Literal["offer"] = "offer"
    plan: Annotated[bytes, Field(max_length=1 << 20)]


class Join(Envelope):
    """Bureau to coordinator: this bureau takes part in this plan."""

    kind: Literal["join"] = "join"
    fingerprint: Fingerprint
    bureau: BureauName


class RoundRequest(Envelope):
    """Coordinator to every bureau of the cohort: summarise your rows around these centroids.

    Attributes:
        number: Round, from 1.
        attempt: From 1; a later attempt of the same round may have a smaller cohort.
        cohort: The bureaus that are asked, sorted.
        n_centroids: How many.
        centroids: Grid units, ``n_centroids * n_features`` little-endian 64-bit words.
        radii: Grid units, one word a centroid: contributions are bounded to them; empty without protection.
        cost: What the answer costs, units of 1e-9 rho; 0 without protection.
    """

    kind: Literal["round_request"] = "round_request"
    fingerprint: Fingerprint
    number: Counter
    attempt: Counter
    phase: Annotated[Phase, Field(strict=False)]
    cohort: Cohort
    n_centroids: Annotated[int, Field(ge=1, le=16_384)]
    centroids: bytes
    radii: bytes
    cost: Annotated[int, Field(ge=0, le=10**15)]


class RoundReply(Envelope):
    """Bureau to coordinator: the summary that was asked for.

    Attributes:
        request: SHA-256 of the request's bytes, hexadecimal.
        summary: ``Summary.to_vector``, or a noisy summary's words, as little-endian 64-bit words.
        head: Of the bureau's ledger, after this answer was paid for; empty without protection. Whoever keeps the
            newest one can tell a ledger that was shortened.
    """

    kind: Literal["round_reply"] = "round_reply"
    fingerprint: Fingerprint
    number: Counter
    attempt: Counter
    bureau: BureauName
    request: Fingerprint
    summary: bytes
    head: Annotated[str, StringConstraints(pattern=r"^((0|[1-9][0-9]{0,11}):[0-9a-f]{64})?$")]


class Result(Envelope):
    """Coordinator to bureau: the model that came out, as JSON."""

    kind: Literal["result"] = "result"
    fingerprint: Fingerprint
    model: Annotated[bytes, Field(max_length=1 << 28)]


class Published(Envelope):
    """Coordinator to every bureau, also to those that took no part: a version of the model, signed.

    Attributes:
        publication: ``common.consortium.publishing.SignedPublication``, as JSON.
        model: As JSON; the publication names its hash.
    """

    kind: Literal["published"] = "published"
    fingerprint: Fingerprint
    publication: Annotated[bytes, Field(max_length=1 << 16)]
    model: Annotated[bytes, Field(max_length=1 << 28)]


class Received(Envelope):
    """Bureau to coordinator: the model arrived and fits the plan, or the publication was checked and kept."""

    kind: Literal["received"] = "received"
    fingerprint: Fingerprint
    bureau: BureauName


class Refusal(Envelope):
    """Bureau to coordinator: no, and why, as a code."""

    kind: Literal["refusal"] = "refusal"
    bureau: BureauName
    code: Annotated[RefusalCode, Field(strict=False)]


Message = Offer | Join | RoundRequest | RoundReply | Result | Published | Received | Refusal


def is_bureau_name(text: str) -> bool:
    """Whether a bureau may be called so in messages: 1 to 64 characters, no control characters."""
    return re.fullmatch(_NAME, text) is not None and not any("\ud800" <= sign <= "\udfff" for sign in text)


def words_to_bytes(words: npt.NDArray[np.int64]) -> bytes:
    """Integers as little-endian 64-bit words."""
    return words.astype("<i8").tobytes()


def bytes_to_words(held: bytes, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """The integers of little-endian 64-bit words.

    Raises:
        MessageError: If the length is not that of the shape.
    """
    if len(held) != 8 * int(np.prod(shape)):
        msg = f"{len(held)} bytes are not {' x '.join(map(str, shape))} words of 8"
        raise MessageError(msg)
    return np.frombuffer(held, "<i8").astype(np.int64).reshape(shape)
