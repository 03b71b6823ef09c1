"""The question of a private round, and what its answer is made of: blocks of words, each with its own noise.

Everything here follows from the plan and from what the coordinator sends, so bureau and coordinator agree on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from common.accounting.charges import noise_variance
from common.grid import to_grid
from common.outcomes import DECIDED
from common.plan import Phase, Plan, Protection
from common.privacy import Privacy
from common.private.budget import LEAST_COST, measure_costs_of, outcome_costs_of, sum_costs_of, window_costs_of
from common.stream.guide import Guide
from common.stream.operations import N_CATEGORIES

N_BINS = 40
"""Bins of the first radius's histogram."""

COORDINATES, OPERATIONS = "coordinates", "operations"
"""Blocks that a window may have."""

COST_WORDS = ("n", "log_sum", "log_square_sum")
"""What is measured of a cluster's costs; see ``bounding.bounded_costs``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a private round asks of every bureau.

    Attributes:
        phase: Seeding and Lloyd ask for sums, radius for a histogram, measure for figures, outcomes for how past
            claims were decided, window for sums of the claims of a window.
        centroids: Grid units ``(K, d)``.
        radii: Grid units ``(K,)``, positive: contributions are bounded to them.
        cost: What the answer costs, units of 1e-9 rho.
        guide: How claims find their cells, in a window.
    """

    phase: Phase
    centroids: npt.NDArray[np.int64]
    radii: npt.NDArray[np.int64]
    cost: int
    guide: Guide | None = None

    def digest(self) -> str:
        """SHA-256 over all of it, hexadecimal: equal digests, equal questions."""
        held = hashlib.sha256(f"{self.phase}:{self.cost}:{self.centroids.shape}:".encode())
        held.update(self.centroids.astype("<i8").tobytes())
        held.update(self.radii.astype("<i8").tobytes())
        if self.guide is not None:
            held.update(self.guide.digest().encode())
        return held.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive words of an answer that share a bound and a noise.

    Attributes:
        name: For people.
        n_words: Length.
        cost: Units of 1e-9 rho.
        squared_sensitivity: What one protected unit can change the block by, in the squared L2 norm, grid units.
    """

    name: str
    n_words: int
    cost: int
    squared_sensitivity: int

    @property
    def variance(self) -> Fraction:
        """Of the noise on each word that is counted on, squared grid units: costs exactly ``cost``."""
        return noise_variance(self.cost, self.squared_sensitivity)


def bin_edges() -> npt.NDArray[np.int64]:
    """Upper edges of the first radius's histogram, grid units: geometric from 1/100 to the ball's diameter."""
    return to_grid(np.geomspace(0.01, 2.0, N_BINS))


def blocks(privacy: Privacy, phase: Phase, n_centroids: int, n_features: int, cost: int) -> tuple[Block, ...]:
    """What an answer is made of, in order.

    Guarantees:
        * The costs of the blocks add up to ``cost``; each block's noise covers its sensitivity at its cost.

    Raises:
        ValueError: If the cost is below ``LEAST_COST``.
    """
    if cost < LEAST_COST:
        msg = f"a round costs at least {LEAST_COST} units of 1e-9 rho"
        raise ValueError(msg)
    one = privacy.squared_sensitivity
    if phase is Phase.RADIUS:
        return (Block(name="histogram", n_words=N_BINS, cost=cost, squared_sensitivity=one),)
    if phase is Phase.OUTCOMES:
        outcomes, providers = outcome_costs_of(cost)
        decided = _block("outcomes", n_centroids * len(DECIDED), outcomes, one)
        return (decided, _block("providers", n_centroids, providers, one))
    if phase is Phase.MEASURE:
        counts, squares, costs = measure_costs_of(cost)
        last = Block(
            name="costs",
            n_words=len(COST_WORDS) * n_centroids,
            cost=costs,
            squared_sensitivity=len(COST_WORDS) * one,
        )
        return (_block("counts", n_centroids, counts, one), _block("squares", n_centroids, squares, one), last)
    if phase is Phase.WINDOW:
        return _window_blocks(privacy, n_centroids, n_features, cost)
    counts, sums, squares = sum_costs_of(cost, n_features, privacy.division)
    return (
        _block("counts", n_centroids, counts, one),
        _block("sums", n_centroids * n_features, sums, one),
        _block("squares", n_centroids, squares, one),
    )


def _window_blocks(privacy: Privacy, n_cells: int, n_features: int, cost: int) -> tuple[Block, ...]:
    one, wide = privacy.squared_sensitivity, n_cells * n_features
    costs = window_costs_of(cost, n_features, privacy.division)
    asked = (
        _block("counts", n_cells, costs.counts, one),
        _block("sums", wide, costs.sums, one),
        _block("squares", n_cells, costs.squares, one),
        _block("bureaus", n_cells, costs.bureaus, one),
        _block(COORDINATES, wide, costs.coordinates, one),
        _block(OPERATIONS, N_CATEGORIES, costs.operations, one),
    )
    return tuple(block for block in asked if block.cost)


def n_words(plan: Plan, phase: Phase, n_centroids: int) -> int:
    """Words of an answer."""
    if phase is Phase.RADIUS:
        return N_BINS
    if phase is Phase.OUTCOMES:
        return n_centroids * (len(DECIDED) + 1)
    if phase is Phase.WINDOW:
        division = _privacy(plan).division
        operations = N_CATEGORIES if division.operations else 0
        return n_centroids * (3 + plan.features.n_features * (2 if division.coordinates else 1)) + operations
    per_cell = 2 + (len(COST_WORDS) if phase is Phase.MEASURE else plan.features.n_features)
    return n_centroids * per_cell


def parted(words: npt.NDArray[np.int64], sizes: tuple[int, ...]) -> list[npt.NDArray[np.int64]]:
    """Words cut into blocks of these sizes."""
    return np.split(words, list(accumulate(sizes))[:-1])


def counted_on(plan: Plan) -> int:
    """Bureaus whose noise makes up the variance of a block: each adds that part of it."""
    privacy = _privacy(plan)
    return privacy.honest_floor if plan.protection is Protection.SECURE else 1


def _privacy(plan: Plan) -> Privacy:
    if plan.privacy is None:
        msg = "a plan without protection has no noise"
        raise ValueError(msg)
    return plan.privacy


def _block(name: str, size: int, cost: int, squared_sensitivity: int) -> Block:
    return Block(name=name, n_words=size, cost=cost, squared_sensitivity=squared_sensitivity)
