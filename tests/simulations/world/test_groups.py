"""The shipped groups and names are sound, and a table that is not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from common.claim import Code
from common.columns import normalise_code
from simulations.world import World, code_names, group_names, load_groups
from simulations.world.groups import INPATIENT, check_groups
from simulations.world.pictures import vocabulary

LEAST = """
[[group]]
id = "COLD"
zh = "感冒"
en = "Cold"
weight = 1
med_type = "11"
main = { "J06.900" = 1 }
fees = { 09 = 100 }
cost = { median = 100, spread = 0.5 }
levels = [0, 0, 1]
age = { mean = 40, sd = 10, low = 1, high = 90 }
male = 0.5
claims_per_person = 1.5
"""


def test_the_shipped_groups_cover_the_kinds_of_care() -> None:
    groups = load_groups()
    kinds = {kind: sum(group.med_type == kind for group in groups) for kind in ("11", "14", "21", "52")}
    assert 30 <= len(groups) <= 40
    assert kinds["11"] >= 5
    assert kinds["14"] >= 3
    assert kinds["21"] >= 15
    assert kinds["52"] == 2
    assert sum(bool(group.tcm_for) for group in groups) == 4


def test_some_groups_are_rare_and_some_are_common() -> None:
    groups = load_groups()
    total = sum(group.weight for group in groups)
    assert sum(group.weight < 0.003 * total for group in groups) >= 3
    assert max(group.weight for group in groups) > 0.05 * total


def test_groups_overlap_in_their_diagnoses() -> None:
    by_id = {group.id: group for group in load_groups()}
    assert by_id["ANGINA"].main.keys() & by_id["PCI"].main.keys() & by_id["CABG"].main.keys()
    assert by_id["PNEUMONIA_ADULT"].main.keys() & by_id["PNEUMONIA_CHILD"].main.keys()
    assert sum("I10.x00" in group.further_diagnoses for group in by_id.values()) > 15


def test_every_code_is_a_code_and_has_a_name_in_both_languages() -> None:
    words = vocabulary(load_groups())
    names = code_names()
    for code in (*words.diagnoses, *words.operations, *words.tcm):
        assert TypeAdapter(Code).validate_python(code) == code
        assert names[code] == names[normalise_code(code)]
        assert names[code].zh
        assert names[code].en.isascii()


def test_no_name_is_left_without_a_code() -> None:
    words = vocabulary(load_groups())
    used = {*words.diagnoses, *words.operations, *words.tcm}
    assert set(code_names()) == used | {normalise_code(code) for code in used}


def test_every_group_has_a_name_under_the_id_that_a_claim_table_shows() -> None:
    names = group_names(load_groups())
    assert names["PCI"].en == "Percutaneous coronary intervention"
    assert all(normalise_code(group) == group for group in names)


def test_a_table_of_ones_own_makes_a_world(tmp_path: Path) -> None:
    file = tmp_path / "groups.toml"
    file.write_text(LEAST, "utf-8")
    world = World(n_bureaus=2, n_claims=50, groups=load_groups(file))
    (batch, *_) = world.batches(["drg_code", "diag_code", "oprn_oprt_code"])
    assert set(batch["drg_code"].to_pylist()) == {"COLD"}
    assert batch["oprn_oprt_code"].null_count == len(batch)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("weight = 1", "weight = -1"),
        ("weight = 1", "weight = 1\nwieght = 1"),
        ('med_type = "11"', 'med_type = "21"'),
        ('med_type = "11"', 'med_type = "99"'),
        ('"J06.900" = 1', '"J06 900" = 1'),
        ("fees = { 09 = 100 }", "fees = { 15 = 100 }"),
        ("fees = { 09 = 100 }", "fees = {}"),
        ("levels = [0, 0, 1]", "levels = [0, 0, 0]"),
        ("low = 1, high = 90", "low = 50, high = 90"),
        ("male = 0.5", "male = 1.5"),
        ("male = 0.5", "male = 0.5\nurgent = 0.1"),
        ("male = 0.5", 'male = 0.5\ntcm_for = { "I10.x00" = "A07.01.01" }'),
        ("male = 0.5", 'male = 0.5\noperation_for = { "J06.900" = "99.9200" }'),
        ("claims_per_person = 1.5", "claims_per_person = 0.5"),
    ],
)
def test_a_group_that_contradicts_itself_is_refused(tmp_path: Path, line: str, instead: str) -> None:
    file = tmp_path / "groups.toml"
    assert line in LEAST
    file.write_text(LEAST.replace(line, instead), "utf-8")
    with pytest.raises(ValidationError):
        load_groups(file)


def test_groups_that_contradict_each_other_are_refused() -> None:
    (cold, *_) = load_groups()
    with pytest.raises(ValueError, match="same id"):
        check_groups([cold, cold])
    with pytest.raises(ValueError, match="comes_from"):
        check_groups([cold.model_copy(update={"comes_from": {"NOBODY": 0.1}})])
    with pytest.raises(ValueError, match="1 to 90 groups"):
        check_groups([])


def test_only_inpatient_groups_have_stays() -> None:
    assert all((group.stay is not None) == (group.med_type in INPATIENT) for group in load_groups())
