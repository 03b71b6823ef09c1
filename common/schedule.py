"""The schedule of a run, with or without protection: what is asked next, given the sum of all answers so far.

Everything here is a function of the plan, of opened sums and of how many bureaus answered, so anybody who has seen
the sums can replay it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid
from common.plan import Phase, Plan
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.lbg import first, following, sums_of
from common.private.measured import measured_of
from common.private.question import n_words as n_private_words
from common.rounds import Outcome, Round, first_round, next_round
from common.summary import Summary, inertia

Words = npt.NDArray[np.int64]
AnyRound = Round | PrivateRound
AnyOutcome = Outcome | PrivateOutcome


def first_asked(plan: Plan) -> AnyRound:
    """The round that a run starts with."""
    return first_round(plan) if plan.privacy is None else first(plan)


def next_asked(plan: Plan, asked: AnyRound, total: Words, n_bureaus: int) -> AnyRound | AnyOutcome:
    """What follows from a round.

    Args:
        plan: Of the run.
        asked: The round.
        total: The words of all answers, added up.
        n_bureaus: How many answered.

    Raises:
        PlanError: If there are fewer claims than clusters, where that can be known.
        ValueError: If the words do not fit the round.
    """
    if isinstance(asked, PrivateRound):
        return following(plan, asked, total, n_bureaus)
    return next_round(plan, asked, _summary(plan, asked, total))


def n_words(plan: Plan, phase: Phase, n_centroids: int) -> int:
    """Words of every answer to a round."""
    if plan.privacy is not None:
        return n_private_words(plan, phase, n_centroids)
    return plan.summary_shape(phase, n_centroids).n_words


def inertia_seen(plan: Plan, asked: AnyRound, total: Words, n_bureaus: int) -> float | None:
    """Inertia around the centroids that were sent, squared feature units; noisy and bounded in a private round.

    Returns:
        None where the round did not ask for it.
    """
    if isinstance(asked, Round):
        return inertia(_summary(plan, asked, total), asked.centroids)
    if asked.phase in {Phase.RADIUS, Phase.OUTCOMES}:
        return None
    if asked.phase is Phase.MEASURE:
        return float(measured_of(plan, asked.question, total, n_bureaus).square_distances.sum())
    squares = sums_of(asked.question, total).squares / GRID_UNITS
    return float((squares * from_grid(asked.radii) ** 2).sum())


def _summary(plan: Plan, asked: Round, total: Words) -> Summary:
    return Summary.from_vector(total, plan.summary_shape(asked.phase, len(asked.centroids)))
