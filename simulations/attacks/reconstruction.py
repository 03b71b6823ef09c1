"""Reconstruction from sums over rounds: solving many rounds' sums for single claims, the total attack.

The coordinator chooses centroids so that cells shrink from round to round. A claim it has found once it assigns to
every later cell itself and subtracts; a cell with one claim left gives that claim, which frees others. Without
protection this ends with nearly all claims, exactly. With noise the cells that seem to hold one claim hold any number,
and what remains of their sums after shrinkage is the centroid that was sent.

References:
    Dinur, Nissim, "Revealing Information while Preserving Privacy", PODS 2003 (many sums determine the rows);
    James, Stein, "Estimation with Quadratic Loss", 4th Berkeley Symposium, 1961 (the attacker's shrinkage).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid
from common.kernel import e_step, row_norms
from common.plan import Phase, Plan
from common.private.question import Question, blocks
from simulations.attacks.attacker import CellSums, Floats, asking, attacker_of, whole_budget
from simulations.attacks.outcome import Rate
from simulations.attacks.victims import Victims, noisy_plan, on_grid, open_plan, seeded

CLOSE = 1e-6
"""A claim nearer to an estimate than this counts as found: about the grid."""

ONE = (0.5, 1.5)
"""Weights that are taken for one claim."""

RADIUS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """How much of a bureau's claims was found.

    Attributes:
        found: Claims that an estimate hits.
        error: Median distance of a claim to the estimate nearest to it.
    """

    found: Rate
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructionOutcome:
    """The attack with and without protection, beside guessing the mean for every claim.

    Attributes:
        unprotected: Without protection.
        protected: With noise.
        mean_guess: Median distance of a claim to the mean of all.
    """

    unprotected: Reconstruction
    protected: Reconstruction
    mean_guess: float

    def __str__(self) -> str:
        return (
            f"reconstruction from rounds: claims found exactly: without protection {self.unprotected.found}, median "
            f"error {self.unprotected.error:.3f}; with noise {self.protected.found}, median error "
            f"{self.protected.error:.3f}; the mean guessed for every claim: {self.mean_guess:.3f}"
        )


def reconstruction(victims: Victims, n_rounds: int, n_centroids: int, *, epsilon: float = 1.0) -> ReconstructionOutcome:
    """Solve the sums of a session's rounds for the claims of a bureau.

    Args:
        victims: Of the bureau.
        n_rounds: Of the session, which share its budget evenly.
        n_centroids: In each round.
        epsilon: Of a session with noise.
    """
    exact = victims.rows.astype(np.float64)
    return ReconstructionOutcome(
        unprotected=_solved(open_plan(), victims, n_rounds, n_centroids),
        protected=_solved(noisy_plan(epsilon=epsilon), victims, n_rounds, n_centroids),
        mean_guess=float(np.median(np.linalg.norm(exact - exact.mean(axis=0), axis=1))),
    )


def _solved(plan: Plan, victims: Victims, n_rounds: int, n_centroids: int) -> Reconstruction:
    d, cost = plan.features.n_features, whole_budget(plan) // n_rounds
    rng, found = np.random.default_rng(6), np.zeros((0, d))
    centroids = rng.normal(size=(n_centroids, d)) / np.sqrt(d)
    with attacker_of(plan, seeded(6)) as attacker:
        session = attacker.session(victims.store())
        for _ in range(n_rounds):
            question = asking(centroids, RADIUS, cost)
            left = _without_found(session.cells(question), question, found)
            found = np.concatenate([found, _lone(left, question, _noise_energy(plan, cost))])
            centroids = _closer(left, question, found, rng)
    return _score(victims, found)


def _without_found(cells: CellSums, question: Question, found: Floats) -> CellSums:
    """Cells less the claims that were found in earlier rounds."""
    rows = on_grid(found[np.linalg.norm(found, axis=1) <= 1.0])
    step = e_step(rows, row_norms(rows), question.centroids)
    centroids = from_grid(question.centroids)
    offsets = from_grid(step.sums) - step.counts[:, None] * centroids
    return CellSums(counts=cells.counts - step.counts, offsets=cells.offsets - offsets)


def _lone(left: CellSums, question: Question, noise_energy: float) -> Floats:
    """Estimates from cells that seem to hold one more claim, shrunk by what is noise in them."""
    lone = (left.counts > ONE[0]) & (left.counts < ONE[1])
    offsets = left.offsets[lone]
    energy = np.maximum((offsets**2).sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(from_grid(question.centroids[lone]) + offsets * np.maximum(0.0, 1.0 - noise_energy / energy))


def _closer(left: CellSums, question: Question, found: Floats, rng: np.random.Generator) -> Floats:
    """Centroids for the next round: around the means of cells with more claims left, the more the more often.

    They are moved apart along differences of claims that were found, for claims differ in few directions.
    """
    k, d = question.centroids.shape
    counts = np.maximum(left.counts, 0.0) + 1e-9
    means = left.offsets / np.maximum(counts, 1.0)[:, None]
    means *= np.minimum(1.0, RADIUS / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))
    known = np.concatenate([found, rng.normal(size=(2, d)) / np.sqrt(d)])
    apart = known[rng.integers(0, len(known), k)] - known[rng.integers(0, len(known), k)]
    chosen = rng.choice(k, k, p=counts / counts.sum())
    moved = from_grid(question.centroids)[chosen] + means[chosen] + rng.uniform(0.0, 0.8, (k, 1)) * apart
    return np.asarray(moved / np.maximum(1.0, np.linalg.norm(moved, axis=1, keepdims=True)))


def _noise_energy(plan: Plan, cost: int) -> float:
    """Expected squared length of the noise in one cell's sums, in feature units."""
    if plan.privacy is None:
        return 0.0
    d = plan.features.n_features
    sums = blocks(plan.privacy, Phase.SEEDING, 1, d, cost)[1]
    return d * float(sums.variance) / GRID_UNITS**2 * RADIUS**2


def _score(victims: Victims, found: Floats) -> Reconstruction:
    nearest = np.array([_nearest(row, found) for row in victims.rows.astype(np.float64)])
    return Reconstruction(found=Rate(int((nearest < CLOSE).sum()), len(nearest)), error=float(np.median(nearest)))


def _nearest(row: npt.NDArray[np.float64], found: Floats) -> float:
    return float(np.linalg.norm(found - row, axis=1).min(initial=np.linalg.norm(row)))
