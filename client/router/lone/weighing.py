"""Weighing a single claim: the numbers that ``client.router.deciding.weighing`` gives, without arrays.

The formula of the score is not here a second time: parts and score come from the same compiled functions.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.distance import Places
from client.router.deciding.habits import Kinds
from client.router.deciding.inputs import DRAWS
from client.router.deciding.lanes import BIT, Reason
from client.router.deciding.scoring import MILLION, measured
from client.router.deciding.weighing import NO_STEP, PER_MILLE, UNCOUNTED
from client.router.lone.claim import LoneClaim, column_of_one

_KEPT_KINDS = 1 << 14
_UNITS = float(1 << 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row lies; as ``Places``.

    Attributes:
        nearest: Of the clusters.
        second: Likewise.
        square: Squared distance to the nearest.
        second_square: To the second.
        contributions: Of the blocks.
    """

    nearest: int
    second: int
    square: int
    second_square: int
    contributions: list[int]

    @classmethod
    def of(cls, places: Places) -> Place:
        """The only one of some places."""
        return cls(
            nearest=places.nearest.item(),
            second=places.second.item(),
            square=places.square.item(),
            second_square=places.second_square.item(),
            contributions=places.contributions[0].tolist(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What else counts for a claim; as ``Circumstances``, with the claim's draw."""

    found: bool
    hard: bool
    provider_share: int
    draw: int
    clock_behind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneWeighed:
    """A claim as numbers; as ``Weighed``.

    Attributes:
        parts: Millionths, in the order of ``scoring.PARTS``.
        score: Millionths.
        peers: Group in the habits.
        step: Of the calibration.
        confidence: Of the step; None without one.
        word: The reasons.
    """

    parts: list[int]
    score: int
    peers: int
    step: int
    confidence: float | None
    word: int


class Weigher:
    """Weighs single claims with the same artefacts."""

    def __init__(self, artefacts: Artefacts) -> None:
        """Prepare the limits."""
        self._artefacts, self._habits = artefacts, artefacts.usual
        calibration, policy = artefacts.calibration, artefacts.policy
        self._starts = [step.start for step in calibration.steps] if calibration else []
        self._confidences: list[float] = calibration.shares.tolist() if calibration else []
        self._fast_score = round(calibration.fast_score * MILLION) if calibration else 0
        self._share_limit = policy.max_provider_share * PER_MILLE
        self._draw_limit = policy.spot_check_share * DRAWS
        self._novel: list[float] = artefacts.novel_squares.tolist()
        self._cluster_words: list[int] = artefacts.cluster_words.tolist()
        self._mean_squares: list[float] = artefacts.model.mean_squares.tolist()
        self._kinds = lru_cache(_KEPT_KINDS)(self._fresh_kinds)

    def weigh(self, lone: LoneClaim, place: Place, said: Said, now: int) -> LoneWeighed:
        """Score, step and reasons of a claim."""
        kinds, counts = self._kinds(lone.diagnoses[0], next(iter(lone.operations), None), place.nearest)
        usual = self._mean_squares[place.nearest]
        ratio = place.square / _UNITS / usual if usual > 0.0 else -1.0
        numbers = (
            np.array([lone.total], np.int64),
            np.array([lone.stay_days], np.int64),
            np.array([lone.fees], np.int64),
        )
        counted = counts, self._habits.n_claims
        scores = measured(numbers, kinds.peers, counted, np.array([ratio]), self._habits.stats)
        score = scores.scores.item()
        step = bisect_right(self._starts, score / MILLION) - 1 if self._starts else NO_STEP
        word = self._word(lone, place, said, now) | self._doubts(score, step)
        return LoneWeighed(
            parts=scores.parts[0].tolist(),
            score=score,
            peers=kinds.peers.item(),
            step=step,
            confidence=None if step == NO_STEP else self._confidences[step],
            word=word,
        )

    def _fresh_kinds(self, diagnosis: str, operation: str | None, cluster: int) -> tuple[Kinds, npt.NDArray[np.int64]]:
        """What the habits say of a kind of claim, and its counts."""
        nearest, kin = np.array([cluster], np.int64), self._artefacts.model.kin
        kinds = self._habits.kinds(column_of_one(diagnosis), column_of_one(operation), nearest, kin)
        return kinds, np.stack((kinds.pair, kinds.diagnosis, kinds.operation))

    def _word(self, lone: LoneClaim, place: Place, said: Said, now: int) -> int:
        """As ``deciding.weighing`` says them; bit by bit, since a claim alone has no columns."""
        expires = self._artefacts.model.expires
        reasons = {
            Reason.REFUSED_AUTOMATION: lone.refused_automation,
            Reason.HARD_RULE: said.hard,
            Reason.FINDING: said.found,
            Reason.PROVIDER_CONCENTRATION: said.provider_share > self._share_limit,
            Reason.UNCOUNTED_PROVIDERS: said.provider_share == UNCOUNTED,
            Reason.CLOCK_BEHIND: said.clock_behind,
            Reason.EXPIRED_MODEL: expires is not None and now >= expires,
            Reason.NOVEL: place.square > self._novel[place.nearest],
            Reason.SPOT_CHECK: said.draw < self._draw_limit,
        }
        return self._cluster_words[place.nearest] | sum([BIT[reason] for reason, applies in reasons.items() if applies])

    def _doubts(self, score: int, step: int) -> int:
        if not self._starts:
            return BIT[Reason.NOT_CALIBRATED]
        low = self._confidences[step] < self._artefacts.policy.min_confidence
        return BIT[Reason.LOW_CONFIDENCE] * low | BIT[Reason.OUTSIDE_FAST_SHARE] * (score < self._fast_score)
