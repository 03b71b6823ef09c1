"""Terms of a simulated run's privacy: what the plan can only say once the bureaus are known."""

from __future__ import annotations

from math import floor, log10

from common.errors import PlanError
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.weighting import Weighting

FEWEST_BUREAUS = 3
"""With two, each would know the other's summary from the sum."""

DIGITS = 2
"""Of a public estimate: a simulation knows exact numbers, a plan may not."""


def fitted(plan: Plan, n_bureaus: int, n_claims: int, n_persons: int) -> Plan:
    """The plan for these bureaus: cohort no larger than they are, honest floor and public estimate filled in."""
    changes: dict[str, object] = {"min_cohort": min(plan.min_cohort, n_bureaus)}
    if plan.protection is Protection.SECURE:
        if n_bureaus < FEWEST_BUREAUS:
            msg = f"a secure sum needs {FEWEST_BUREAUS} bureaus, not {n_bureaus}: add bureaus, or --protection noise"
            raise PlanError(msg)
        changes["min_cohort"] = max(plan.min_cohort, threshold(n_bureaus))
    if plan.privacy is not None:
        n_units = n_persons if plan.privacy.weighting is Weighting.SHARED else n_claims
        terms = {"expected_units": estimate(n_units), "honest_floor": honest_floor(n_bureaus)}
        changes["privacy"] = Privacy.model_validate(plan.privacy.model_dump() | terms)
    return Plan.model_validate(plan.model_dump() | changes)


def honest_floor(n_bureaus: int) -> int:
    """How many bureaus' noise a secure sum may count on: the threshold, less a fifth that might collude.

    >>> honest_floor(3), honest_floor(7), honest_floor(10), honest_floor(100)
    (2, 4, 5, 47)
    """
    return max(2, threshold(n_bureaus) - max(1, n_bureaus // 5))


def threshold(n_bureaus: int) -> int:
    """How many bureaus a secure sum must hold: more than two thirds.

    >>> threshold(3), threshold(7), threshold(10)
    (3, 5, 7)
    """
    return min(2 * n_bureaus // 3 + 1, n_bureaus)


def estimate(number: int) -> int:
    """The number with two leading digits.

    >>> estimate(64_549), estimate(7)
    (65000, 7)
    """
    return round(number, DIGITS - 1 - floor(log10(max(number, 1)))) if number > 0 else 1
