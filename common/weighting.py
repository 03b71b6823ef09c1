"""Weights of claims: by them the claims of one insured person are held to a bound.

Weights are integers, so the bound on a person is exact.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS

Weights = npt.NDArray[np.int64]
"""One a claim, in units of ``2**-20``, at most 1."""


class Weighting(StrEnum):
    """How claims of one insured person are held to a bound."""

    EACH_CLAIM = "each_claim"
    SHARED = "shared"
    CAPPED = "capped"


def weigh(person_ids: npt.NDArray[np.uint64], weighting: Weighting, cap: int = 1) -> Weights:
    """The weight of each claim, int64 ``(n_claims,)``, units of ``2**-20``.

    Guarantees:
        * Shared: a person's weights add up to at most 1; capped: to at most ``cap``; each claim: no bound on a person.

    Args:
        person_ids: Pseudonym of each claim's insured person.
        weighting: Shared gives each of a person's m claims the weight 1/m; capped keeps the first ``cap`` and gives
            the others none.
        cap: Claims of one person that count.

    Raises:
        ValueError: If the cap is below 1.
    """
    if cap < 1:
        msg = "at least one claim of each person must count"
        raise ValueError(msg)
    if weighting is Weighting.EACH_CLAIM:
        return np.full(len(person_ids), GRID_UNITS, np.int64)
    _, places, sizes = np.unique(person_ids, return_inverse=True, return_counts=True)
    if weighting is Weighting.SHARED:
        return np.asarray(GRID_UNITS // sizes[places], np.int64)
    order = np.argsort(places, kind="stable")
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(places), np.int64)
    rank[order] = np.arange(len(places)) - starts[places[order]]
    return np.where(rank < cap, GRID_UNITS, 0)
