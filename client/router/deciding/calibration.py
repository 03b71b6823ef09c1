"""Calibration: from a score to a share of reviewed claims that were routine.

A calibration is a short table of steps. Each step is a stretch of scores with so many reviewed claims in it, of which
so many were confirmed as routine; that share is the confidence of every claim whose score lies there. So the confidence
of a claim is a number that can be said in a sentence and counted again.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from common.errors import InputError

CALIBRATION_FORMAT: Literal["fedclaims/calibration/1"] = "fedclaims/calibration/1"

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Step(BaseModel):
    """A stretch of scores, from ``start`` up to where the next one starts.

    Attributes:
        start: The lowest score in it.
        reviewed: Reviewed claims with such a score.
        routine: How many of them were confirmed as routine.
    """

    model_config = _STRICT

    start: Share
    reviewed: Annotated[int, Field(ge=1)]
    routine: Count

    @property
    def confidence(self) -> float:
        """The share of them."""
        return self.routine / self.reviewed


class Calibration(BaseModel):
    """A bureau's table of steps for one model.

    Guarantees:
        * A higher score never has a lower confidence.

    Attributes:
        model_sha256: Of the model whose scores were reviewed.
        habits_sha256: Of the habits that the scores were made with.
        scoring: Name of the score.
        fitted_at: Unix seconds.
        steps: From score 0 upwards.
        error: Expected calibration error on claims that the table had not seen, cross-fitted.
        error_by_stratum: The same in each region or other stratum with enough reviewed claims.
        raw_error: What it would be if the score itself were taken for the confidence.
        fast_score: Score below which a claim is outside the policy's FAST share; fixed here, so that a claim alone is
            decided as in a batch.
    """

    model_config = ConfigDict(**_STRICT)

    format: Literal["fedclaims/calibration/1"] = CALIBRATION_FORMAT
    model_sha256: Digest
    habits_sha256: Digest
    scoring: str
    fitted_at: Count
    steps: Annotated[tuple[Step, ...], Field(strict=False, min_length=1, max_length=1000)]
    error: Share
    error_by_stratum: dict[str, Share]
    raw_error: Share
    fast_score: Share

    @model_validator(mode="after")
    def _rises(self) -> Self:
        starts = [step.start for step in self.steps]
        rising = all(
            low.routine * high.reviewed <= high.routine * low.reviewed and low.start < high.start
            for low, high in zip(self.steps, self.steps[1:], strict=False)
        )
        if starts[0] != 0.0 or not rising or any(step.routine > step.reviewed for step in self.steps):
            msg = "the steps of a calibration begin at 0 and rise"
            raise ValueError(msg)
        return self

    @property
    def n_reviewed(self) -> int:
        """Reviewed claims behind it."""
        return sum(step.reviewed for step in self.steps)

    def steps_of(self, scores: Floats) -> Places:
        """Which step each score lies in."""
        return np.searchsorted(self._starts, scores, side="right") - 1

    def confidences(self, scores: Floats) -> Floats:
        """The confidence of each score."""
        return self.shares[self.steps_of(scores)]

    @cached_property
    def _starts(self) -> Floats:
        return np.array([step.start for step in self.steps])

    @cached_property
    def shares(self) -> Floats:
        """The confidence of each step."""
        return np.array([step.confidence for step in self.steps])

    def to_json(self) -> bytes:
        """Its one spelling."""
        held = self.model_dump(mode="json")
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, held: bytes) -> Self:
        """The calibration in some bytes.

        Raises:
            InputError: If they are none.
        """
        try:
            return cls.model_validate_json(held)
        except ValidationError:
            msg = "this is no calibration; fit it again from the reviewed claims"
            raise InputError(msg) from None

    @property
    def sha256(self) -> str:
        """Of its one spelling, hexadecimal."""
        return hashlib.sha256(self.to_json()).hexdigest()
