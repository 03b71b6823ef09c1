"""How the budget of a protected run was spent: by phase in figures, by round in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from common.plan import Phase, Plan
from common.private.budget import allotment
from server.session import RoundReport
from simulations.report.budget_chart import budget_chart
from simulations.report.formats import integer, percent
from simulations.report.naming import phase_key
from simulations.report.texts import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseCost:
    """What the rounds of one phase cost.

    Attributes:
        phase: For its colour.
        key: Of its texts.
        n_rounds: How many.
        cost: Units of 1e-9 rho.
        share: Of what was granted.
    """

    phase: Phase
    key: str
    n_rounds: int
    cost: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What all rounds cost; costs in units of 1e-9 rho, shares of what was granted.

    Attributes:
        spent: By all rounds together.
        granted: By the plan.
        share_spent: Of it.
        share_left: The rest.
        phases: The same by phase.
        picture: The same by round.
    """

    spent: str
    granted: str
    share_spent: str
    share_left: str
    phases: tuple[PhaseCost, ...]
    picture: Markup


def spending_of(rounds: Sequence[RoundReport], plan: Plan, spent: int, texts: Catalogue) -> Spending:
    """What the rounds of a protected run cost.

    Raises:
        ValueError: If the plan has no protection.
    """
    if plan.privacy is None:
        msg = "a plan without protection spends nothing"
        raise ValueError(msg)
    granted = allotment(plan.privacy, plan.max_leaves).total
    return Spending(
        spent=integer(spent),
        granted=integer(granted),
        share_spent=percent(spent / granted, 1),
        share_left=percent((granted - spent) / granted, 1),
        phases=_phases(rounds, plan, granted),
        picture=budget_chart(rounds, plan, granted, texts),
    )


def _phases(rounds: Sequence[RoundReport], plan: Plan, granted: int) -> tuple[PhaseCost, ...]:
    found = [(phase, [report.cost for report in rounds if report.phase is phase]) for phase in Phase]
    return tuple(
        PhaseCost(
            phase=phase,
            key=phase_key(phase, plan),
            n_rounds=len(costs),
            cost=integer(sum(costs)),
            share=percent(sum(costs) / granted, 1),
        )
        for phase, costs in found
        if costs
    )
