"""Differencing: two sums that differ by one claim, and what their difference gives away.

Without protection the difference is the claim, exactly. With noise both sums carry noise of their own, and the
difference carries both.

References:
    Denning, Denning, Schwartz, "The Tracker: A Threat to Statistical Database Security", ACM TODS 4(1), 1979.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from common.plan import Plan
from simulations.attacks.attacker import Attacker, Floats, asking, attacker_of, whole_budget
from simulations.attacks.frontier import Frontier, frontiers
from simulations.attacks.lone_cell import LIMIT, REACH
from simulations.attacks.outcome import AttackOutcome, Rate, identification_limit
from simulations.attacks.victims import Victims, noisy_plan, open_plan, seeded


def of_data_versions(base: Victims, candidates: Victims, *, epsilon: float = 1.0, seed: int = 2) -> AttackOutcome:
    """Ask one sum before and after a claim came in, and name the claim out of a list of candidates.

    Each candidate is the one that came in once, so whoever asks nothing is right once. A coordinator that may ask one
    session about the new claims is right ``e**epsilon`` times as often at most.

    Args:
        base: Claims before.
        candidates: Claims of the same bureau that are not in it.
        epsilon: Of a session with noise.
        seed: Of the noise.
    """
    plan = noisy_plan(epsilon=epsilon)
    guarantee = plan.privacy.guarantee if plan.privacy else None
    return AttackOutcome(
        name="differencing two versions of the claims",
        success=f"the new claim named out of {len(candidates.rows)}",
        unprotected=_named(open_plan(), base, candidates, seed),
        protected=_named(plan, base, candidates, seed),
        limit=identification_limit(guarantee, len(candidates.rows)) if guarantee else 1.0,
    )


def of_rounds(victims: Victims, n_targets: int, *, epsilon: float = 1.0, seed: int = 3) -> AttackOutcome:
    """Move a centroid between two rounds of a session so that one claim changes its cell, and subtract.

    Args:
        victims: Of the bureau.
        n_targets: How many claims to go for, each in a session of its own.
        epsilon: Of a session with noise; each of its two rounds gets half of it.
        seed: Of the noise.
    """
    return AttackOutcome(
        name="differencing two rounds",
        success="the claim found to half the distance that was known before",
        unprotected=_found(open_plan(), victims, n_targets, seed),
        protected=_found(noisy_plan(epsilon=epsilon), victims, n_targets, seed),
        limit=LIMIT,
    )


def _named(plan: Plan, base: Victims, candidates: Victims, seed: int) -> Rate:
    before, places = base.store(), np.arange(len(candidates.rows))
    question = asking(np.zeros(base.rows.shape[1]), 1.0, whole_budget(plan))
    right = 0
    with attacker_of(plan, seeded(seed)) as attacker:
        for target in places:
            after = (base + candidates.select(places[target : target + 1])).store()
            old, new = (attacker.session(store).cells(question) for store in (before, after))
            right += _nearest(new.offsets[0] - old.offsets[0], candidates) == target
    return Rate(int(right), len(places))


def _nearest(row: Floats, candidates: Victims) -> int:
    return int(np.linalg.norm(candidates.rows - row, axis=1).argmin())


def _found(plan: Plan, victims: Victims, n_targets: int, seed: int) -> Rate:
    with attacker_of(plan, seeded(seed)) as attacker:
        targets = list(islice(frontiers(victims.rows), n_targets))
        errors = [np.linalg.norm(_by_two_rounds(attacker, victims, target) - target.row) for target in targets]
    return Rate(sum(bool(error < 0.5 * REACH) for error in errors), len(errors))


def _by_two_rounds(attacker: Attacker, victims: Victims, target: Frontier) -> Floats:
    """The claim as the difference of the inner cell's sums: with it in the first round, without it in the second."""
    session, cost = attacker.session(victims.store()), whole_budget(attacker.plan) // 2
    apart = [target.centroids(REACH, inside=inside) for inside in (False, True)]
    with_it, without_it = (session.cells(asking(centroids, 1.0, cost)) for centroids in apart)
    return np.asarray(apart[1][1] + with_it.offsets[1] - without_it.offsets[1])
