"""DP-LBG: which cells are asked about next, given noisy sums so far. A pure function that anybody can replay.

Cells are split from noisy sums alone until there are several leaves a cluster; the coordinator reduces them to
clusters, which costs nothing; averaged private Lloyd rounds polish the result, and a last round measures it.

References:
    Linde, Buzo and Gray, "An Algorithm for Vector Quantizer Design", IEEE Trans. Communications 28(1), 1980.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from common.errors import RoundLostError
from common.grid import GRID_UNITS, from_grid, to_grid
from common.plan import Phase, Plan
from common.privacy import Privacy
from common.private import ticking
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.bounding import BoundedSums
from common.private.budget import LEAST_COST, Allotment, allotment, n_levels
from common.private.measured import CountedOutcomes, Measured, measured_of, outcomes_counted, unmeasured
from common.private.question import Question, bin_edges, blocks, counted_on, n_words, parted
from common.private.update import WIDEN, Caution, Cells, NoiseStds, least_count, radius_from_histogram, updated
from common.reduction import reduce_leaves
from common.start import Start

WITHIN = 0.995
"""Share of the claims that the root's radius reaches."""

SPLIT_STEP = 0.5
GROW_AFTER_SPLIT, GROW_LATER, GROW_POLISH = 1.3, 1.15, 1.1
DOUBT_ROOT, DOUBT_LEVEL, DOUBT_POLISH = 1.0, 0.5, 0.0
KEEP = (0.0, 0.5, 0.6, 0.7, 0.8)
"""What earlier polishing rounds weigh in each of them; the last holds for all that follow."""

Words = npt.NDArray[np.int64]


def first(plan: Plan) -> PrivateRound:
    """The root, one cell that is the whole unit ball; or the clusters that the plan starts with."""
    parts = _allotment(plan)
    if plan.goes_on is not None:
        return ticking.first(plan, parts.measure)
    if plan.start is not None:
        return _started(plan, plan.start, parts)
    root = Cells(
        centroids=np.zeros((1, plan.features.n_features), np.int64),
        radii=np.array([GRID_UNITS], np.int64),
        counts=np.ones(1),
        spread=np.ones(1),
    )
    return PrivateRound(number=1, phase=Phase.SEEDING, cells=root, cost=parts.root, spent=0, polish_left=parts.polish)


def noise_of(plan: Plan, cost: int, n_bureaus: int) -> NoiseStds:
    """The noise in the sum of ``n_bureaus`` answers to a round of sums that costs ``cost``."""
    stds = [
        sqrt(block.variance * n_bureaus / counted_on(plan)) / GRID_UNITS
        for block in blocks(_privacy(plan), Phase.SEEDING, 1, plan.features.n_features, cost)
    ]
    return NoiseStds(counts=stds[0], sums=stds[1], squares=stds[2])


def following(plan: Plan, last: PrivateRound, total: Words, n_bureaus: int) -> PrivateRound | PrivateOutcome:
    """What follows from the sum of all bureaus' noisy answers.

    Args:
        plan: Of the run.
        last: The round that was asked.
        total: The words of all answers, added up.
        n_bureaus: How many answered.

    Raises:
        ValueError: If the words do not fit the round.
    """
    if total.shape != (n_words(plan, last.phase, len(last.centroids)),):
        msg = "the sum is not of the round's shape"
        raise ValueError(msg)
    moved = replace(last, number=last.number + 1, spent=last.spent + last.cost)
    match last.phase:
        case Phase.WINDOW:
            return ticking.ended(plan, last, total, n_bureaus)
        case Phase.RADIUS:
            return _after_radius(plan, moved, total, n_bureaus)
        case Phase.MEASURE:
            return _after_measuring(plan, moved, measured_of(plan, last.question, total, n_bureaus))
        case Phase.OUTCOMES:
            return _ended(plan, moved, outcomes_counted(plan, last.question, total, n_bureaus))
        case _:
            return _after_sums(plan, last, moved, total, n_bureaus)


def _after_sums(
    plan: Plan, last: PrivateRound, moved: PrivateRound, total: Words, n_bureaus: int
) -> PrivateRound | PrivateOutcome:
    """What follows from sums around cells: of the seeding, or of polishing."""
    noisy, noise = sums_of(last.question, total), noise_of(plan, last.cost, n_bureaus)
    least = least_count(plan.features.n_features, noise)
    moved = replace(moved, cells=updated(last.cells, noisy, noise, _caution(last, least)))
    if last.phase is Phase.LLOYD:
        return _after_polish(plan, moved)
    if last.level == 0:
        return replace(moved, phase=Phase.RADIUS, cost=_allotment(plan).histogram)
    return _after_level(plan, moved, n_bureaus)


