"""The schedule: which centroids come next, given the sums so far. A pure function that anybody can replay.

``first_round`` and ``next_round`` depend on the plan and on opened sums alone, so the coordinator runs them, and
every bureau can run them to check that the centroids it is sent follow from the sums it knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from common.errors import PlanError
from common.plan import Phase, Plan
from common.reduction import reduce_leaves
from common.refining import merge
from common.seeding import means, reseat, root, split
from common.summary import Summary, cell_inertia, inertia

Centroids = npt.NDArray[np.int64]

SEEDS_OF_REPAIRS = 1 << 20
SEEDS_OF_REFINEMENTS = 1 << 21
"""Keep the random directions of splits, repairs and refinements apart."""

MAX_REPAIRS = 3
"""How often clusters that end up too small are re-seated before they are dropped."""

PASSES_PER_REFINEMENT = 3
TRIES_PER_BREADTH = 4
WORTH_KEEPING = 1e-4
"""A refinement counts if it lowers inertia by more than this share."""

NO_INERTIA_YET = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A standstill that later rounds may fall back on.

    Attributes:
        centroids: Grid units ``(K, d)``.
        summary: The sums around them.
        inertia: Of the rows around their own means.
        n_small: Clusters below the plan's smallest.
    """

    centroids: Centroids
    summary: Summary
    inertia: float
    n_small: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is asked of the bureaus in one round, and what the next step needs to remember.

    Attributes:
        number: From 1.
        phase: What it is for.
        centroids: Grid units ``(n, d)``.
        level: In seeding, how often cells were split.
        step: Passes so far within the level, the standstill or the refinement.
        breadth: Clusters split at once in the next refinement.
        tries: Refinements of this breadth that did not pay.
        repairs: How often too small clusters were re-seated.
        last_inertia: Inertia of the Lloyd round before; infinite before the first.
        settled: The best standstill so far.
    """

    number: int
    phase: Phase
    centroids: Centroids
    level: int = 0
    step: int = 0
    breadth: int = 0
    tries: int = 0
    repairs: int = 0
    last_inertia: float = NO_INERTIA_YET
    settled: Settled | None = None

    @property
    def radii(self) -> Centroids:
        """None: nothing is bounded to a radius in an open round."""
        return np.zeros(0, np.int64)

    @property
    def cost(self) -> int:
        """An open round has no price."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a run: final centroids and their measured summary.

    Attributes:
        centroids: Grid units ``(K, d)``; K may be below the plan's where claims were too few or too alike.
        summary: Of the final assignment, with costs.
        rounds: Rounds used in all.
    """

    centroids: Centroids
    summary: Summary
    rounds: int


def first_round(plan: Plan) -> Round:
    """The round that a run starts with: one cell for everything, or the clusters that the plan starts with."""
    if plan.start is not None:
        centroids = plan.start.centroid_units()
        return Round(number=1, phase=Phase.LLOYD, centroids=centroids, breadth=plan.first_breadth)
    return Round(number=1, phase=Phase.SEEDING, centroids=root(plan.features.n_features))


def next_round(plan: Plan, last: Round, summary: Summary) -> Round | Outcome:
    """What follows from a round's opened sum.

    Raises:
        PlanError: If there are fewer claims than clusters.
        ValueError: If the summary is not of the round's shape.
    """
    if summary.shape != plan.summary_shape(last.phase, len(last.centroids)):
        msg = "the summary is not of the round's shape"
        raise ValueError(msg)
    if summary.n_rows < plan.n_clusters:
        msg = f"{summary.n_rows} claims cannot form {plan.n_clusters} clusters: ask for fewer, or bring more claims"
        raise PlanError(msg)
    if last.phase is Phase.MEASURE:
        return _after_measuring(plan, last, summary)
    moved = replace(last, number=last.number + 1, step=last.step + 1, centroids=means(summary, last.centroids))
    if last.phase is Phase.SEEDING:
        return _after_seeding(plan, moved, summary)
    if last.phase is Phase.REFINING:
        return _after_refining(plan, moved, summary)
    return _after_lloyd(plan, replace(moved, last_inertia=inertia(summary, last.centroids)), last, summary)


def _after_seeding(plan: Plan, moved: Round, summary: Summary) -> Round:
    """Another pass, or the next split, or (with all leaves grown) the reduction."""
    if moved.level > 0 and moved.step < plan.passes_per_level:
        return moved
    cells = moved.centroids
    halves = split(summary, cells, plan.max_leaves, (plan.seed, moved.level), plan.smallest_cluster)
    if len(halves) > len(cells):
        return replace(moved, centroids=halves, level=moved.level + 1, step=0)
    centroids = reduce_leaves(cells, summary.counts, plan.n_clusters, plan.reduction_restarts, plan.seed)
    return Round(number=moved.number, phase=Phase.LLOYD, centroids=centroids, breadth=plan.first_breadth)


def _after_lloyd(plan: Plan, moved: Round, last: Round, summary: Summary) -> Round:
    """Go on until the centroids stand still; then mend what is too small, refine, or measure."""
    out_of_rounds = moved.number >= plan.max_rounds
    lost = np.flatnonzero(summary.counts < (plan.smallest_cluster if _stands_still(plan, last, moved) else 1))
    if len(lost) and last.repairs < MAX_REPAIRS and not out_of_rounds:
        reseated = reseat(summary, moved.centroids, lost, (plan.seed, SEEDS_OF_REPAIRS + moved.number))
        return replace(moved, centroids=reseated, repairs=last.repairs + 1, last_inertia=NO_INERTIA_YET)
    if not _stands_still(plan, last, moved) and not out_of_rounds:
        return moved
    small = int((summary.counts < plan.smallest_cluster).sum())
    found = Settled(
        centroids=moved.centroids, summary=summary, inertia=float(cell_inertia(summary).sum()), n_small=small
    )
    if _is_better(found, last.settled):
        return _refined_or_measured(plan, replace(moved, settled=found, tries=0))
    return _refined_or_measured(plan, _discouraged(moved))


def _is_better(found: Settled, best: Settled | None) -> bool:
    """Fewer clusters that are too small come first, then less inertia."""
    if best is None or found.n_small != best.n_small:
        return best is None or found.n_small < best.n_small
    return found.inertia < best.inertia * (1.0 - WORTH_KEEPING)


def _discouraged(moved: Round) -> Round:
    """The last refinement did not pay: try again at this breadth, and in the end with half of it."""
    if moved.tries + 1 < TRIES_PER_BREADTH:
        return replace(moved, tries=moved.tries + 1)
    return replace(moved, breadth=moved.breadth // 2, tries=0)


def _stands_still(plan: Plan, last: Round, moved: Round) -> bool:
    if np.array_equal(moved.centroids, last.centroids):
        return True
    return moved.last_inertia > last.last_inertia * (1.0 - plan.stop_per_million / 1e6)


def _refined_or_measured(plan: Plan, moved: Round) -> Round:
    """Start a refinement from the best standstill while there is breadth and rounds are left, else measure."""
    best = _best(moved)
    kept = best.summary.counts >= plan.smallest_cluster
    if moved.breadth > 0 and moved.number < plan.max_rounds:
        seed = (plan.seed, SEEDS_OF_REFINEMENTS + moved.number)
        halves = split(best.summary, best.centroids, len(best.centroids) + moved.breadth, seed, plan.smallest_cluster)
        if len(halves) > len(best.centroids):
            return replace(moved, phase=Phase.REFINING, centroids=halves, step=0, repairs=0)
    return replace(moved, phase=Phase.MEASURE, centroids=best.centroids[kept] if kept.any() else best.centroids)


def _best(moved: Round) -> Settled:
    if moved.settled is None:
        msg = "nothing has settled yet"
        raise ValueError(msg)
    return moved.settled


def _after_refining(plan: Plan, moved: Round, summary: Summary) -> Round:
    """After some passes, merge; go on from there if it promises enough, else breathe less."""
    if moved.step < PASSES_PER_REFINEMENT:
        return moved
    best = _best(moved)
    merged = merge(summary, moved.centroids, len(best.centroids))
    if best.n_small or merged.inertia < best.inertia * (1.0 - WORTH_KEEPING):
        return replace(moved, phase=Phase.LLOYD, centroids=merged.centroids, step=0, last_inertia=NO_INERTIA_YET)
    return _refined_or_measured(plan, _discouraged(moved))


def _after_measuring(plan: Plan, last: Round, summary: Summary) -> Round | Outcome:
    """Done, unless dropping a cluster has left another one too small."""
    kept = summary.counts >= plan.smallest_cluster
    if kept.all() or not kept.any():
        return Outcome(centroids=last.centroids, summary=summary, rounds=last.number)
    return replace(last, number=last.number + 1, centroids=last.centroids[kept])
