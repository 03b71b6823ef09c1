"""The figures of a finished run, as they are published: above the floor, and no more exact than they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, hypot, sqrt

import numpy as np
import numpy.typing as npt

from common.costs import LOG_UNITS
from common.floor import DEVIATIONS, is_small, shown
from common.outcomes import DECIDED, ClaimOutcome
from common.plan import Plan
from common.private.asked import PrivateOutcome
from common.private.bounding import yuan_of
from common.quality import cv_of_cost, explained_share, riv_of_cost, riv_of_log_cost, share_with_cv_below_one
from common.rounds import Outcome
from common.summary import cell_inertia, inertia

Floats = npt.NDArray[np.float64]

CLEAR = 4.0
"""Deviations of its noise above which a count is large enough to divide by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFigures:
    """Of one cluster; None is hidden or not known.

    Attributes:
        count: Claims, or persons where weights are shared.
        mean_square_distance: Of the claims to their mean, squared feature units.
        cost_n: Of them with a positive cost.
        cost_mean: Yuan, capped.
        cost_geometric_mean: Yuan, capped.
        cost_cv: Of capped cost.
    """

    count: int | None = None
    mean_square_distance: float | None = None
    cost_n: int | None = None
    cost_mean: float | None = None
    cost_geometric_mean: float | None = None
    cost_cv: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFigures:
    """How past claims of one cluster were decided; None is hidden.

    Attributes:
        decided: Claims with an outcome, or persons where weights are shared; where only few of the cluster's claims
            have none, told as so many fewer than the cluster's count that nobody can tell how few.
        adverse_low: Of them not approved as they were: no fewer than this.
        adverse_high: No more than this; the same as ``adverse_low`` unless it or its complement is below the floor.
        fraud: Of them confirmed fraud.
        largest_provider: Claims of each bureau's provider with most of them, added up over bureaus.
    """

    decided: int | None = None
    adverse_low: int | None = None
    adverse_high: int | None = None
    fraud: int | None = None
    largest_provider: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of all clusters, largest first.

    Attributes:
        order: From this order to the outcome's ``(K,)``.
        clusters: One each.
        count_noise_std: Of the noise in each count; 0 if there is none.
        n_claims: In all clusters.
        inertia: Squared feature units.
        riv_log_cost: Share of variance between clusters.
        riv_cost: The same of cost itself; None where it was not measured.
        share_clusters_cv_below_1: None where it was not measured.
    """

    order: npt.NDArray[np.intp]
    clusters: tuple[ClusterFigures, ...]
    count_noise_std: float
    n_claims: int
    inertia: float
    riv_log_cost: float
    riv_cost: float | None
    share_clusters_cv_below_1: float | None


def figures_of(plan: Plan, outcome: Outcome | PrivateOutcome) -> Figures:
    """The figures of a run that has ended."""
    return _noisy(plan, outcome) if isinstance(outcome, PrivateOutcome) else _exact(plan, outcome)


def _exact(plan: Plan, outcome: Outcome) -> Figures:
    order = np.argsort(-outcome.summary.counts, kind="stable")
    summary = outcome.summary.select(order)
    visible = shown(summary.counts.astype(np.float64), plan.smallest_cluster)
    spread = cell_inertia(summary) / np.maximum(summary.counts, 1)
    cvs = cv_of_cost(summary.costs)
    whole = np.log(plan.cost_cap_yuan * 100.0) / LOG_UNITS

    def cluster(k: int) -> ClusterFigures:
        count, cost_n = int(summary.counts[k]), int(summary.costs[k, 0])
        if not visible[k]:
            return ClusterFigures()
        found = ClusterFigures(count=count, mean_square_distance=float(spread[k]), cost_n=cost_n)
        if cost_n < max(plan.smallest_cluster, 1):
            return ClusterFigures(
                count=count, mean_square_distance=found.mean_square_distance, cost_n=0 if cost_n == 0 else None
            )
        return ClusterFigures(
            count=count,
            mean_square_distance=found.mean_square_distance,
            cost_n=None if is_small(count - cost_n, plan.smallest_cluster) else cost_n,
            cost_mean=float(summary.costs[k, 3] / cost_n),
            cost_geometric_mean=float(np.exp(summary.costs[k, 1] / cost_n * whole) / 100.0),
            cost_cv=None if np.isnan(cvs[k]) else float(cvs[k]),
        )

    return Figures(
        order=order,
        clusters=tuple(cluster(k) for k in range(len(order))),
        count_noise_std=0.0,
        n_claims=summary.n_rows,
        inertia=inertia(summary, outcome.centroids[order]),
        riv_log_cost=riv_of_log_cost(summary.costs),
        riv_cost=riv_of_cost(summary.costs),
        share_clusters_cv_below_1=share_with_cv_below_one(summary.costs),
    )


def _noisy(plan: Plan, outcome: PrivateOutcome) -> Figures:
    found = outcome.measured
    order = np.argsort(-found.counts, kind="stable")
    counts, squares, costs = found.counts[order], found.square_distances[order], found.costs[order]
    visible = shown(counts, plan.smallest_cluster, found.count_noise_std)
    n_with_cost = costs[:, 0]
    with_cost = visible & (n_with_cost >= CLEAR * found.cost_noise_std)
    means = yuan_of(costs[:, 1] / np.maximum(n_with_cost, 1.0), plan.cost_cap_yuan)

    def cluster(k: int) -> ClusterFigures:
        if not visible[k]:
            return ClusterFigures()
        return ClusterFigures(
            count=round(counts[k]),
            mean_square_distance=float(max(squares[k], 0.0) / counts[k]),
            cost_geometric_mean=float(means[k]) if with_cost[k] else None,
        )

    return Figures(
        order=order,
        clusters=tuple(cluster(k) for k in range(len(order))),
        count_noise_std=found.count_noise_std,
        n_claims=max(round(counts.sum()), 0),
        inertia=float(max(squares.sum(), 0.0)),
        riv_log_cost=_noisy_riv(costs, found.cost_noise_std),
        riv_cost=None,
        share_clusters_cv_below_1=None,
    )


def outcome_figures_of(plan: Plan, outcome: PrivateOutcome) -> tuple[OutcomeFigures, ...]:
    """How past claims were decided, in the order of ``figures_of``; none where that was not asked.

    Guarantees:
        * No count below the floor is shown, nor one from which such a count could be worked out.
    """
    found = outcome.outcomes
    if found is None:
        return ()
    order = np.argsort(-outcome.measured.counts, kind="stable")
    counts = outcome.measured.counts[order]
    std = found.noise_std * sqrt(len(DECIDED))
    undecided = Fewest(floor=plan.smallest_cluster, noise_std=hypot(std, outcome.measured.count_noise_std))
    decided = np.minimum(found.decided[order].sum(axis=1), counts - undecided.limit)
    visible = shown(decided, plan.smallest_cluster, std)
    fewest = Fewest(floor=plan.smallest_cluster, noise_std=std)

    def cluster(place: int) -> OutcomeFigures:
        row, provider = found.decided[order[place]], found.largest_provider[order[place]]
        largest = None if fewest.hides(provider) or fewest.hides(counts[place] - provider) else round(provider)
        if not visible[place]:
            return OutcomeFigures(largest_provider=largest)
        low, high = _adverse(fewest, decided[place], row)
        fraud = row[ClaimOutcome.FRAUD]
        hidden = low != high or fewest.hides(fraud) or fewest.hides(high - fraud)
        return OutcomeFigures(
            decided=round(decided[place]),
            adverse_low=low,
            adverse_high=high,
            fraud=None if hidden else round(fraud),
            largest_provider=largest,
        )

    return tuple(cluster(place) for place in range(len(order)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewest:
    """What a count must reach to be shown."""

    floor: int
    noise_std: float

    @property
    def limit(self) -> float:
        """The floor, and two deviations of the noise."""
        return self.floor + DEVIATIONS * self.noise_std

    def hides(self, count: float) -> bool:
        """Whether a count stays below it."""
        return count < self.limit


def _adverse(fewest: Fewest, decided: float, outcomes: Floats) -> tuple[int, int]:
    """Between what the number of claims lies that were not approved, as far as it may be shown; within ``decided``."""
    approved = float(outcomes[ClaimOutcome.APPROVED])
    adverse = min(float(outcomes.sum()) - approved, decided)
    if fewest.hides(adverse):
        return 0, min(ceil(fewest.limit), round(decided))
    if fewest.hides(approved):
        return max(floor(decided - fewest.limit), 0), round(decided)
    return round(adverse), round(adverse)


def _noisy_riv(costs: Floats, noise_std: float) -> float:
    """RIV of log cost; ``sum**2 / n`` is too large by the noise of the sum and of the count, which is taken off."""
    n, sums, squares = costs.T
    clear = n >= CLEAR * noise_std
    if not clear.any():
        return 0.0
    means = sums / np.maximum(n, 1.0)
    shrunk = np.sqrt(np.maximum(sums**2 - (1.0 + means**2) * noise_std**2, 0.0)) * np.sign(sums)
    return explained_share(n[clear], shrunk[clear], squares[clear])
