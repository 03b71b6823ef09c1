"""The policy: what this bureau never exceeds, whatever a plan asks. Only the bureau changes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from common.messages import Cohort, RefusalCode
from common.plan import Plan, Protection


class Policy(BaseModel):
    """Limits of one bureau.

    Attributes:
        min_cohort: Bureaus below which this bureau does not answer: with one bureau a sum *is* its summary.
        protections: What must stand between the summary and the coordinator; one of these.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    min_cohort: Annotated[int, Field(ge=1)] = 3
    protections: Annotated[frozenset[Protection], Field(strict=False)] = frozenset(Protection)

    def objection_to_plan(self, plan: Plan) -> RefusalCode | None:
        """Why this plan is not accepted, or None."""
        return None if plan.protection in self.protections else RefusalCode.POLICY

    def objection_to_cohort(self, cohort: Cohort, plan: Plan) -> RefusalCode | None:
        """Why this cohort is not accepted, or None; the stricter of plan and policy counts."""
        enough = len(cohort) >= max(self.min_cohort, plan.min_cohort)
        return None if enough else RefusalCode.COHORT_TOO_SMALL
