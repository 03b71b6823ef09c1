"""What attacks are played against: claims of generated worlds, plans with and without protection, real stations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.policy import Policy
from client.releasing import Releases
from client.rowstore import RowStore
from client.station import Station
from common.accounting.guarantee import LARGEST_EPSILON, Unit
from common.features.default import default_spec
from common.features.rows import Featuriser
from common.features.spec import FeatureSpec
from common.grid import GRID_UNITS
from common.kernel import Rows
from common.noise.randomness import AesStream, RandomBytes
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.weighting import Weighting
from simulations.bureaus import WorldClaims
from simulations.ledgers import passing_ledgers
from simulations.world import World

BUREAU = "north"
COHORT = ("east", BUREAU, "south")
CAP_YUAN = 200_000
CLUSTERS, LEAVES = 8, 6
"""Together they let a round carry 48 centroids, with protection and without."""

EXPECTED_UNITS = 10_000_000
"""What a cheating coordinator writes into its plan, so that nobody calls the budget wasted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victims:
    """Claims of one bureau, as rows.

    Attributes:
        rows: float32 ``(n, d)``.
        total_fen: int64 ``(n,)``.
        person_ids: uint64 ``(n,)``.
    """

    rows: Rows
    total_fen: npt.NDArray[np.int64]
    person_ids: npt.NDArray[np.uint64]

    def select(self, places: npt.NDArray[np.intp]) -> Victims:
        """Some of the claims, in the order given; a place may come twice."""
        return Victims(
            rows=np.ascontiguousarray(self.rows[places]),
            total_fen=self.total_fen[places],
            person_ids=self.person_ids[places],
        )

    def without(self, place: int) -> Victims:
        """All claims but one."""
        return self.select(np.delete(np.arange(len(self.rows)), place))

    def of_one_person(self) -> Victims:
        """The same claims, all of one insured person whom nobody else is."""
        return Victims(rows=self.rows, total_fen=self.total_fen, person_ids=np.full(len(self.rows), 2**63, np.uint64))

    def __add__(self, other: Victims) -> Victims:
        """These claims, then the others."""
        return Victims(
            rows=np.concatenate([self.rows, other.rows]),
            total_fen=np.concatenate([self.total_fen, other.total_fen]),
            person_ids=np.concatenate([self.person_ids, other.person_ids]),
        )

    def store(self) -> RowStore:
        """As a station keeps them."""
        store = RowStore(self.rows.shape[1], CAP_YUAN)
        store.append(self.rows, self.total_fen, self.person_ids)
        return store


def generated(n_claims: int, seed: int, spec: FeatureSpec | None = None) -> Victims:
    """Claims of a world of one bureau, each of another insured person."""
    featuriser = Featuriser(spec or default_spec())
    tables = [table for _, table in WorldClaims(world=World(n_bureaus=1, n_claims=n_claims, seed=seed)).dealt()]
    rows = np.concatenate([featuriser.rows(table) for table in tables])
    totals = np.concatenate([np.asarray(table.total, np.int64) for table in tables])
    return Victims(rows=rows, total_fen=totals, person_ids=np.arange(len(rows), dtype=np.uint64))


def on_grid(values: npt.NDArray[np.float64]) -> Rows:
    """Values cut to the grid, towards zero: such as rows are."""
    return (np.trunc(values * GRID_UNITS) / GRID_UNITS).astype(np.float32)


def open_plan(spec: FeatureSpec | None = None, min_cohort: int = 3) -> Plan:
    """A plan without protection."""
    return Plan(features=spec or default_spec(), n_clusters=CLUSTERS, min_cohort=min_cohort, protection=Protection.NONE)


def noisy_plan(
    spec: FeatureSpec | None = None,
    *,
    epsilon: float = 1.0,
    min_cohort: int = 3,
    weighting: Weighting = Weighting.SHARED,
    protection: Protection = Protection.NOISE,
    honest_floor: int = 2,
) -> Plan:
    """A plan under which whole sessions are private at ``epsilon``."""
    unit = Unit.CLAIM if weighting is Weighting.EACH_CLAIM else Unit.PERSON
    privacy = Privacy(
        epsilon_thousandths=round(1000 * epsilon),
        unit=unit,
        weighting=weighting,
        expected_units=EXPECTED_UNITS,
        honest_floor=honest_floor,
        leaves_per_cluster=LEAVES,
    )
    return Plan(
        features=spec or default_spec(),
        n_clusters=CLUSTERS,
        min_cohort=min_cohort,
        protection=protection,
        privacy=privacy,
    )


def policy_for(plan: Plan, min_cohort: int | None = None) -> Policy:
    """A policy that holds each session to the plan's guarantee, and allows for as many sessions as an attack tries.

    Each try is a world of its own: what counts is what one session gives away.
    """
    least = plan.min_cohort if min_cohort is None else min_cohort
    usual = Policy(min_cohort=least, protections=frozenset({plan.protection}))
    if plan.privacy is None:
        return usual
    guarantee = plan.privacy.guarantee
    changes = {
        "units": frozenset({guarantee.unit}),
        "epsilon_per_release": guarantee.epsilon,
        "epsilon_per_session": guarantee.epsilon,
        "epsilon_per_data_version": LARGEST_EPSILON,
        "epsilon_per_year": LARGEST_EPSILON,
        "releases_per_day": 1_000_000,
    }
    return Policy.model_validate(usual.model_dump() | changes)


@contextmanager
def station_over(
    plan: Plan, claims: Callable[[], RowStore], seed_bytes: RandomBytes, policy: Policy | None = None
) -> Iterator[Station]:
    """The bureau's station, with a ledger if the plan is protected.

    Args:
        plan: Of all sessions.
        claims: Gives the claims of the next session.
        seed_bytes: Where seeds of the noise come from.
        policy: Of the bureau; the one of ``policy_for`` if None.
    """
    policy = policy or policy_for(plan)
    with passing_ledgers([BUREAU] if plan.privacy else []) as ledgers:
        releases = Releases(ledgers[BUREAU], policy, "attacked", seed_bytes) if plan.privacy else None
        yield Station(BUREAU, policy, lambda _: claims(), releases)


def seeded(seed: int) -> RandomBytes:
    """A source of seeds that gives the same in every run."""
    return AesStream(seed.to_bytes(32, "big"))
