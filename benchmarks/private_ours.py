"""DP-LBG over rows in memory by the project's own code: its schedule, its row stores and its exact noise.

Only messages, masks and ledgers are missing; they change no figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.private_data import PrivateData
from client.rowstore import RowStore
from common.accounting.guarantee import Unit
from common.features.spec import AttributeBlock, FeatureSpec
from common.figures import Figures, figures_of
from common.grid import from_grid
from common.noise.randomness import AesStream
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.private.asked import PrivateRound
from common.private.feasible import feasibility
from common.private.noising import noised
from common.private.question import blocks, counted_on
from common.schedule import AnyOutcome, first_asked, next_asked
from common.weighting import Weighting, Weights, weigh
from simulations.terms import estimate, honest_floor

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Whom a run protects, how much, and from whom.

    Attributes:
        epsilon: Of the run.
        delta: Likewise.
        protection: Secure counts on the noise of ``honest_floor(n_bureaus)`` bureaus together, noise on each alone.
        n_bureaus: One with noise is the trust that central methods ask for: exactly the noise that is counted on.
        weighting: Each claim protects a claim, the others an insured person.
        claims_per_person: The cap, where weights are capped.
        leaves_per_cluster: Of the seeding.
        cost_cap_yuan: Of the plan; costs are measured down to a thousandth of it.
    """

    epsilon: float
    delta: float = 1e-6
    protection: Protection = Protection.NOISE
    n_bureaus: int = 1
    weighting: Weighting = Weighting.EACH_CLAIM
    claims_per_person: int = 1
    leaves_per_cluster: int = 3
    cost_cap_yuan: int = 200_000

    @property
    def unit(self) -> Unit:
        """Whom it protects."""
        return Unit.CLAIM if self.weighting is Weighting.EACH_CLAIM else Unit.PERSON


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A finished run.

    Attributes:
        centroids: float64 ``(K, d)``.
        figures: Noisy, as released.
    """

    centroids: Floats
    figures: Figures


def fit(data: PrivateData, terms: Terms, seed: int) -> Fitted:
    """One run; its noise follows from the seed and the plan."""
    plan = plan_of(data, terms, seed)
    with ExitStack() as opened:
        stores = [opened.enter_context(store) for store in _stores(data, plan, terms.n_bureaus, seed)]
        outcome = _run(plan, stores, AesStream(hashlib.sha256(f"{seed} {plan.fingerprint}".encode()).digest()))
    return Fitted(centroids=from_grid(outcome.centroids), figures=figures_of(plan, outcome))


def phi_of(data: PrivateData, terms: Terms) -> float:
    """The feasibility index without what is added beyond the noise that is counted on."""
    return feasibility(plan_of(data, terms, seed=0), n_bureaus=1).phi


def plan_of(data: PrivateData, terms: Terms, seed: int) -> Plan:
    """The plan of a run: all defaults of the project, but what the terms say."""
    n_units = len(data.rows)
    if terms.weighting is Weighting.SHARED and data.persons is not None:
        n_units = int(data.persons.max()) + 1
    privacy = Privacy(
        epsilon_thousandths=round(terms.epsilon * 1e3),
        delta_billionths=round(terms.delta * 1e9),
        unit=terms.unit,
        weighting=terms.weighting,
        claims_per_person=terms.claims_per_person,
        honest_floor=honest_floor(terms.n_bureaus),
        expected_units=estimate(n_units),
        leaves_per_cluster=terms.leaves_per_cluster,
    )
    return Plan(
        features=_plain(data.rows.shape[1]),
        n_clusters=data.n_clusters,
        cost_cap_yuan=terms.cost_cap_yuan,
        min_cohort=terms.n_bureaus,
        protection=terms.protection,
        privacy=privacy,
        seed=seed,
    )


def weights_of(data: PrivateData, weighting: Weighting) -> Weights:
    """The weight of each row, in units of ``2**-20``."""
    return weigh(_person_ids(data), weighting)


def _plain(n_features: int) -> FeatureSpec:
    """A specification of rows so long: they are made already."""
    values = tuple(str(place) for place in range(n_features))
    return FeatureSpec(name="plain", blocks=(AttributeBlock(share=1000, field="med_type", values=values),))


def _person_ids(data: PrivateData) -> npt.NDArray[np.uint64]:
    persons = np.arange(len(data.rows)) if data.persons is None else data.persons
    return np.asarray(persons, np.uint64)


def _stores(data: PrivateData, plan: Plan, n_bureaus: int, seed: int) -> list[RowStore]:
    """A store for each bureau; persons are dealt at random, unless it is known which bureau holds a claim."""
    persons = _person_ids(data)
    total_fen = np.full(len(persons), 1_000_000, np.int64) if data.total_fen is None else data.total_fen
    homes = np.random.default_rng(seed).integers(0, n_bureaus, len(persons))[persons]
    homes = homes if data.bureaus is None or n_bureaus == 1 else data.bureaus
    stores = []
    for bureau in range(n_bureaus):
        held = homes == bureau
        stores.append(RowStore(data.rows.shape[1], plan.cost_cap_yuan))
        stores[-1].append(data.rows[held], total_fen[held], persons[held])
    return stores


def _run(plan: Plan, stores: Sequence[RowStore], source: AesStream) -> AnyOutcome:
    asked = first_asked(plan)
    while isinstance(asked, PrivateRound):
        total = sum((_answer(plan, asked, store, source) for store in stores), np.zeros(1, np.int64))
        asked = next_asked(plan, asked, total, len(stores))
    assert not hasattr(asked, "phase")
    return asked


def _answer(plan: Plan, asked: PrivateRound, store: RowStore, source: AesStream) -> Words:
    assert plan.privacy is not None
    parts = blocks(plan.privacy, asked.phase, *asked.centroids.shape, asked.cost)
    return noised(store.answer(asked.question, plan.privacy), parts, counted_on(plan), source).words
