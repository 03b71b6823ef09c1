"""Why a window published nothing, sorted."""

from __future__ import annotations

from enum import StrEnum


class Kept(StrEnum):
    """Reasons to keep the old model."""

    POOLED = "pooled"
    COHORT = "cohort"
    LOST = "lost"
    REFUSED = "refused"
    PLAN = "plan"
    OTHER = "other"


_BEGINNINGS = {
    "too few claims": Kept.POOLED,
    "CohortError": Kept.COHORT,
    "RoundLostError": Kept.LOST,
    "RefusedError": Kept.REFUSED,
    "PlanError": Kept.PLAN,
}


def kept(because: str) -> Kept | None:
    """The sort of a tick's reason; None where a model was published."""
    return _BEGINNINGS.get(because.partition(":")[0].strip(), Kept.OTHER) if because else None
