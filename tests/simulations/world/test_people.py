"""Persons return, look the same every time, and keep to their region and their hospital."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest

from simulations.world import World, load_groups
from tests.simulations.world.reading import table

COLUMNS = ["psn_no", "age", "nwb_age", "gend", "insutype", "insu_admdvs", "fixmedins_code", "hosp_lv", "drg_code"]


@pytest.fixture(scope="module")
def read() -> pa.Table:
    return table(World(n_claims=150_000, seed=4), COLUMNS)


def test_persons_have_one_and_a_half_claims_on_average_and_some_have_very_many(read: pa.Table) -> None:
    counts = np.array(list(Counter(read["psn_no"].to_pylist()).values()))
    assert 1.4 < counts.mean() < 1.8
    assert 0.6 < (counts == 1).mean() < 0.9
    # With this mean a Poisson law cut off at zero puts one person in 10,000 at 6 claims or more.
    assert (counts >= 6).mean() > 0.01
    assert counts.max() > 30


@pytest.mark.parametrize("declared", [1.0, 1.3, 3.0, 12.0])
def test_persons_return_as_often_as_their_group_declares(declared: float) -> None:
    (dialysis,) = (group for group in load_groups() if group.id == "HAEMODIALYSIS")
    alone = dialysis.model_copy(update={"comes_from": {}, "claims_per_person": declared})
    persons = table(World(n_bureaus=1, n_claims=50_000, groups=(alone,)), ["psn_no"])["psn_no"]
    assert abs(len(persons) / len(persons.unique()) / declared - 1) < 0.03


def test_nobody_has_an_appendix_removed_twice_and_dialysis_goes_on(read: pa.Table) -> None:
    def returns(group: str) -> float:
        persons = read.filter(pa.compute.equal(read["drg_code"].cast(pa.string()), group))["psn_no"]
        return len(persons) / len(persons.unique())

    assert returns("APPENDECTOMY") == 1
    assert returns("HAEMODIALYSIS") > 7


@pytest.mark.parametrize("column", ["age", "nwb_age", "gend", "insutype"])
def test_a_person_looks_the_same_on_every_claim(read: pa.Table, column: str) -> None:
    seen = defaultdict(set)
    for person, value in zip(read["psn_no"].to_pylist(), read[column].to_pylist(), strict=True):
        seen[person].add(value)
    assert max(len(values) for values in seen.values()) == 1


def test_persons_keep_to_their_region_with_few_exceptions(read: pa.Table) -> None:
    home = np.array([person[:6] for person in read["psn_no"].to_pylist()])
    away = (home != np.array(read["insu_admdvs"].to_pylist())).mean()
    assert 0.005 < away < 0.011


def test_persons_keep_to_their_hospital(read: pa.Table) -> None:
    dialysis = read.filter(pa.compute.equal(read["drg_code"].cast(pa.string()), "HAEMODIALYSIS"))
    visits: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for person, hospital in zip(dialysis["psn_no"].to_pylist(), dialysis["fixmedins_code"].to_pylist(), strict=True):
        visits[person][hospital] += 1
    often = [found for found in visits.values() if found.total() >= 10]
    usual = np.mean([found.most_common(1)[0][1] / found.total() for found in often])
    assert 0.8 < usual < 0.95
    assert len({found.most_common(1)[0][0] for found in often}) > 20


def test_a_hospital_has_one_level_and_lies_in_one_region(read: pa.Table) -> None:
    levels, regions = defaultdict(set), defaultdict(set)
    for hospital, level, region in zip(
        *(read[name].to_pylist() for name in ("fixmedins_code", "hosp_lv", "insu_admdvs")), strict=True
    ):
        levels[hospital].add(level)
        regions[hospital].add(region)
    assert {len(found) for found in (*levels.values(), *regions.values())} == {1}
    assert all(hospital[1:7] in found for hospital, found in regions.items())


def test_age_and_sex_follow_the_group(read: pa.Table) -> None:
    group, age = np.array(read["drg_code"].to_pylist()), np.asarray(read["age"])
    male = np.array(read["gend"].to_pylist()) == "1"
    assert abs(age[group == "APPENDECTOMY"].mean() - 38) < 3
    assert age[group == "PNEUMONIA_CHILD"].max() <= 14
    assert age[group == "NEWBORN"].max() == 0
    assert not male[np.isin(group, ["NORMAL_DELIVERY", "CAESAREAN"])].any()
    by_id = {each.id: each for each in load_groups()}
    others = by_id["PCI"].comes_from
    expected = (1 - sum(others.values())) * by_id["PCI"].male
    expected += sum(share * by_id[other].male for other, share in others.items())
    assert abs(male[group == "PCI"].mean() - expected) < 0.04


def test_the_number_of_a_person_does_not_tell_the_group(read: pa.Table) -> None:
    digit = np.array([int(person[6]) for person in read["psn_no"].to_pylist()])
    group = np.array(read["drg_code"].to_pylist())
    for name in ("APPENDECTOMY", "NORMAL_DELIVERY", "CHOLECYSTECTOMY"):
        assert np.bincount(digit[group == name], minlength=10).min() > 0.07 * (group == name).sum()
