"""A mapping is complete, says one thing once, and never reads an identifier."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.claims.mapping import ClaimMapping, load_mapping, parse_mapping, ready_made
from common.errors import IdentifierError, InputError

LEAST = """
name = "least"
claim_key = ["id"]
person_key = ["person"]
fields = { total_amount = "total" }
diagnoses = { system = "icd10", main = "dx" }
"""


def test_the_shipped_mappings_load() -> None:
    assert ready_made() == ("de_synpuf", "nhsa_4101_wide", "sih_sus")
    assert [load_mapping(name).name for name in ready_made()] == list(ready_made())


def test_the_national_layout_needs_four_columns_only() -> None:
    mapping = load_mapping("nhsa_4101_wide")
    assert mapping.required_columns == ("setl_id", "psn_no", "diag_code", "medfee_sumamt")
    assert mapping.missing_columns == "allow"


def test_english_and_national_names_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(LEAST.replace("total_amount", "medfee_sumamt"), "utf-8")
    assert load_mapping(path) == parse_mapping(LEAST, "least")
    assert load_mapping(path).columns == ("id", "person", "dx", "total")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("claim_key = ", "claim = "), "claim: Extra inputs"),
        (('person_key = ["person"]', ""), "person_key: Field required"),
        (('["person"]', '"nobody"'), "person_key"),
        (("total_amount", "sex"), "fields must name the column of medfee_sumamt"),
        (("total_amount", "psn_name"), "no such claim field: psn_name"),
        (('total_amount = "total"', 'total_amount = "a", medfee_sumamt = "b"'), "a field is given twice"),
        ((', main = "dx"', ""), "name the main column, or a list column"),
        (('main = "dx"', 'list = "a", others = ["b"]'), "others needs main"),
        (('name = "least"', 'name = "least"\nignored_identifiers = ["dx"]'), "ignored and used at once: dx"),
        (('name = "least"', 'name = "least"\nvalues = { sex = { F = "2" } }'), "have no column: gend"),
        (('name = "least"', 'name = "least"\nage_unit = "months"'), "age_unit"),
        (('name = "least"', 'name = "least"\nfees = { }'), "name parts, or a remainder"),
        (('name = "least"', 'name = "least"\nfees = { parts = { 15 = ["a"] } }'), "fees.parts"),
        (('name = "least"', 'name = "least"\nfees = { remainder = "01", parts = { 01 = ["a"] } }'), "cannot be one of"),
        (('name = "least"', "name = "), "not valid TOML"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(change: tuple[str, str], text: str) -> None:
    with pytest.raises(InputError, match="mapping mine") as caught:
        parse_mapping(LEAST.replace(*change), "mine")
    assert text in str(caught.value)


def test_a_mapping_that_reads_an_identifier_is_refused() -> None:
    with pytest.raises(IdentifierError, match="identify persons directly"):
        parse_mapping(LEAST.replace('["person"]', '["CERTNO"]'), "mine")


def test_an_unknown_mapping_is_refused_with_the_names_of_the_shipped_ones() -> None:
    with pytest.raises(InputError, match="one of de_synpuf, nhsa_4101_wide, sih_sus"):
        load_mapping("nhsa")


def test_a_mapping_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_mapping(path)


@given(st.text(max_size=200))
def test_any_text_is_a_mapping_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(parse_mapping(text, "mine"), ClaimMapping)
