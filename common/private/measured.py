"""What a run knows of its final clusters: counts, spread and costs, each with the noise in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid
from common.outcomes import DECIDED
from common.plan import Phase, Plan
from common.private.question import COST_WORDS, Question, blocks, counted_on, parted
from common.private.update import Cells

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Noisy figures of the clusters, as released; weights of 1 are claims, or persons where weights are shared.

    Attributes:
        counts: Sums of weights ``(K,)``; noise may make them negative.
        square_distances: Sums of squared distances to the centroids ``(K,)``, squared feature units; a claim beyond
            its cluster's radius counts as on it.
        costs: ``(K, 3)``: sums of weights with a cost, of log costs and of their squares; see ``bounded_costs``.
        count_noise_std: Of the noise in each count.
        square_noise_stds: Of the noise in each of the square distances ``(K,)``.
        cost_noise_std: Of the noise in each of the costs.
    """

    counts: Floats
    square_distances: Floats
    costs: Floats
    count_noise_std: float
    square_noise_stds: Floats
    cost_noise_std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedOutcomes:
    """How past claims of each cluster were decided, as released.

    Attributes:
        decided: ``(K, 4)`` sums of weights, in the order of ``common.outcomes.DECIDED``; noise may make them negative.
        largest_provider: ``(K,)``: in each bureau the sum of weights of the provider with most of them in the cluster,
            added up over bureaus.
        noise_std: Of the noise in each of the decided.
        provider_noise_std: Of the noise in each of the others.
    """

    decided: Floats
    largest_provider: Floats
    noise_std: float
    provider_noise_std: float


def outcomes_counted(plan: Plan, question: Question, total: npt.NDArray[np.int64], n_bureaus: int) -> CountedOutcomes:
    """The counts in the sum of ``n_bureaus`` answers to a round of outcomes."""
    if plan.privacy is None:
        msg = "a plan without protection has no private rounds"
        raise ValueError(msg)
    k = len(question.centroids)
    parts = blocks(plan.privacy, Phase.OUTCOMES, k, plan.features.n_features, question.cost)
    decided, providers = (from_grid(words) for words in parted(total, tuple(part.n_words for part in parts)))
    stds = [sqrt(part.variance * n_bureaus / counted_on(plan)) / GRID_UNITS for part in parts]
    return CountedOutcomes(
        decided=decided.reshape(k, len(DECIDED)),
        largest_provider=providers,
        noise_std=stds[0],
        provider_noise_std=stds[1],
    )


def measured_of(plan: Plan, question: Question, total: npt.NDArray[np.int64], n_bureaus: int) -> Measured:
    """The figures in the sum of ``n_bureaus`` answers to a measuring round."""
    if plan.privacy is None:
        msg = "a plan without protection has no private rounds"
        raise ValueError(msg)
    k = len(question.centroids)
    parts = blocks(plan.privacy, Phase.MEASURE, k, plan.features.n_features, question.cost)
    stds = [sqrt(part.variance * n_bureaus / counted_on(plan)) / GRID_UNITS for part in parts]
    counts, squares, costs = (from_grid(words) for words in parted(total, tuple(part.n_words for part in parts)))
    reach = from_grid(question.radii) ** 2
    return Measured(
        counts=counts,
        square_distances=squares * reach,
        costs=costs.reshape(k, len(COST_WORDS)),
        count_noise_std=stds[0],
        square_noise_stds=stds[1] * reach,
        cost_noise_std=stds[2],
    )


def unmeasured(plan: Plan, cells: Cells, cost: int, n_bureaus: int) -> Measured:
    """What is known of cells that were never measured: counts and spreads of the round before, nothing of costs."""
    if plan.privacy is None:
        msg = "a plan without protection has no private rounds"
        raise ValueError(msg)
    d, k = plan.features.n_features, len(cells.counts)
    parts = blocks(plan.privacy, Phase.LLOYD, k, d, cost)
    counts, _, squares = (sqrt(part.variance * n_bureaus / counted_on(plan)) / GRID_UNITS for part in parts)
    return Measured(
        counts=cells.counts,
        square_distances=cells.counts * cells.spread,
        costs=np.zeros((k, len(COST_WORDS))),
        count_noise_std=counts,
        square_noise_stds=squares * from_grid(cells.radii) ** 2,
        cost_noise_std=float("inf"),
    )
