"""Regions differ for real, unless they are told not to; together they have the declared shares."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from simulations.world import World, load_groups
from simulations.world.regions import MIX_SPREAD, vary
from tests.simulations.world.reading import FEES, fen, places, table

N = 120_000


@pytest.fixture(scope="module")
def read() -> pa.Table:
    return table(World(n_claims=N, seed=2))


@pytest.fixture(scope="module")
def twin() -> pa.Table:
    """The same world with regions that differ in size alone."""
    return table(World(n_claims=N, seed=2, heterogeneity=0))


def _excess(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> float:
    """Pearson's chi-square of independence, in standard deviations above its mean; cells below 5 are left out."""
    counts = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(counts, (first, second), 1)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    common = expected.min(axis=0) >= 5
    freedom = (len(counts) - 1) * common.sum()
    statistic = (np.square(counts - expected)[:, common] / expected[:, common]).sum()
    return float((statistic - freedom) / math.sqrt(2 * freedom))


@pytest.mark.parametrize(
    ("column", "at_least"),
    [("drg_code", 300), ("diag_code", 300), ("diag_code_2", 50), ("hosp_lv", 300), ("insutype", 200), ("gend", 9)],
)
def test_regions_differ_and_those_of_the_twin_world_do_not(
    read: pa.Table, twin: pa.Table, column: str, at_least: float
) -> None:
    def excess(world: pa.Table) -> float:
        return _excess(places(world, "insu_admdvs"), 1 + places(world, column))

    assert excess(read) > at_least
    # Claims are drawn one by one, but a person's sex and insurance count as often as the person returns.
    assert excess(twin) < (8 if column in {"insutype", "gend"} else 4)


def test_regions_have_coding_habits_of_their_own_and_those_of_the_twin_world_do_not(
    read: pa.Table, twin: pa.Table
) -> None:
    def excess(world: pa.Table) -> float:
        colds = world.filter(pa.compute.equal(world["drg_code"].cast(pa.string()), "URI_ADULT"))
        return _excess(places(colds, "insu_admdvs"), places(colds, "diag_code"))

    assert excess(read) > 50
    assert excess(twin) < 4


def test_prices_differ_between_regions_and_not_in_the_twin_world(read: pa.Table, twin: pa.Table) -> None:
    def spread(world: pa.Table) -> float:
        """Ratio between the dearest and the cheapest region, at the same mix of groups and levels of hospital."""
        region, cost = places(world, "insu_admdvs"), np.log(fen(world, "medfee_sumamt"))
        kind = places(world, "drg_code") * 3 + places(world, "hosp_lv")
        cost = cost - (np.bincount(kind, cost) / np.maximum(np.bincount(kind), 1))[kind]
        means = np.bincount(region, cost) / np.bincount(region)
        return float(np.exp(means.max() - means.min()))

    assert 1.4 < spread(read) < 1.8, "1.3 / 0.8 is 1.625"
    assert spread(twin) < 1.04


def test_over_all_regions_groups_have_the_declared_shares(read: pa.Table) -> None:
    groups = load_groups()
    declared = np.array([group.weight for group in groups]) / sum(group.weight for group in groups)
    found = np.bincount(places(read, "drg_code"), minlength=len(groups)) / len(read)
    error = np.sqrt(declared * (1 - declared) / len(read))
    assert np.abs((found - declared) / error).max() < 4.5
    assert np.abs((found - declared[::-1]) / error).max() > 50, "shares of other groups are told apart"


def test_regions_are_unequal_in_size_and_add_up() -> None:
    sizes = np.array([region.n_claims for region in World(n_claims=N).regions])
    assert sizes.sum() == N
    assert (np.diff(sizes) < 0).all()
    assert sizes[0] > 4 * sizes[-1]


def test_some_regions_lack_some_rare_groups_and_the_largest_lacks_none() -> None:
    world = World(n_claims=N, seed=2)
    lacking = np.array([(region.mix == 0).sum() for region in world.regions])
    assert lacking[0] == 0
    assert (lacking > 0).sum() >= 3
    for region in world.regions:
        assert all(group.offered_by < 1 for group, share in zip(world.groups, region.mix, strict=True) if share == 0)
        assert math.isclose(region.mix.sum(), 1.0)


def test_what_a_region_does_not_offer_does_not_occur(read: pa.Table) -> None:
    mixes = np.stack([region.mix for region in World(n_claims=N, seed=2).regions])
    assert (mixes[places(read, "insu_admdvs"), places(read, "drg_code")] > 0).all()


def test_regions_have_invented_names_and_codes() -> None:
    world = World(n_bureaus=31, n_claims=1_000)
    assert [region.code for region in world.regions[:2]] == ["990001", "990002"]
    assert len({region.name for region in world.regions}) == 31
    assert world.regions[30].name == ("第31统筹区", "Region 31")


def test_mean_fees_have_the_declared_structure(twin: pa.Table) -> None:
    fees = np.stack([fen(twin, name) for name in FEES])
    shares = fees / fees.sum(axis=0)
    for place, group in enumerate(load_groups()):
        declared = np.array([group.fees.get(name[-2:], 0.0) for name in FEES]) / sum(group.fees.values())  # type: ignore[call-overload]
        found = shares[:, places(twin, "drg_code") == place].mean(axis=1)
        assert np.abs(found - declared).max() < 0.03, group.id


def test_factors_have_mean_one_and_the_spread_that_was_asked_for() -> None:
    factors = vary(np.random.default_rng(0), MIX_SPREAD, 200_000)
    assert abs(factors.mean() - 1) < 0.01
    assert abs(factors.std() - MIX_SPREAD) < 0.01
    assert (vary(np.random.default_rng(0), 0.0, 10) == 1).all()
