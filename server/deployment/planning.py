"""The plan of a run: what ``plan.toml`` says, or the counting of past outcomes around the newest model's clusters."""

from __future__ import annotations

from common.counting import counting_plan
from common.errors import InputError, PlanError
from common.model import Model
from common.plan import Plan
from server.deployment.office import Office
from server.deployment.plan_file import load_plan
from server.registry.run import Purpose


def plan_for(office: Office, purpose: Purpose) -> Plan:
    """The plan of a run.

    Raises:
        InputError: If the file needs mending, or no model was published whose outcomes could be counted.
        PlanError: If no plan can be so.
    """
    plan = load_plan(office.place.plan)
    if purpose is Purpose.CLUSTERS:
        return plan
    if plan.privacy is None:
        raise PlanError("outcomes are counted under a protected plan: set protection in plan.toml")
    newest = office.registry.models.newest()
    kept = None if newest is None else office.registry.models.find(newest.version)
    if kept is None:
        msg = "no model was published yet whose outcomes could be counted: order a run first"
        raise InputError(msg)
    return counting_plan(Model.model_validate_json(kept.model), plan.privacy.epsilon_thousandths)
