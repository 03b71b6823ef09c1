"""What every honest sum of noisy answers satisfies: bounds that claims cannot leave, widened by noise that never is."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, MAX_ROWS
from common.plan import Phase, Plan
from common.private.question import OPERATIONS, Question, blocks, counted_on, parted

DEVIATIONS = 16.0
"""Noise beyond so many standard deviations has a probability below 1e-56."""


def is_plausible(plan: Plan, question: Question, total: npt.NDArray[np.int64], n_bureaus: int) -> bool:
    """Whether some claims of ``n_bureaus`` bureaus could have this sum.

    Guarantees:
        * True for honest bureaus, but with a probability below 1e-50.
        * False if a count is negative beyond noise or all counts together exceed ``MAX_ROWS``, or if a sum or a square
          exceeds its cell's count beyond noise, or a category of operations all counts; so also, all but surely, for
          words that were not masked as agreed.

    Args:
        plan: Protected.
        question: What was asked.
        total: The opened sum.
        n_bureaus: How many are in it.
    """
    if plan.privacy is None:
        msg = "a plan without protection has no noise"
        raise ValueError(msg)
    k, d = question.centroids.shape
    parts = blocks(plan.privacy, question.phase, k, d, question.cost)
    slack = [DEVIATIONS * sqrt(part.variance * n_bureaus / counted_on(plan)) + GRID_UNITS for part in parts]
    words = [held.astype(np.float64) for held in parted(total, tuple(part.n_words for part in parts))]
    counts, room = words[0], slack[0]
    if counts.min() < -room or counts.sum() > MAX_ROWS * GRID_UNITS + room * len(counts):
        return False
    if question.phase in {Phase.RADIUS, Phase.OUTCOMES}:
        return all(bool(held.min() >= -more) for held, more in zip(words, slack, strict=True))
    everybody = float(np.maximum(counts, 0.0).sum())
    return all(
        bool(np.all((held >= -more) & (held <= everybody + room * k + more)))
        if part.name == OPERATIONS
        else bool(np.all(np.abs(held.reshape(k, -1)) <= np.maximum(counts, 0.0)[:, None] + room + more))
        for part, held, more in zip(parts[1:], words[1:], slack[1:], strict=True)
    )
