"""A cluster of one: a centroid beyond an unusual claim, so that a cell holds this claim and no other.

Without protection the cell's sum is the claim. With noise it is noise: what one insured person adds is bounded, and
the deviation in each of some ninety words is several times the bound.

References:
    Centers for Medicare & Medicaid Services, "Cell Size Suppression Policy" (no cell of 1 to 10 persons).
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from common.plan import Plan
from simulations.attacks.attacker import asking, attacker_of, whole_budget
from simulations.attacks.frontier import frontiers
from simulations.attacks.outcome import AttackOutcome, Rate
from simulations.attacks.victims import Victims, noisy_plan, open_plan, seeded

REACH = 0.3
"""How far beyond the claim the centroid lies: what the attacker knows before it asks."""

LIMIT = 0.1
"""Stated limit with noise: above chance, which is nothing, by what some hundred tries can tell."""


def lone_cells(victims: Victims, n_targets: int, *, epsilon: float = 1.0, seed: int = 1) -> AttackOutcome:
    """Ask for cells of one around so many unusual claims, each in a session of its own.

    Args:
        victims: Of the bureau.
        n_targets: How many claims to go for, most unusual first.
        epsilon: Of a session with noise.
        seed: Of the noise.
    """
    return AttackOutcome(
        name="a cluster of one",
        success="the claim found to half the distance that was known before",
        unprotected=_found(open_plan(), victims, n_targets, seed),
        protected=_found(noisy_plan(epsilon=epsilon), victims, n_targets, seed),
        limit=LIMIT,
    )


def _found(plan: Plan, victims: Victims, n_targets: int, seed: int) -> Rate:
    store, found = victims.store(), []
    with attacker_of(plan, seeded(seed)) as attacker:
        for target in islice(frontiers(victims.rows), n_targets):
            centroids = target.centroids(REACH)
            cells = attacker.session(store).cells(asking(centroids, REACH, whole_budget(plan)))
            error = np.linalg.norm(centroids[0] + cells.offsets[0] - target.row)
            found.append(error < 0.5 * REACH)
    return Rate(sum(map(bool, found)), len(found))
