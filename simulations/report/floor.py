"""The floor: counts from 1 to 10 are never shown, nor figures from which one could be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulations.report.formats import NOTHING, integer
from simulations.story import FLOOR

FEWEST_TOGETHER = 2
"""Of one hidden count and a known total the count follows; so never hide one alone."""

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def is_small(count: int) -> bool:
    """Whether a count may not be shown."""
    return 0 < count < FLOOR


def hidden(counts: Sequence[int]) -> tuple[bool, ...]:
    """Which of some counts with a known total to hide: the small ones, and others so that none can be worked out."""
    return tuple(bool(one) for one in hidden_cells(np.array(counts, np.int64).reshape(1, -1), columns=False)[0])


def shown_counts(counts: Sequence[int]) -> tuple[str, ...]:
    """Counts with a known total in words: a small one as such, one that would give it away not at all."""
    return tuple(
        f"<{FLOOR}" if is_small(count) else NOTHING if hide else integer(count)
        for count, hide in zip(counts, hidden(counts), strict=True)
    )


def hidden_cells(counts: Counts, *, columns: bool = True) -> Mask:
    """Which cells of a table with known margins to hide.

    Guarantees:
        * Every small cell is hidden.
        * In every row (and column) with a hidden cell there are at least two, which together reach the floor, as far
          as the line has cells at all.

    Args:
        counts: ``(n, m)``.
        columns: Whether totals of columns are known, too.
    """
    mask: Mask = (counts > 0) & (counts < FLOOR)
    while True:
        before = mask.sum()
        for line, held in zip(counts, mask, strict=True):
            _complete(line, held)
        for line, held in zip(counts.T, mask.T, strict=True) if columns else ():
            _complete(line, held)
        if mask.sum() == before:
            return mask


def _complete(counts: Counts, mask: Mask) -> None:
    """Hide further cells of a line, in place: the smallest first, zeros last."""
    order = sorted(np.flatnonzero(~mask), key=lambda place: (counts[place] == 0, counts[place]))
    for place in order:
        if not mask.any() or (mask.sum() >= FEWEST_TOGETHER and counts[mask].sum() >= FLOOR):
            return
        mask[place] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedShare:
    """A share that gives no small count away.

    Attributes:
        bound: Whether ``value`` is the share itself, or a bound of it, because the part or the rest is small.
        value: From 0 to 1.
    """

    bound: Literal["", "≤", "≥"]
    value: float


def guarded_share(part: int, whole: int) -> GuardedShare:
    """The share of ``part`` in ``whole``, or a bound that says no more than that a count is small."""
    if is_small(part):
        return GuardedShare(bound="≤", value=min(1.0, (FLOOR - 1) / max(whole, 1)))
    if is_small(whole - part):
        return GuardedShare(bound="≥", value=(whole - FLOOR + 1) / whole)
    return GuardedShare(bound="", value=part / max(whole, 1))
