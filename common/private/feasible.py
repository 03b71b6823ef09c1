"""Whether a plan's budget is worth spending, with the noise that its protection really adds."""

from __future__ import annotations

from math import sqrt

from common.accounting.feasibility import Feasibility, Verdict
from common.accounting.guarantee import Language
from common.errors import PlanError
from common.plan import Plan
from common.private.budget import allotment
from common.private.question import counted_on
from common.weighting import Weighting


def feasibility(plan: Plan, n_bureaus: int) -> Feasibility:
    """The feasibility index of a protected plan for a cohort.

    Noise that is added but not counted on lowers the index as if mu were smaller: ``sqrt(n_bureaus)`` times where
    every bureau adds the whole noise.

    Raises:
        ValueError: If the plan has no protection.
    """
    if plan.privacy is None:
        msg = "a plan without protection spends nothing"
        raise ValueError(msg)
    mu = allotment(plan.privacy, plan.max_leaves).calibration.mu
    return Feasibility(
        n_claims=plan.privacy.expected_units,
        mu=mu / sqrt(max(n_bureaus / counted_on(plan), 1.0)),
        claims_per_person=plan.privacy.contribution,
        n_clusters=plan.n_clusters,
        n_features=plan.features.n_features,
        counts_persons=plan.privacy.weighting is Weighting.SHARED,
    )


def refuse_infeasible(plan: Plan, n_bureaus: int) -> None:
    """Nothing, if the plan has no protection or its budget is worth spending.

    Raises:
        PlanError: If noise would decide where clusters are; the text says what to change.
    """
    if plan.privacy is None:
        return
    found = feasibility(plan, n_bureaus)
    if found.verdict is Verdict.REFUSE:
        raise PlanError(found.sentence(Language.ENGLISH))
