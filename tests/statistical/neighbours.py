"""Neighbouring data sets chosen to hurt: persons whose claims lie where a bound could fail, alone and in a crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from client.rowstore import RowStore
from common.accounting.guarantee import Unit
from common.columns import ClaimTable, CodeColumn
from common.costs import Costs, costs_of
from common.grid import GRID_UNITS, from_grid, to_grid
from common.kernel import Rows
from common.plan import Phase
from common.privacy import Privacy
from common.private.question import Block, Question, blocks
from common.weighting import Weighting
from tests.common.rows import blobs, on_grid

CAP_YUAN = 200_000
TOTALS = np.array([-500, 0, 1, 99, 20_000, 1_000_000, CAP_YUAN * 100, CAP_YUAN * 100 + 1, 10**12])


@dataclass(frozen=True)
class Scene:
    """Claims of many persons, one after another, and where they are asked about."""

    rows: Rows
    costs: Costs
    ids: npt.NDArray[np.uint64]
    persons: Sequence[slice]
    centroids: npt.NDArray[np.int64]
    radii: npt.NDArray[np.int64]

    def question(self, phase: Phase) -> Question:
        lone = slice(1 if phase is Phase.RADIUS else None)
        return Question(phase=phase, centroids=self.centroids[lone], radii=self.radii[lone], cost=10**6)


def terms(weighting: Weighting, cap: int = 1, bureaus: int = 1) -> Privacy:
    unit = Unit.CLAIM if weighting is Weighting.EACH_CLAIM else Unit.PERSON
    return Privacy(
        unit=unit, weighting=weighting, claims_per_person=cap, bureaus_per_person=bureaus, expected_units=1000
    )


def parts_of(privacy: Privacy, question: Question) -> tuple[Block, ...]:
    n_centroids, n_features = question.centroids.shape
    return blocks(privacy, question.phase, n_centroids, n_features, question.cost)


def units(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    found = rng.normal(size=shape)
    along_an_axis = rng.random(shape[0]) < 0.3
    found[along_an_axis] *= np.arange(shape[1]) == 0
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def hostile_rows(
    rng: np.random.Generator,
    cells: npt.NDArray[np.int64],
    centroids: npt.NDArray[np.int64],
    radii: npt.NDArray[np.int64],
) -> Rows:
    """Near, at, just beyond and far beyond the radius of a cell, at its centroid, opposite to it, on the surface."""
    centres, reach = from_grid(centroids)[cells], from_grid(radii)[cells, None]
    away = units(rng, centres.shape)
    opposite = -centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    kinds = [centres + reach * away * far for far in (0.0, 0.5, 1.0, 1.0 + 1e-6, 10.0)]
    places = np.stack([*kinds, away, opposite, 0.9 * away])[rng.integers(0, 8, len(cells)), np.arange(len(cells))]
    return on_grid(places / np.maximum(1.0, np.linalg.norm(places, axis=1, keepdims=True)))


def scene(seed: int, privacy: Privacy, n_persons: int) -> Scene:
    """One person after another, each with up to 8 claims in a bureau; half of them have equal claims."""
    rng = np.random.default_rng(seed)
    k, d = int(rng.choice([1, 2, 5, 16])), int(rng.choice([1, 2, 3, 16, 64]))
    centroids = to_grid(units(rng, (k, d)) * rng.choice([0.0, 0.5, 1.0, 3.99], (k, 1), p=[0.2, 0.5, 0.2, 0.1]))
    radii = rng.choice([1, 1000, GRID_UNITS // 10, GRID_UNITS // 2, 2 * GRID_UNITS], k)
    n_claims = np.ones(n_persons * privacy.bureaus_per_person, np.int64)
    if privacy.unit is Unit.PERSON:
        n_claims = rng.integers(1, 9, len(n_claims))
    ends = np.cumsum(n_claims)
    rows = hostile_rows(rng, rng.integers(0, k, ends[-1]), centroids, radii)
    totals = rng.choice(TOTALS, ends[-1])
    cuts = np.append(0, ends[privacy.bureaus_per_person - 1 :: privacy.bureaus_per_person])
    persons = [slice(start, end) for start, end in pairwise(cuts)]
    for alike in persons[::2]:
        rows[alike], totals[alike] = rows[alike.start], totals[alike.start]
    ids = np.repeat(rng.permutation(len(n_claims)).astype(np.uint64), n_claims)
    return Scene(rows, costs_of(totals, CAP_YUAN), ids, persons, centroids, radii)


@dataclass(frozen=True)
class Bureau:
    """A crowd, and a target whose claims may stand anywhere among theirs."""

    rows: Rows
    totals: npt.NDArray[np.int64]
    ids: npt.NDArray[np.uint64]
    table: ClaimTable

    def store(self, chosen: npt.NDArray[np.bool_]) -> RowStore:
        held = RowStore(self.rows.shape[1], CAP_YUAN)
        table = self.table.select(np.flatnonzero(chosen))
        held.append(self.rows[chosen], self.totals[chosen], self.ids[chosen], table)
        return held


def bureau(seed: int, n_claims: int, most_of_target: int = 8) -> Bureau:
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, n_claims // 3, n_claims).astype(np.uint64)
    ids[rng.choice(n_claims, rng.integers(1, most_of_target + 1), replace=False)] = 0
    rows, totals = blobs(n_claims, 4, 5, seed, 0.8), rng.choice(TOTALS, n_claims)
    return Bureau(rows, totals, ids, adjudicated(rng, totals, ids))


def adjudicated(rng: np.random.Generator, totals: npt.NDArray[np.int64], ids: npt.NDArray[np.uint64]) -> ClaimTable:
    """Claims of few providers, decided or not, as a table without anything else."""
    n = len(ids)
    outcomes, providers = ("APPROVED", "REDUCED", "DENIED", "FRAUD", "PENDING"), ("H1", "H2", "H3")
    kinds, brought = rng.integers(-1, len(outcomes), n), np.minimum(rng.geometric(0.6, n) - 2, len(providers) - 1)
    return ClaimTable(
        diagnoses=(CodeColumn(indices=np.zeros(n, np.int32), values=("I10",)),),
        operations=(),
        attributes={
            "outcome": CodeColumn(indices=kinds.astype(np.int32), values=outcomes),
            "fixmedins_code": CodeColumn(indices=brought.astype(np.int32), values=providers),
        },
        fees=np.zeros((n, 14), np.int64),
        total=totals,
        stay_days=np.zeros(n, np.int32),
        age_days=np.zeros(n, np.int32),
        person_id=ids,
    )


def differences(held: Bureau, privacy: Privacy) -> list[tuple[Question, npt.NDArray[np.int64], RowStore]]:
    """What the target changes, question by question, and a store of the target's claims alone."""
    target = held.ids == 0
    with_it, without, alone = (held.store(chosen) for chosen in (target | True, ~target, target))
    centroids, radii = to_grid(blobs(3, 4, 3, 5).astype(np.float64)), to_grid(np.array([0.05, 0.4, 1.0]))
    lloyd = Question(phase=Phase.LLOYD, centroids=centroids, radii=radii, cost=10**6)
    radius = replace(lloyd, phase=Phase.RADIUS, centroids=centroids[:1], radii=radii[:1])
    asked = [lloyd, radius, replace(lloyd, phase=Phase.MEASURE), replace(lloyd, phase=Phase.OUTCOMES)]
    return [(each, with_it.answer(each, privacy) - without.answer(each, privacy), alone) for each in asked]
