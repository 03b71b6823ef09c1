"""Fitting a calibration from reviewed claims: isotonic regression, steps that rest on enough claims, an honest error.

scikit-learn enters the router here alone: where a calibration is fitted, never where a claim is decided.

References:
    Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from client.router.deciding.calibration import Calibration, Step
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.reliability import BINS, calibration_error
from client.router.deciding.scoring import SCORING

FOLDS = 5
FEWEST_IN_A_STEP = 30
"""Reviewed claims; a share of fewer says little."""

FEWEST_IN_A_STRATUM = 10 * BINS
"""Reviewed claims below which a stratum's error would be mostly luck."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Reviewed claims that a lot or their score has chosen, not what a rule found: those would make routine look rare.

    Attributes:
        scores: ``(n,)``, as decided under the model the calibration is for.
        routine: ``(n,)``, whether the reviewer confirmed the claim as routine.
        strata: ``(n,)``, names of regions or other strata; None if there is one.
    """

    scores: Floats
    routine: Flags
    strata: npt.NDArray[np.str_] | None = None


def fit_calibration(
    reviewed: Reviewed, recent: Floats, policy: RouterPolicy, *, model_sha256: str, habits_sha256: str, now: int
) -> Calibration | None:
    """The calibration of these claims; None if they are fewer than the policy asks for.

    Args:
        reviewed: The claims.
        recent: Scores of all the bureau's recent claims, reviewed or not: the FAST share is one of these.
        policy: How many it takes, and the FAST share.
        model_sha256: Of the model that all scores were made with.
        habits_sha256: Of the habits likewise.
        now: Unix seconds.

    Guarantees:
        * Its stated error is of claims that the table it is measured on had not seen.
        * Every step rests on at least ``FEWEST_IN_A_STEP`` claims, or is the only one.
    """
    if len(reviewed.scores) < policy.min_reviewed:
        return None
    unseen = cross_fitted(reviewed)
    return Calibration(
        model_sha256=model_sha256,
        habits_sha256=habits_sha256,
        scoring=SCORING,
        fitted_at=now,
        steps=steps_of(reviewed.scores, reviewed.routine),
        error=calibration_error(unseen, reviewed.routine),
        error_by_stratum=errors_by_stratum(unseen, reviewed),
        raw_error=calibration_error(reviewed.scores, reviewed.routine),
        fast_score=fast_score(recent, policy.fast_share),
    )


def fast_score(recent: Floats, share: float) -> float:
    """The score that at most this share of the recent claims reach, ties counted as reaching it together or not at all.

    Guarantees:
        * No more than ``share`` of ``recent`` have this score or a higher one, unless ``share`` is 1.
    """
    if share >= 1.0 or not len(recent):
        return 0.0
    falling = -np.sort(-recent)
    most = int(share * len(recent))
    above = falling[:most]
    reaching = above[above > falling[most]]
    return float(reaching[-1]) if len(reaching) else 1.0


def cross_fitted(reviewed: Reviewed, folds: int = FOLDS) -> Floats:
    """The confidence of each reviewed claim by a table that was fitted without it; folds take turns in score order."""
    order = np.argsort(reviewed.scores, kind="stable")
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % folds
    confidences = np.empty(len(order))
    for one in range(folds):
        steps = steps_of(reviewed.scores[fold != one], reviewed.routine[fold != one])
        starts = np.array([step.start for step in steps])
        shares = np.array([step.confidence for step in steps])
        confidences[fold == one] = shares[np.searchsorted(starts, reviewed.scores[fold == one], side="right") - 1]
    return confidences


def errors_by_stratum(confidences: Floats, reviewed: Reviewed) -> dict[str, float]:
    """The calibration error in each stratum with enough reviewed claims."""
    if reviewed.strata is None:
        return {}
    members = {str(name): reviewed.strata == name for name in np.unique(reviewed.strata)}
    return {
        name: calibration_error(confidences[mine], reviewed.routine[mine])
        for name, mine in members.items()
        if mine.sum() >= FEWEST_IN_A_STRATUM
    }


def steps_of(scores: Floats, routine: Flags, fewest: int = FEWEST_IN_A_STEP) -> tuple[Step, ...]:
    """Isotonic steps: scores in one of its blocks share a step; blocks that rest on too little join the next one."""
    order = np.argsort(scores, kind="stable")
    fitted = IsotonicRegression(out_of_bounds="clip").fit_transform(scores, routine.astype(np.float64))[order]
    first = np.flatnonzero(np.concatenate(([True], np.diff(fitted) > 0)))
    found = routine[order]
    blocks = [
        (float(scores[order[start]]), int(end - start), int(found[start:end].sum()))
        for start, end in zip(first, [*first[1:], len(order)], strict=True)
    ]
    joined = _joined(blocks, fewest)
    starts = [0.0, *(start for start, _, _ in joined[1:])]
    return tuple(
        Step(start=start, reviewed=n, routine=good) for start, (_, n, good) in zip(starts, joined, strict=True)
    )


def _joined(blocks: list[tuple[float, int, int]], fewest: int) -> list[tuple[float, int, int]]:
    """Neighbours joined from the lowest score upwards until each has enough; a rest at the end joins the last."""
    joined: list[tuple[float, int, int]] = []
    for block in blocks:
        if joined and joined[-1][1] < fewest:
            start, n, good = joined.pop()
            joined.append((start, n + block[1], good + block[2]))
        else:
            joined.append(block)
    if len(joined) > 1 and joined[-1][1] < fewest:
        _, n, good = joined.pop()
        start, before, before_good = joined.pop()
        joined.append((start, before + n, before_good + good))
    return joined