def _caution(asked: PrivateRound, least: float) -> Caution:
    """How the sums of a round are read."""
    if asked.phase is Phase.LLOYD:
        keep = KEEP[min(asked.level, len(KEEP) - 1)]
        return Caution(least=0.5 * least, grow=GROW_POLISH, doubt=DOUBT_POLISH, keep=keep)
    if asked.level == 0:
        return Caution(least=0.0, grow=GROW_LATER, doubt=DOUBT_ROOT)
    return Caution(least=least, grow=GROW_LATER if asked.pass_ else GROW_AFTER_SPLIT, doubt=DOUBT_LEVEL)


def after_loss(plan: Plan, asked: PrivateRound, n_bureaus: int) -> PrivateRound | PrivateOutcome:
    """What follows when a round's answers are paid for and can no longer be opened.

    The round is asked again with fresh noise, and polishing pays for it. A lost measuring round is not repeated:
    figures are those of the last polishing round then, without costs. Nor are lost counts of outcomes.

    Args:
        plan: Of the run.
        asked: The round that was lost.
        n_bureaus: How many bureaus answer from here on.

    Raises:
        RoundLostError: If polishing has too little left.
    """
    moved = replace(asked, number=asked.number + 1, spent=asked.spent + asked.cost)
    if asked.phase is Phase.OUTCOMES:
        return _ended(plan, moved, None)
    rounds = _privacy(plan).division.polish_rounds
    if asked.phase is Phase.MEASURE and rounds:
        return _after_measuring(plan, moved, unmeasured(plan, asked.cells, asked.cost, n_bureaus))
    left = asked.polish_left - asked.cost
    if asked.phase in {Phase.MEASURE, Phase.WINDOW} or left < LEAST_COST * rounds:
        anew = "go on with the next window" if asked.phase is Phase.WINDOW else "start a new run"
        msg = f"round {asked.number} was lost, and the budget has nothing left to repeat it: {anew}"
        raise RoundLostError(msg)
    if asked.phase is Phase.LLOYD:
        return replace(moved, polish_left=left, cost=left // (rounds - asked.level))
    return replace(moved, polish_left=left)


def sums_of(question: Question, total: Words) -> BoundedSums:
    """The sums in an answer to a round of sums."""
    k, d = question.centroids.shape
    counts, sums, squares = parted(total[: k * (d + 2)], (k, k * d, k))
    return BoundedSums(counts=counts, sums=sums.reshape(k, d), squares=squares)


def _privacy(plan: Plan) -> Privacy:
    if plan.privacy is None:
        msg = "a plan without protection has no private rounds"
        raise ValueError(msg)
    return plan.privacy


def _allotment(plan: Plan) -> Allotment:
    return allotment(_privacy(plan), plan.max_leaves)


def _started(plan: Plan, start: Start, parts: Allotment) -> PrivateRound:
    """The first round of a run that knows its clusters: polishing, or measuring if there is none."""
    radii = start.radius_units()
    cells = Cells(
        centroids=start.centroid_units(),
        radii=radii,
        counts=np.ones(len(radii)),
        spread=from_grid(radii) ** 2 / WIDEN**2,
    )
    rounds = _privacy(plan).division.polish_rounds
    phase, cost = (Phase.LLOYD, parts.polish // rounds) if rounds else (Phase.MEASURE, parts.measure)
    return PrivateRound(number=1, phase=phase, cells=cells, cost=cost, spent=0, polish_left=parts.polish)


def _after_measuring(plan: Plan, moved: PrivateRound, found: Measured) -> PrivateRound | PrivateOutcome:
    """The end, or the round of outcomes, if the plan asks for it."""
    moved = replace(moved, measured=found)
    cost = _allotment(plan).outcomes
    return replace(moved, phase=Phase.OUTCOMES, cost=cost) if cost else _ended(plan, moved, None)


def _ended(plan: Plan, moved: PrivateRound, outcomes: CountedOutcomes | None) -> PrivateOutcome:
    if moved.measured is None:
        msg = "a run ends after it was measured"
        raise ValueError(msg)
    found = PrivateOutcome(
        centroids=moved.centroids,
        measured=moved.measured,
        rounds=moved.number - 1,
        spent=moved.spent,
        outcomes=outcomes,
    )
    return found if plan.window is None else ticking.begun_with(plan.window, found)


def _after_radius(plan: Plan, moved: PrivateRound, total: Words, n_bureaus: int) -> PrivateRound:
    radius = radius_from_histogram(total, bin_edges(), WITHIN)
    spread = np.maximum(moved.cells.spread, (0.2 * radius / GRID_UNITS) ** 2)
    cells = replace(moved.cells, radii=np.array([radius], np.int64), spread=spread)
    return _split(plan, replace(moved, cells=cells), n_bureaus)


def _after_level(plan: Plan, moved: PrivateRound, n_bureaus: int) -> PrivateRound:
    passes = _allotment(plan).levels[moved.level - 1]
    if moved.pass_ + 1 < len(passes):
        return replace(moved, pass_=moved.pass_ + 1, cost=passes[moved.pass_ + 1])
    if moved.level >= n_levels(plan.max_leaves):
        return _reduced(plan, moved)
    return _split(plan, moved, n_bureaus)


def _split(plan: Plan, moved: PrivateRound, n_bureaus: int) -> PrivateRound:
    """The next level; if no cell is worth splitting, what seeding has left goes to polishing."""
    levels, cells = _allotment(plan).levels, moved.cells
    cost = levels[moved.level][0]
    needed = least_count(plan.features.n_features, noise_of(plan, cost, n_bureaus))
    order = np.argsort(-(cells.counts * cells.spread), kind="stable")
    room = min(2 * len(cells.counts), plan.max_leaves) - len(cells.counts)
    chosen = order[cells.counts[order] >= 2.0 * needed][:room]
    if not len(chosen) and moved.level > 0:
        unspent = sum(sum(passes) for passes in levels[moved.level :])
        return _reduced(plan, replace(moved, polish_left=moved.polish_left + unspent))
    chosen = chosen if len(chosen) else order[:1]
    halves = _halved(cells, chosen, np.random.Generator(np.random.PCG64((plan.seed, moved.level + 1))))
    return replace(moved, phase=Phase.SEEDING, cells=halves, cost=cost, level=moved.level + 1, pass_=0)


def _halved(cells: Cells, chosen: npt.NDArray[np.intp], rng: np.random.Generator) -> Cells:
    signs = 2.0 * rng.integers(0, 2, (len(chosen), cells.centroids.shape[1])) - 1.0
    steps = to_grid(SPLIT_STEP * np.sqrt(cells.spread[chosen] / signs.shape[1])[:, None] * signs)
    lower = cells.centroids.copy()
    lower[chosen] -= steps
    return Cells(
        centroids=np.concatenate([lower, cells.centroids[chosen] + steps]),
        radii=np.concatenate([cells.radii, cells.radii[chosen]]),
        counts=np.concatenate([cells.counts, cells.counts[chosen]]),
        spread=np.concatenate([cells.spread, cells.spread[chosen]]),
    )


def _reduced(plan: Plan, moved: PrivateRound) -> PrivateRound:
    """From leaves to clusters, from what is released already; then the first polishing round."""
    leaves, privacy = moved.cells, _privacy(plan)
    weights = np.maximum(np.rint(leaves.counts * 16), 1.0).astype(np.int64)
    centroids = reduce_leaves(leaves.centroids, weights, plan.n_clusters, privacy.reduction_restarts, plan.seed)
    each = moved.polish_left // privacy.division.polish_rounds
    return replace(moved, phase=Phase.LLOYD, cells=_gathered(leaves, centroids), cost=each, level=0, pass_=0)


def _gathered(leaves: Cells, centroids: npt.NDArray[np.int64]) -> Cells:
    """Clusters with the counts, spreads and reach of the leaves nearest to them."""
    places, kept = from_grid(centroids), from_grid(leaves.centroids)
    square = (kept**2).sum(axis=1)[:, None] + (places**2).sum(axis=1) - 2.0 * kept @ places.T
    square = np.maximum(square, 0.0)
    owner, off = square.argmin(axis=1), square.min(axis=1)
    k = len(centroids)
    counts = np.bincount(owner, leaves.counts, k).astype(np.float64)
    spread = np.bincount(owner, leaves.counts * (leaves.spread + off), k) / np.maximum(counts, 1e-9)
    alone = np.bincount(owner, minlength=k) == 1
    farthest = np.zeros(k)
    np.maximum.at(farthest, owner, np.sqrt(off) + from_grid(leaves.radii))
    radii = np.clip(np.where(alone, farthest, 1.8 * np.sqrt(spread)), 1e-3, 2.0)
    return Cells(centroids=centroids, radii=to_grid(radii), counts=counts, spread=spread)


def _after_polish(plan: Plan, moved: PrivateRound) -> PrivateRound:
    """Another polishing round; after the last one, measure."""
    left = replace(moved, polish_left=moved.polish_left - moved.cost, level=moved.level + 1)
    rounds = _privacy(plan).division.polish_rounds
    if left.level >= rounds:
        return replace(left, phase=Phase.MEASURE, cost=_allotment(plan).measure)
    return replace(left, cost=left.polish_left // (rounds - left.level))
