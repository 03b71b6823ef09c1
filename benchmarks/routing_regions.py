"""Regions beside each other: calibration error, and how many claims are not FAST, raw and at the same case mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from benchmarks.routing_judging import ROUTER, Judged
from client.router.deciding.reliability import calibration_error

OVERALL, LARGEST_GAP = "all regions", "largest gap between two regions"
NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Of some claims.

    Attributes:
        calibrated: Expected calibration error of the confidences.
        uncalibrated: Of the scores, taken for confidences.
        auc: Of the score, for what a reviewer confirms as routine; a constant would have 0.5, and a small error, too.
        covered: Share of the claims that had a calibration.
    """

    calibrated: float
    uncalibrated: float
    auc: float
    covered: float


def errors(run: Sequence[Judged]) -> Mapping[str, Error]:
    """By region and overall, over claims that no rule found."""
    return {OVERALL: _error(run)} | {judged.name: _error([judged]) for judged in run}


def _error(run: Sequence[Judged]) -> Error:
    asked = np.concatenate([~judged.found for judged in run])
    confidence = np.concatenate([judged.confidence for judged in run])
    used = asked & ~np.isnan(confidence)
    scores = np.concatenate([judged.scores[ROUTER] for judged in run])[used]
    found = np.concatenate([judged.routine for judged in run])[used]
    return Error(
        calibrated=calibration_error(confidence[used], found) if used.any() else float("nan"),
        uncalibrated=calibration_error(scores, found) if used.any() else float("nan"),
        auc=float(roc_auc_score(found, scores)) if 0 < found.sum() < len(found) else float("nan"),
        covered=float(used.sum() / asked.sum()),
    )


def review_rates(run: Sequence[Judged]) -> Mapping[str, tuple[float, float, float]]:
    """Raw rate, rate at the case mix of all regions together, and half of that one's 95 % interval; by region.

    Where a region has no claim of a cluster, the rate of all regions stands in: that pulls regions together, if at all.
    """
    n_clusters = 1 + max(int(judged.clusters.max()) for judged in run)
    sent = [judged.lanes != "FAST" for judged in run]
    counts = np.array([np.bincount(judged.clusters, minlength=n_clusters) for judged in run], np.float64)
    hits = np.array(
        [np.bincount(judged.clusters, flags, n_clusters) for judged, flags in zip(run, sent, strict=True)], np.float64
    )
    rates = {
        judged.name: (float(flags.mean()), *_standardised(counts[place], hits[place], counts.sum(0), hits.sum(0)))
        for place, (judged, flags) in enumerate(zip(run, sent, strict=True))
    }
    return rates | {LARGEST_GAP: _gap(list(rates.values()))}


def _standardised(
    n: npt.NDArray[np.float64],
    hits: npt.NDArray[np.float64],
    all_n: npt.NDArray[np.float64],
    all_hits: npt.NDArray[np.float64],
) -> tuple[float, float]:
    weights = all_n / all_n.sum()
    own = np.where(n > 0, hits / np.maximum(n, 1), all_hits / np.maximum(all_n, 1))
    variance = (weights**2 * own * (1 - own) / np.maximum(n, 1)).sum()
    return float((weights * own).sum()), float(NORMAL_95 * variance**0.5)


def _gap(rates: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Between the largest and the smallest rate; the interval is that of the two standardised ones."""
    raw = [rate for rate, _, _ in rates]
    level = sorted((rate, half) for _, rate, half in rates)
    return max(raw) - min(raw), level[-1][0] - level[0][0], (level[-1][1] ** 2 + level[0][1] ** 2) ** 0.5
