"""Membership from the released model alone: an attacker who sees no round measures how near a person's claim lies.

The attacker knows every other claim, so it runs the session itself with and without the person, learns which distances
to the nearest centroid go with presence, and then judges models it has not seen.

References:
    Shokri et al., "Membership Inference Attacks Against Machine Learning Models", IEEE S&P 2017 (shadow models);
    Yeom et al., "Privacy Risk in Machine Learning", CSF 2018 (a threshold on the distance).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.rowstore import RowStore
from client.station import Station
from common.plan import Plan
from server.coordinator import Coordinator
from server.session import run_session
from simulations.attacks.attacker import Attacker, Floats, attacker_of
from simulations.attacks.outcome import AttackOutcome, Rate, accuracy_limit
from simulations.attacks.victims import BUREAU, Victims, noisy_plan, open_plan, seeded

FEW = 24
"""Models judged without protection: each run gives the same one again."""

SHORT = {"seeding": 400, "measure": 100, "passes_per_level": 1, "polish_rounds": 2}
"""A run of few rounds: the model is as private, and an attack needs many runs."""


@dataclass(frozen=True, slots=True)
class _OneStation:
    """A transport without threads: thousands of short rounds would mostly wait for them."""

    station: Station

    def nodes(self) -> Sequence[str]:
        return [BUREAU]

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        for node, request in requests.items():
            yield node, self.station.answer(request)


def released_model(others: Victims, person: Victims, n_runs: int, *, epsilon: float = 1.0) -> AttackOutcome:
    """Decide from a model whether a person's claims are in it; in every other run they are.

    Args:
        others: Claims of everybody else.
        person: All claims of the person.
        n_runs: Models judged; as many more are shadows, to learn from.
        epsilon: Of a run with noise.
    """
    plan = _short(noisy_plan(epsilon=epsilon, min_cohort=1))
    if plan.privacy is None:
        raise ValueError("the attack is on a plan with noise; the one without is its own twin")
    return AttackOutcome(
        name="membership from the released model",
        success="presence decided",
        unprotected=_judged(_short(open_plan(min_cohort=1)), others, person, FEW),
        protected=_judged(plan, others, person, n_runs),
        limit=accuracy_limit(plan.privacy.guarantee),
    )


def _short(plan: Plan) -> Plan:
    changes: dict[str, object] = {"n_clusters": 2, "fewest_leaves": 2, "reduction_restarts": 1, "max_rounds": 20}
    if plan.privacy is not None:
        privacy = plan.privacy.model_dump()
        changes["privacy"] = privacy | {"leaves_per_cluster": 1, "division": privacy["division"] | SHORT}
    return Plan.model_validate(plan.model_dump() | changes)


def _judged(plan: Plan, others: Victims, person: Victims, n_runs: int) -> Rate:
    """Learn from the first half of the models, judge the second."""
    stores, row = (others.store(), (others + person).store()), person.rows[0].astype(np.float64)
    present = np.arange(2 * n_runs) % 2 == 1
    distances = _distances(plan, [stores[int(one)] for one in present], row)
    shadows, judged = slice(0, n_runs), slice(n_runs, None)
    says = _learnt(distances[shadows], present[shadows], distances[judged])
    return Rate(int((says == present[judged]).sum()), n_runs)


def _learnt(shadows: Floats, present: npt.NDArray[np.bool_], judged: Floats) -> npt.NDArray[np.bool_]:
    """Whether each distance lies on the side of the shadows with the person, halfway between the means."""
    with_it, without_it = shadows[present].mean(), shadows[~present].mean()
    return np.asarray((judged - 0.5 * (with_it + without_it)) * (with_it - without_it) > 0.0)


def _distances(plan: Plan, runs: list[RowStore], row: Floats) -> Floats:
    """From a claim to the nearest centroid of the model of each run."""
    with attacker_of(plan, seeded(7)) as attacker:
        return np.array([_distance(attacker, store, row) for store in runs])


def _distance(attacker: Attacker, claims: RowStore, row: Floats) -> float:
    coordinator = Coordinator(attacker.plan, attacker.new_identity(), "attacked")
    model = run_session(coordinator, _OneStation(attacker.facing(claims))).model
    return float(np.linalg.norm(model.centroid_values() - row, axis=1).min())
