"""Registers: read from files, under pseudonyms, and never half."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.claims.mapping import ClaimMapping
from client.claims.pseudonym import Pseudonymiser
from client.router.configuration import RegistersPart
from client.router.known import insist_persons_known, read_registers
from client.router.place import RouterPlace
from client.router.registers import Registers
from common.errors import InputError
from tests.client.tables import KEY, WIDE, write_csv, write_parquet

DAY_2024 = 19_723
"""2024-01-01 in days since 1970."""


def read(root: Path, **files: list[dict[str, object]]) -> Registers:
    named = {name: write_csv(root / f"{name}.csv", rows).relative_to(root) for name, rows in files.items()}
    return read_registers(RouterPlace(root), RegistersPart.model_validate(named), KEY)


def person(name: str) -> int:
    return int(Pseudonymiser(KEY).person_ids([name.encode()])[0])


def test_who_refused_is_known_by_pseudonym(tmp_path: Path) -> None:
    found = read(tmp_path, opted_out=[{"psn_key": "P1"}, {"psn_key": " P2 "}, {"psn_key": "P1"}])
    asked = np.array([person("P1"), person("P2"), person("P3")], np.uint64)
    assert found.refused(asked).tolist() == [True, True, False]


def test_a_person_is_found_however_its_key_is_spelled(tmp_path: Path) -> None:
    found = read(tmp_path, opted_out=[{"psn_key": "\u3000Ｐ１\u00a0"}, {"psn_key": "P²"}])
    assert found.refused(np.array([person("P1"), person("P2")], np.uint64)).tolist() == [True, True]


def test_whole_numbers_are_keys_and_a_line_without_a_key_is_refused(tmp_path: Path) -> None:
    write_parquet(tmp_path / "whole.parquet", [{"psn_key": 4711}, {"psn_key": 0}])
    found = read_registers(RouterPlace(tmp_path), RegistersPart(opted_out=Path("whole.parquet")), KEY)
    assert found.refused(np.array([person("4711"), person("0")], np.uint64)).tolist() == [True, True]
    with pytest.raises(InputError, match="psn_key of the register opted_out"):
        read(tmp_path, opted_out=[{"psn_key": "P1", "since": "1"}, {"psn_key": "", "since": "2"}])


@pytest.mark.parametrize("person_key", ["each_claim", ["region", "number"]])
@pytest.mark.parametrize("name", ["opted_out", "deaths"])
def test_a_register_of_persons_is_refused_where_no_single_column_names_them(
    person_key: str | list[str], name: str
) -> None:
    mapping = ClaimMapping.model_validate(WIDE.model_dump(exclude_defaults=True) | {"person_key": person_key})
    with pytest.raises(InputError, match=f"names {name}.*person_key in the mapping one column"):
        insist_persons_known(RegistersPart.model_validate({name: "file.csv"}), lambda: mapping)
    insist_persons_known(RegistersPart(requested_operations=Path("a"), drug_items=Path("b")), lambda: mapping)
    insist_persons_known(RegistersPart.model_validate({name: "file.csv"}), lambda: WIDE)


def test_of_several_days_of_death_the_last_one_counts(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"psn_key": "P1", "day": "2024-01-05"},
        {"psn_key": "P2", "day": "20240102"},
        {"psn_key": "P1", "day": "2024-01-03"},
    ]
    deaths = read(tmp_path, deaths=rows).deaths
    assert deaths is not None
    dead, days = deaths.day_of(np.array([person("P1"), person("P2"), person("P3")], np.uint64))
    assert dead.tolist() == [True, True, False]
    assert days[:2].tolist() == [DAY_2024 + 4, DAY_2024 + 1]


def test_requested_operations_stand_by_claim(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"claim_key": "S1", "oprn_oprt_code": "47.01"},
        {"claim_key": "S1", "oprn_oprt_code": "51.23"},
    ]
    assert read(tmp_path, requested_operations=rows).requested_operations == {"S1": frozenset({"47.01", "51.23"})}


def test_drugs_are_read_item_by_item(tmp_path: Path) -> None:
    row: dict[str, object] = {
        "psn_key": "P1",
        "claim_key": "S1",
        "code": "A1",
        "day": "2024-01-01",
        "days_supplied": "30",
    }
    again = row | {"claim_key": "S2", "day": "2024-01-11"}
    found = read(tmp_path, drug_items=[row, again]).drug_items
    assert found is not None
    assert sorted(found.held_days.tolist()) == [0, 20]


def test_what_is_not_named_is_not_known(tmp_path: Path) -> None:
    assert read(tmp_path) == Registers()


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("opted_out", [{"person": "P1"}]),
        ("deaths", [{"psn_key": "P1", "day": "yesterday"}]),
        ("deaths", [{"psn_key": "P1", "day": ""}]),
        ("drug_items", [{"psn_key": "P", "claim_key": "S", "code": "A", "day": "2024-01-01", "days_supplied": "-3"}]),
    ],
)
def test_a_register_that_cannot_be_read_is_refused_whole(
    tmp_path: Path, name: str, rows: list[dict[str, object]]
) -> None:
    with pytest.raises(InputError):
        read(tmp_path, **{name: rows})


def test_an_empty_register_is_one(tmp_path: Path) -> None:
    (tmp_path / "deaths.csv").write_text("psn_key,day\n")
    found = read_registers(RouterPlace(tmp_path), RegistersPart(deaths=Path("deaths.csv")), KEY)
    assert found.deaths is not None
    assert len(found.deaths.day) == 0
