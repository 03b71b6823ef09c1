"""What every honest answer satisfies: rows lie in the unit ball, costs below the plan's cap, noise is not endless."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.costs import LOG_UNITS
from common.grid import GRID_UNITS, MAX_ROWS
from common.kernel import SQUARE_UNITS
from common.summary import Summary

Floats = npt.NDArray[np.float64]


def is_possible(summary: Summary, cost_cap_yuan: int) -> bool:
    """Whether some claims could have this summary; float64 limits, so that nothing a peer sends overflows.

    Args:
        summary: As a peer sent it.
        cost_cap_yuan: Of the plan.
    """
    counts = summary.counts.astype(np.float64)
    if counts.min() < 0 or counts.sum() > MAX_ROWS:
        return False
    reach = counts[:, None] * GRID_UNITS
    return (
        _within(summary.sums, -reach, reach)
        and _within(summary.squares, 0 * counts, counts * SQUARE_UNITS)
        and _costs_are_possible(summary.costs, counts[:, None], float(cost_cap_yuan))
    )


MOST_NOISE = float(1 << 45)
"""Grid units. No plan's noise has a deviation above ``2**40``, and 32 deviations do not happen."""

MOST_IN_A_SUM = float(1 << 62)


def is_possible_with_noise(words: npt.NDArray[np.int64]) -> bool:
    """Whether some claims, bounded to a weight of 1 each, could have these words with noise added."""
    return bool(np.all(np.abs(words.astype(np.float64)) <= MAX_ROWS * GRID_UNITS + MOST_NOISE))


def adds_up(total: npt.NDArray[np.int64], words: npt.NDArray[np.int64]) -> bool:
    """Whether a sum stays far from the end of 64 bits."""
    return bool(np.all(np.abs(total.astype(np.float64)) + np.abs(words.astype(np.float64)) < MOST_IN_A_SUM))


def _costs_are_possible(costs: npt.NDArray[np.int64], counts: Floats, cap: float) -> bool:
    """In the order of ``COST_FIELDS``; no columns where the round did not ask for costs."""
    n, rest = costs[:, :1], costs[:, 1:]
    most = np.array([LOG_UNITS, LOG_UNITS**2, cap, cap**2])[: rest.shape[1]]
    return _within(n, 0 * counts, counts) and _within(rest, 0 * counts, n * most)


def _within(values: npt.NDArray[np.int64], low: Floats, high: Floats) -> bool:
    return bool(np.all((low <= values) & (values <= high)))
