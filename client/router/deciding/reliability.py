"""Reliability: how far stated confidences are from what reviewers found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 10

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityLine:
    """Reviewed claims whose stated confidence lies in one stretch.

    Attributes:
        lower: Where the stretch begins.
        upper: Where it ends.
        reviewed: Claims in it.
        stated: Mean of their confidences.
        found: Share of them that were routine.
    """

    lower: float
    upper: float
    reviewed: int
    stated: float
    found: float


def reliability(confidences: Floats, routine: Flags, bins: int = BINS) -> tuple[ReliabilityLine, ...]:
    """The table, one line for each of so many equal stretches of confidence that has claims in it."""
    places = np.minimum((confidences * bins).astype(np.int64), bins - 1)
    return tuple(
        ReliabilityLine(
            lower=place / bins,
            upper=(place + 1) / bins,
            reviewed=int((places == place).sum()),
            stated=float(confidences[places == place].mean()),
            found=float(routine[places == place].mean()),
        )
        for place in np.unique(places).tolist()
    )


def calibration_error(confidences: Floats, routine: Flags, bins: int = BINS) -> float:
    """Expected calibration error: the mean distance between stated and found, weighted by claims; 0 if there are none.

    References:
        Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015;
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    lines = reliability(confidences, routine, bins)
    far = sum(line.reviewed * abs(line.stated - line.found) for line in lines)
    return float(far / len(confidences)) if len(confidences) else 0.0


def reliability_text(lines: tuple[ReliabilityLine, ...]) -> str:
    """The table for people: stated and found shares in per cent, and how many claims each line rests on.

    >>> print(reliability_text((ReliabilityLine(lower=0.9, upper=1.0, reviewed=40, stated=0.95, found=0.925),)))
    confidence   reviewed   stated    found
    0.9 - 1.0          40    95.0%    92.5%
    """
    head = "confidence   reviewed   stated    found"
    body = (
        f"{line.lower:.1f} - {line.upper:.1f} {line.reviewed:>11,} {line.stated:>8.1%} {line.found:>8.1%}"
        for line in lines
    )
    return "\n".join((head, *body))
