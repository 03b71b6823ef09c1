"""Lanes: where a claim goes, and every reason for it.

Reasons stand in the order in which they count. The first one that applies decides; the others stay in the record, so
that whoever looks at the claim sees them. Why this order: who refused automation is heard first, since no other lane
may be chosen for them by a machine (a person decides in HUMAN too, and nothing is paid before). Then what must be
stopped, what rules find, and what the bureau itself has said of a cluster. That a cluster is not confirmed yet goes
before all that cards and counts say of it: they can know little. Then what is suspicious, then what is not known well
enough. A spot check only ever takes claims that would have been FAST.

No lane rejects a claim: HOLD, REVIEW and HUMAN all end with a person.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Lane(StrEnum):
    """Where a claim goes."""

    FAST = "FAST"
    REVIEW = "REVIEW"
    HUMAN = "HUMAN"
    HOLD = "HOLD"


class Reason(StrEnum):
    """Why a claim goes there, in falling order of precedence; ``ROUTINE`` stands alone."""

    REFUSED_AUTOMATION = "refused_automation"
    HARD_RULE = "hard_rule"
    HELD_CLUSTER = "held_cluster"
    FINDING = "finding"
    REVIEWED_CLUSTER = "reviewed_cluster"
    UNCONFIRMED_CLUSTER = "unconfirmed_cluster"
    HIGH_RISK_CLUSTER = "high_risk_cluster"
    PROVIDER_CONCENTRATION = "provider_concentration"
    EXPIRED_MODEL = "expired_model"
    CLOCK_BEHIND = "clock_behind"
    QUARANTINED_CLUSTER = "quarantined_cluster"
    UNCOUNTED_PROVIDERS = "uncounted_providers"
    UNSUPPORTED_CLUSTER = "unsupported_cluster"
    NOVEL = "novel"
    NOT_CALIBRATED = "not_calibrated"
    LOW_CONFIDENCE = "low_confidence"
    OUTSIDE_FAST_SHARE = "outside_fast_share"
    SPOT_CHECK = "spot_check"
    ROUTINE = "routine"


LANE_OF: dict[Reason, Lane] = {
    Reason.REFUSED_AUTOMATION: Lane.HUMAN,
    Reason.HARD_RULE: Lane.HOLD,
    Reason.HELD_CLUSTER: Lane.HOLD,
    Reason.FINDING: Lane.REVIEW,
    Reason.REVIEWED_CLUSTER: Lane.REVIEW,
    Reason.UNCONFIRMED_CLUSTER: Lane.HUMAN,
    Reason.HIGH_RISK_CLUSTER: Lane.REVIEW,
    Reason.PROVIDER_CONCENTRATION: Lane.REVIEW,
    Reason.EXPIRED_MODEL: Lane.HUMAN,
    Reason.CLOCK_BEHIND: Lane.HUMAN,
    Reason.QUARANTINED_CLUSTER: Lane.HUMAN,
    Reason.UNCOUNTED_PROVIDERS: Lane.HUMAN,
    Reason.UNSUPPORTED_CLUSTER: Lane.HUMAN,
    Reason.NOVEL: Lane.HUMAN,
    Reason.NOT_CALIBRATED: Lane.HUMAN,
    Reason.LOW_CONFIDENCE: Lane.HUMAN,
    Reason.OUTSIDE_FAST_SHARE: Lane.HUMAN,
    Reason.SPOT_CHECK: Lane.REVIEW,
    Reason.ROUTINE: Lane.FAST,
}
"""The lane that a reason asks for."""

BIT: dict[Reason, int] = {reason: 1 << place for place, reason in enumerate(tuple(Reason)[:-1])}
"""Reasons as bits of a word, the first of them lowest; no bit is ``ROUTINE``."""

Words = npt.NDArray[np.int32]


def reasons_of(word: int) -> tuple[Reason, ...]:
    """The reasons in a word, in falling order of precedence.

    Guarantees:
        * ``ROUTINE`` is the only reason if nothing else is one.
        * A spot check is only a reason where no other is.
    """
    found = tuple(reason for reason, bit in BIT.items() if word & bit)
    if len(found) > 1 and found[-1] is Reason.SPOT_CHECK:
        return found[:-1]
    return found or (Reason.ROUTINE,)


def lane_of(reasons: tuple[Reason, ...]) -> Lane:
    """The lane of a claim: what its first reason asks for."""
    return LANE_OF[reasons[0]]


def words(n: int, given: dict[Reason, npt.NDArray[np.bool_]]) -> Words:
    """Reasons of many claims as words, int32 ``(n,)``.

    Args:
        n: How many claims.
        given: Which claims each reason applies to; a reason that is not named applies to none.
    """
    held = np.zeros(n, np.int32)
    for reason, applies in given.items():
        held |= np.where(applies, np.int32(BIT[reason]), np.int32(0))
    return held


def lanes_of(held: Words) -> npt.NDArray[np.int64]:
    """The lanes of many claims, as places in ``LANES``; the same as ``lane_of(reasons_of(word))`` of each."""
    lowest = held & -held
    places = np.full(len(held), len(BIT), np.int64)
    places[lowest > 0] = np.log2(lowest[lowest > 0]).astype(np.int64)
    return _LANE_PLACES[places]


LANES: tuple[Lane, ...] = tuple(Lane)
_LANE_PLACES = np.array([LANES.index(LANE_OF[reason]) for reason in Reason], np.int64)
