"""Costs per claim in the integers that add up: capped whole yuan, and a logarithm on a coarse grid.

Claims without a positive cost take no part. The cap is the declared trimming: a public constant of the plan, never a
quantile of anybody's data. Squares stay exact: ``n * cap**2`` must stay below ``2**62``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from common.features.kernel import natural_log
from common.summary import COST_FIELDS

LOG_UNITS = 1 << 14
"""Steps of the logarithm between 1 fen and the cap."""

FEN_A_YUAN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The costs of ``n`` claims.

    Attributes:
        yuan: int32 ``(n,)``, whole yuan, capped; 0 for claims that take no part.
        log: int32 ``(n,)``, ``ln(fen) / ln(cap in fen)`` in steps of ``1 / LOG_UNITS``.
    """

    yuan: npt.NDArray[np.int32]
    log: npt.NDArray[np.int32]


@numba.njit(cache=True, nogil=True)
def _convert(total, cap, yuan, log):
    whole = natural_log(cap * 1.0)
    for claim in range(len(total)):
        fen = min(total[claim], cap)
        if fen > 0:
            yuan[claim] = max((fen + FEN_A_YUAN // 2) // FEN_A_YUAN, 1)
            log[claim] = np.int32(np.rint(natural_log(fen * 1.0) / whole * LOG_UNITS))


def costs_of(total: npt.NDArray[np.int64], cap_yuan: int) -> Costs:
    """Convert totals.

    Args:
        total: Fen ``(n,)``.
        cap_yuan: The plan's cap.
    """
    costs = Costs(yuan=np.zeros(len(total), np.int32), log=np.zeros(len(total), np.int32))
    _convert(total, cap_yuan * FEN_A_YUAN, costs.yuan, costs.log)
    return costs


@numba.njit(cache=True, nogil=True)
def _add(yuan, log, labels, sums):
    for claim in range(len(labels)):
        cost = np.int64(yuan[claim])
        if cost > 0:
            step = np.int64(log[claim])
            cell = labels[claim]
            sums[cell, 0] += 1
            sums[cell, 1] += step
            sums[cell, 2] += step * step
            sums[cell, 3] += cost
            sums[cell, 4] += cost * cost


def sum_costs(costs: Costs, labels: npt.NDArray[np.int32], n_clusters: int) -> npt.NDArray[np.int64]:
    """Cost sums per cluster, int64 ``(n_clusters, 5)``, in the order of ``COST_FIELDS``."""
    sums = np.zeros((n_clusters, len(COST_FIELDS)), np.int64)
    _add(costs.yuan, costs.log, labels, sums)
    return sums
