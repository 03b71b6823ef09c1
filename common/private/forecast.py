"""What a protected run will ask at most, before it begins: rounds, words and costs, from the plan alone."""

from __future__ import annotations

from dataclasses import dataclass

from common.plan import Phase, Plan
from common.private.budget import allotment
from common.private.question import Block, blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Rounds of one kind, as the plan foresees them.

    Attributes:
        phase: What they ask for.
        n_centroids: At most.
        cost: Of one of them, units of 1e-9 rho; a polishing round costs more if seeding ends early.
        blocks: What an answer is made of.
    """

    phase: Phase
    n_centroids: int
    cost: int
    blocks: tuple[Block, ...]


def forecast(plan: Plan) -> tuple[Forecast, ...]:
    """Every round of a protected plan, in order, with the most centroids it may have.

    Guarantees:
        * The costs add up to what the whole run may cost.

    Raises:
        PlanError: If the plan's budget cannot be divided.
        ValueError: If the plan has no protection.
    """
    privacy = plan.privacy
    if privacy is None:
        msg = "a plan without protection spends nothing"
        raise ValueError(msg)
    parts = allotment(privacy, plan.max_leaves)
    rounds = [(Phase.SEEDING, 1, parts.root), (Phase.RADIUS, 1, parts.histogram)] if plan.start is None else []
    for level, costs in enumerate(parts.levels, 1):
        rounds += [(Phase.SEEDING, min(2**level, plan.max_leaves), cost) for cost in costs]
    n_polish = privacy.division.polish_rounds
    left = parts.polish
    for done in range(n_polish):
        each = left // (n_polish - done)
        rounds.append((Phase.LLOYD, plan.n_clusters, each))
        left -= each
    rounds.append((Phase.MEASURE, plan.n_clusters, parts.measure))
    if parts.outcomes:
        rounds.append((Phase.OUTCOMES, plan.n_clusters, parts.outcomes))
    return tuple(
        Forecast(
            phase=phase,
            n_centroids=k,
            cost=cost,
            blocks=blocks(privacy, phase, k, plan.features.n_features, cost),
        )
        for phase, k, cost in rounds
    )
