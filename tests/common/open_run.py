"""A whole run without messages: the schedule of rounds over rows in memory."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from common.features.spec import AttributeBlock, FeatureSpec
from common.kernel import e_step, row_norms
from common.plan import Phase, Plan
from common.rounds import Outcome, Round, first_round, next_round
from common.summary import COST_FIELDS, Summary


def plan_of(n_features: int, **changes: object) -> Plan:
    """A plan whose rows have a given length."""
    block = AttributeBlock(share=1000, field="med_type", values=tuple(str(place) for place in range(n_features)))
    return Plan.model_validate(
        {"features": FeatureSpec(name="plain", blocks=(block,)), "min_cohort": 1, "protection": "none"} | changes
    )


def summarise(rows: npt.NDArray[np.float32], asked: Round) -> Summary:
    """What one bureau with these rows would answer; costs are all zero."""
    step = e_step(rows, row_norms(rows), asked.centroids)
    n_costs = len(COST_FIELDS) if asked.phase is Phase.MEASURE else 0
    costs = np.zeros((len(asked.centroids), n_costs), np.int64)
    return Summary(counts=step.counts, sums=step.sums, squares=step.squares, costs=costs)


def rounds_of(plan: Plan, rows: npt.NDArray[np.float32]) -> Iterator[tuple[Round, Summary, Round | Outcome]]:
    """Each round of a run with its sum and what follows from it."""
    asked: Round | Outcome = first_round(plan)
    while isinstance(asked, Round):
        summary = summarise(rows, asked)
        following = next_round(plan, asked, summary)
        yield asked, summary, following
        asked = following


def outcome_of(plan: Plan, rows: npt.NDArray[np.float32]) -> Outcome:
    """The end of a run."""
    *_, (_, _, last) = rounds_of(plan, rows)
    assert isinstance(last, Outcome)
    return last
