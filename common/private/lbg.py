"""DP-LBG: which cells are asked about next, given noisy sums so far. A pure function that anybody can replay.

Cells are split from noisy sums alone until there are three leaves a cluster; the coordinator reduces them to clusters,
which costs nothing; averaged private Lloyd rounds polish the result.

References:
    Linde, Buzo and Gray, "An Algorithm for Vector Quantizer Design", IEEE Trans. Communications 28(1), 1980.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid, to_grid
from common.private.bounding import BoundedSums
from common.private.budget import Shares, level_budgets, n_levels, noise_for, polish_budget
from common.private.update import Cells, NoiseStds, least_count, radius_from_histogram, updated
from common.reduction import reduce_leaves

N_BINS = 40
WITHIN = 0.995
"""Share of the claims that the root's radius reaches."""

SPLIT_STEP = 0.5
GROW_AFTER_SPLIT, GROW_LATER, GROW_POLISH = 1.3, 1.15, 1.1
DEFAULT_SHARES = Shares()
BURN_IN = 2
"""Polishing rounds before averaging begins."""


class Step(StrEnum):
    """What a round asks for."""

    ROOT = "root"
    RADIUS = "radius"
    LEVEL = "level"
    POLISH = "polish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The public parameters of a private run.

    Attributes:
        n_features: Length of a row.
        n_clusters: Clusters wanted.
        n_leaves: Leaves before reduction.
        mu_squared: Budget of the whole run.
        sensitivity: What one unit of privacy changes a count by.
        seed: For directions and the reduction.
        restarts: Of the reduction.
        shares: Of the budget.
    """

    n_features: int
    n_clusters: int
    n_leaves: int
    mu_squared: float
    sensitivity: float
    seed: int
    restarts: int = 20
    shares: Shares = DEFAULT_SHARES


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateRound:
    """One round: cells, what to do, and its part of the budget.

    Attributes:
        step: What it asks for.
        cells: Asked about.
        mu_squared: Spent by this round.
        level: Of the seeding; in polishing, the round.
        pass_: Within the level.
        polish_left: Budget of all polishing rounds together.
    """

    step: Step
    cells: Cells
    mu_squared: float
    level: int = 0
    pass_: int = 0
    polish_left: float = 0.0


def first(recipe: Recipe) -> PrivateRound:
    """The root: one cell, the whole unit ball."""
    _, levels = level_budgets(recipe.mu_squared, n_levels(recipe.n_leaves), recipe.shares)
    root = Cells(
        centroids=np.zeros((1, recipe.n_features), np.int64),
        radii=np.array([GRID_UNITS], np.int64),
        counts=np.ones(1),
        spread=np.ones(1),
    )
    left = polish_budget(recipe.mu_squared, recipe.shares)
    return PrivateRound(step=Step.ROOT, cells=root, mu_squared=levels[0], polish_left=left)


def bin_edges() -> npt.NDArray[np.int64]:
    """Upper edges of the first radius's histogram, grid units: geometric from 1/100 to the ball's diameter."""
    return to_grid(np.geomspace(0.01, 2.0, N_BINS))


def noise_of(recipe: Recipe, asked: PrivateRound) -> NoiseStds:
    """The noise that a round's budget calls for; a radius round has counts alone."""
    if asked.step is Step.RADIUS:
        std = recipe.sensitivity / float(np.sqrt(asked.mu_squared))
        return NoiseStds(counts=std, sums=float("inf"), squares=float("inf"))
    return noise_for(asked.mu_squared, recipe.n_features, recipe.sensitivity, recipe.shares)


def following(recipe: Recipe, last: PrivateRound, noisy: BoundedSums | npt.NDArray[np.int64]) -> PrivateRound | Cells:
    """What follows from a round's noisy sums: another round, or the final cells."""
    if last.step is Step.RADIUS:
        return _after_radius(recipe, last, np.asarray(noisy))
    if not isinstance(noisy, BoundedSums):
        msg = f"a {last.step} round gives bounded sums"
        raise TypeError(msg)
    noise = noise_of(recipe, last)
    if last.step is Step.ROOT:
        return _after_root(recipe, last, updated(last.cells, noisy, noise, 0.0, GROW_LATER))
    least = least_count(recipe.n_features, noise)
    if last.step is Step.LEVEL:
        grow = GROW_AFTER_SPLIT if last.pass_ == 0 else GROW_LATER
        return _after_level(recipe, last, updated(last.cells, noisy, noise, least, grow))
    return _after_polish(recipe, last, updated(last.cells, noisy, noise, 0.5 * least, GROW_POLISH))


