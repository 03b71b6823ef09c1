"""Weighing: from where claims lie and what else counts to scores and reasons, as numbers, whole batches at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.distance import Places
from client.router.deciding.inputs import DRAWS, Columns
from client.router.deciding.lanes import Reason, Words, words
from client.router.deciding.scoring import MILLION, Scores, score

PER_MILLE = 1000
NO_STEP = -1

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else counts for ``n`` claims.

    Attributes:
        found: bool ``(n,)``, whether a rule has found something.
        hard: bool ``(n,)``, whether one of these stops claims.
        provider_shares: int64 ``(n,)``, per mille.
    """

    found: Flags
    hard: Flags
    provider_shares: Integers

    def select(self, rows: npt.NDArray[np.intp]) -> Circumstances:
        """Of some of the claims."""
        return Circumstances(found=self.found[rows], hard=self.hard[rows], provider_shares=self.provider_shares[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Decisions on ``n`` claims as numbers.

    Attributes:
        places: Where they lie.
        scores: How routine they look.
        steps: int64 ``(n,)``, of the calibration; ``NO_STEP`` without one.
        words: int32 ``(n,)``, their reasons as bits of ``lanes.BIT``.
    """

    places: Places
    scores: Scores
    steps: Integers
    words: Words

    def select(self, rows: npt.NDArray[np.intp]) -> Weighed:
        """Of some of the claims."""
        return Weighed(
            places=self.places.select(rows),
            scores=self.scores.select(rows),
            steps=self.steps[rows],
            words=self.words[rows],
        )


def weigh(columns: Columns, places: Places, circumstances: Circumstances, artefacts: Artefacts, now: int) -> Weighed:
    """Scores, steps and reasons of claims whose places are known."""
    scores = score(columns, places.nearest, places.square, artefacts.model, artefacts.usual)
    steps = _steps(scores, artefacts)
    reasons = words(len(columns.total), _reasons(columns, places, circumstances, artefacts, now))
    reasons |= artefacts.cluster_words[places.nearest]
    reasons |= words(len(columns.total), _doubts(scores, steps, artefacts))
    return Weighed(places=places, scores=scores, steps=steps, words=reasons)


def _steps(scores: Scores, artefacts: Artefacts) -> Integers:
    if artefacts.calibration is None:
        return np.full(len(scores.scores), NO_STEP, np.int64)
    return artefacts.calibration.steps_of(scores.scores / MILLION).astype(np.int64)


def _reasons(
    columns: Columns, places: Places, circumstances: Circumstances, artefacts: Artefacts, now: int
) -> dict[Reason, Flags]:
    policy, expires = artefacts.policy, artefacts.model.expires
    expired = expires is not None and now >= expires
    return {
        Reason.REFUSED_AUTOMATION: columns.refused,
        Reason.HARD_RULE: circumstances.hard,
        Reason.FINDING: circumstances.found,
        Reason.PROVIDER_CONCENTRATION: circumstances.provider_shares > policy.max_provider_share * PER_MILLE,
        Reason.EXPIRED_MODEL: np.full(len(columns.total), expired),
        Reason.NOVEL: places.square > artefacts.novel_squares[places.nearest],
        Reason.SPOT_CHECK: columns.draws < policy.spot_check_share * DRAWS,
    }


def _doubts(scores: Scores, steps: Integers, artefacts: Artefacts) -> dict[Reason, Flags]:
    calibration = artefacts.calibration
    if calibration is None:
        return {Reason.NOT_CALIBRATED: np.ones(len(steps), np.bool_)}
    return {
        Reason.LOW_CONFIDENCE: calibration.shares[steps] < artefacts.policy.min_confidence,
        Reason.OUTSIDE_FAST_SHARE: scores.scores < round(calibration.fast_score * MILLION),
    }
