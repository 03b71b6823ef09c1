"""Weighing: from where claims lie and what else counts to scores and reasons, as numbers, whole batches at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.distance import Places
from client.router.deciding.inputs import DRAWS, Columns
from client.router.deciding.lanes import BIT, Reason, Words, words
from client.router.deciding.scoring import MILLION, Scores, score

PER_MILLE = 1000
NO_STEP = -1
UNCOUNTED = -1
"""Instead of a provider's share: too few claims of the cluster were counted to say one."""

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else counts for ``n`` claims.

    Attributes:
        found: bool ``(n,)``, whether a rule has found something.
        hard: bool ``(n,)``, whether one of these stops claims.
        provider_shares: int64 ``(n,)``, per mille; ``UNCOUNTED`` where nobody knows.
        clock_behind: Whether the clock was behind what was decided before.
    """

    found: Flags
    hard: Flags
    provider_shares: Integers
    clock_behind: bool = False

    def select(self, rows: npt.NDArray[np.intp]) -> Circumstances:
        """Of some of the claims."""
        return replace(self, found=self.found[rows], hard=self.hard[rows], provider_shares=self.provider_shares[rows])


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
    reasons |= artefacts.cluster_words[places.nearest] | circumstantial(circumstances, artefacts)
    reasons |= words(len(columns.total), _doubts(scores, steps, artefacts))
    return Weighed(places=places, scores=scores, steps=steps, words=reasons)


def circumstantial(circumstances: Circumstances, artefacts: Artefacts) -> Words:
    """Reasons that follow from providers' shares and the clock."""
    shares, most = circumstances.provider_shares, artefacts.policy.max_provider_share * PER_MILLE
    uncounted = shares == UNCOUNTED
    held = words(len(shares), {Reason.PROVIDER_CONCENTRATION: shares > most, Reason.UNCOUNTED_PROVIDERS: uncounted})
    return held | np.int32(BIT[Reason.CLOCK_BEHIND] if circumstances.clock_behind else 0)


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