def _after_root(recipe: Recipe, last: PrivateRound, cells: Cells) -> PrivateRound:
    histogram, _ = level_budgets(recipe.mu_squared, n_levels(recipe.n_leaves), recipe.shares)
    return replace(last, step=Step.RADIUS, cells=cells, mu_squared=histogram)


def _after_radius(recipe: Recipe, last: PrivateRound, noisy: npt.NDArray[np.int64]) -> PrivateRound:
    radius = radius_from_histogram(noisy, bin_edges(), WITHIN)
    spread = np.maximum(last.cells.spread, (0.2 * radius / GRID_UNITS) ** 2)
    cells = replace(last.cells, radii=np.array([radius], np.int64), spread=spread)
    return _split(recipe, replace(last, cells=cells))


def _after_level(recipe: Recipe, last: PrivateRound, cells: Cells) -> PrivateRound:
    moved = replace(last, cells=cells, pass_=last.pass_ + 1)
    if moved.pass_ < recipe.shares.passes_per_level:
        return moved
    if last.level >= n_levels(recipe.n_leaves):
        return _reduced(recipe, moved)
    return _split(recipe, moved)


def _split(recipe: Recipe, last: PrivateRound) -> PrivateRound:
    """The next level; if no cell is worth splitting, what seeding has left goes to polishing."""
    levels = n_levels(recipe.n_leaves)
    _, budgets = level_budgets(recipe.mu_squared, levels, recipe.shares)
    level = last.level + 1
    each = budgets[level] / recipe.shares.passes_per_level
    needed = least_count(recipe.n_features, noise_for(each, recipe.n_features, recipe.sensitivity, recipe.shares))
    cells = last.cells
    order = np.argsort(-(cells.counts * cells.spread), kind="stable")
    room = min(2 * len(cells.counts), recipe.n_leaves) - len(cells.counts)
    chosen = order[cells.counts[order] >= 2.0 * needed][:room]
    if not len(chosen) and level > 1:
        return _reduced(recipe, replace(last, polish_left=last.polish_left + sum(budgets[level:])))
    chosen = chosen if len(chosen) else order[:1]
    halves = _halved(cells, chosen, np.random.Generator(np.random.PCG64((recipe.seed, level))))
    return replace(last, step=Step.LEVEL, cells=halves, mu_squared=each, level=level, pass_=0)


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


def _reduced(recipe: Recipe, last: PrivateRound) -> PrivateRound:
    """From leaves to clusters, from what is released already; then the first polishing round."""
    leaves = last.cells
    weights = np.rint(leaves.counts * 16).astype(np.int64)
    centroids = reduce_leaves(leaves.centroids, weights, recipe.n_clusters, recipe.restarts, recipe.seed)
    cells = _gathered(leaves, centroids)
    each = last.polish_left / recipe.shares.polish_rounds
    return PrivateRound(step=Step.POLISH, cells=cells, mu_squared=each, polish_left=last.polish_left)


def _gathered(leaves: Cells, centroids: npt.NDArray[np.int64]) -> Cells:
    """Clusters with the counts, spreads and reach of the leaves nearest to them."""
    places, kept = from_grid(centroids), from_grid(leaves.centroids)
    square = ((kept[:, None] - places[None]) ** 2).sum(axis=2)
    owner, off = square.argmin(axis=1), square.min(axis=1)
    k = len(centroids)
    counts = np.bincount(owner, leaves.counts, k).astype(np.float64)
    spread = np.bincount(owner, leaves.counts * (leaves.spread + off), k) / np.maximum(counts, 1e-9)
    alone = np.bincount(owner, minlength=k) == 1
    farthest = np.zeros(k)
    np.maximum.at(farthest, owner, np.sqrt(off) + from_grid(leaves.radii))
    radii = np.clip(np.where(alone, farthest, 1.8 * np.sqrt(spread)), 1e-3, 2.0)
    return Cells(centroids=centroids, radii=to_grid(radii), counts=counts, spread=spread)


def _after_polish(recipe: Recipe, last: PrivateRound, cells: Cells) -> PrivateRound | Cells:
    """Average the centroids after the burn-in; done after the last round."""
    weight = 1.0 / (last.level - BURN_IN + 1) if last.level >= BURN_IN else 1.0
    before, after = from_grid(last.cells.centroids), from_grid(cells.centroids)
    cells = replace(cells, centroids=to_grid(before + weight * (after - before)))
    if last.level + 1 >= recipe.shares.polish_rounds:
        return cells
    return replace(last, cells=cells, level=last.level + 1)
