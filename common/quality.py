"""What a clustering explains of cost, from sums alone: RIV and CV, as case-mix studies report them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def explained_share(n: Floats, sums: Floats, square_sums: Floats) -> float:
    """Reduction in variance (RIV, R squared): the share of variance that lies between the clusters.

    Args:
        n: Values per cluster ``(K,)``.
        sums: Their sums ``(K,)``.
        square_sums: Sums of their squares ``(K,)``.

    Returns:
        Between 0 and 1; 0 where there is no variance at all.
    """
    total = square_sums.sum() - sums.sum() ** 2 / max(n.sum(), 1.0)
    within = (square_sums - sums**2 / np.maximum(n, 1.0)).sum()
    return float(min(max(1.0 - within / total, 0.0), 1.0)) if total > 0 else 0.0


def coefficients_of_variation(n: Floats, sums: Floats, square_sums: Floats) -> Floats:
    """Standard deviation over mean per cluster ``(K,)``; NaN where there is no positive mean.

    Values below 1 are the accepted criterion of a homogeneous group.
    """
    size = np.maximum(n, 1.0)
    means = sums / size
    variances = np.maximum(square_sums / size - means**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(means > 0, np.sqrt(variances) / means, np.nan)


def riv_of_log_cost(costs: npt.NDArray[np.int64]) -> float:
    """RIV of log cost from ``Summary.costs``; the same for any unit of the logarithm."""
    n, log_sum, log_square_sum = costs[:, :3].T.astype(np.float64)
    return explained_share(n, log_sum, log_square_sum)


def riv_of_cost(costs: npt.NDArray[np.int64]) -> float:
    """RIV of capped cost from ``Summary.costs``."""
    n, total, square_total = costs[:, [0, 3, 4]].T.astype(np.float64)
    return explained_share(n, total, square_total)


def cv_of_cost(costs: npt.NDArray[np.int64]) -> Floats:
    """CV of capped cost per cluster from ``Summary.costs``."""
    n, total, square_total = costs[:, [0, 3, 4]].T.astype(np.float64)
    return coefficients_of_variation(n, total, square_total)


def share_with_cv_below_one(costs: npt.NDArray[np.int64]) -> float:
    """Share of clusters with any cost whose CV of capped cost is below 1."""
    cv = cv_of_cost(costs)
    known = ~np.isnan(cv)
    return float((cv[known] < 1.0).mean()) if known.any() else 0.0
