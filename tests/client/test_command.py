"""``fedclaims-bureau profile``: useful to the engineer, and shows nothing that points at a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.claims.mapping import load_mapping
from client.claims.sources.opening import open_source
from client.command import main
from client.profiling.columns import profile_file
from client.profiling.proposal import propose
from client.profiling.shapes import Shape, pattern_of
from tests.client.tables import TableSource, text_table, wide_row, write_csv, write_parquet

_DIAGNOSES = ["I10.x05", "E11.900", "J18.900", "O80.001", "K29.700", "N39.000"]


def _rows(count: int = 300) -> list[dict[str, object]]:
    return [
        {
            "claim_no": f"C{number:06d}",
            "patient_id": f"PAT{number // 3:06d}",
            "dx_1": _DIAGNOSES[number % 6],
            "dx_2": _DIAGNOSES[number % 5] if number % 2 else "",
            "admit": f"2023-01-{number % 28 + 1:02d}",
            "los": number % 9,
            "age_years": number % 90,
            "gender": "MF"[number % 2],
            "total": f"{100 + number}.50",
        }
        for number in range(count)
    ]


def _profile(path: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["profile", str(path), *options])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_proposed_mapping_of_an_unknown_file_reads_every_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "proposed.toml"
    code, text, err = _profile(write_csv(tmp_path / "own.csv", _rows()), "--write-mapping", str(out), capsys=capsys)
    assert (code, err) == (0, "")
    mapping = load_mapping(out)
    assert mapping.claim_key == ("claim_no",)
    assert mapping.person_key == ("patient_id",)
    assert mapping.fields == {
        "medfee_sumamt": "total", "gend": "gender", "adm_time": "admit", "act_ipt_days": "los", "age": "age_years",
    }  # fmt: skip
    assert mapping.values == {"gend": {"M": "1", "F": "2"}}
    assert (mapping.diagnoses.main, mapping.diagnoses.others, mapping.diagnoses.system) == ("dx_1", ("dx_2",), "icd10")
    assert out.read_text("utf-8") in text
    assert "# ?" in text
    assert any(line.split() == ["│", "claims", "│", "300", "│"] for line in text.splitlines())


def test_without_a_terminal_the_text_is_plain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = _profile(write_csv(tmp_path / "own.csv", _rows()), capsys=capsys)
    assert "\x1b" not in text


def test_json_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = _profile(write_parquet(tmp_path / "own.parquet", _rows()), "--json", capsys=capsys)
    page = json.loads(text)
    assert page["outcome"] == {"seen": 300, "accepted": 300, "rejected": {}, "netted": 0, "refunded": 0}
    assert page["mapping_name"] == "proposed"
    assert {column["name"]: column["shape"] for column in page["file"]["columns"]} == {
        "claim_no": "code", "patient_id": "code", "dx_1": "ICD-10-like code", "dx_2": "ICD-10-like code",
        "admit": "date", "los": "whole number", "age_years": "whole number", "gender": "sex", "total": "number",
    }  # fmt: skip


def test_a_value_of_fewer_than_eleven_rows_is_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _rows()
    for number, row in enumerate(rows):
        row["odd"] = "Q99" if number < 10 else "Q11" if number < 21 else "Q00"
    rows[0]["total"] = "987654.32"
    rows[1]["dx_2"] = "Z77.777"
    rows[2]["admit"] = "1999-09-09"
    for options in ((), ("--json",)):
        _, text, _ = _profile(write_csv(tmp_path / "own.csv", rows), *options, capsys=capsys)
        assert "Q11" in text
        for secret in ("Q99", "987654", "980000", "Z77", "1999", "C000001", "PAT0000"):
            assert secret not in text


def test_persons_are_not_shown_even_if_they_have_many_claims(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row | {"patient_id": "PAT7"} for row in _rows()]
    _, text, _ = _profile(write_csv(tmp_path / "own.csv", rows), "--json", capsys=capsys)
    assert "PAT7" not in text


def test_identifier_columns_are_named_and_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row | {"psn_name": "张三", "phone": "13800138000"} for row in _rows()]
    code, text, _ = _profile(write_csv(tmp_path / "own.csv", rows), capsys=capsys)
    assert code == 0
    assert "identify persons, not read: psn_name, phone" in text
    assert 'ignored_identifiers = ["psn_name", "phone"]' in text
    assert "张三" not in text
    assert "13800138000" not in text


def test_identifier_columns_are_not_even_asked_for() -> None:
    source = TableSource(text_table([wide_row(number, certno="x") for number in range(30)]))
    found = profile_file(source)
    assert source.columns_read == set(wide_row())
    assert "certno" not in {column.name for column in found.columns}


def test_quantiles_are_rounded_to_two_digits_and_need_220_numbers(tmp_path: Path) -> None:
    """Of 100.5, 101.5, ... 399.5 the quantiles are 115.45, 250 and 384.55."""
    columns = profile_file(open_source(write_csv(tmp_path / "own.csv", _rows(300)))).columns
    assert {column.name: column.quantiles for column in columns}["total"] == (120.0, 250.0, 380.0)
    columns = profile_file(open_source(write_csv(tmp_path / "own.csv", _rows(219)))).columns
    assert all(column.quantiles is None for column in columns)


def test_a_column_of_telephone_numbers_is_recognised_by_its_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row | {"remark": f"138001380{number % 4:02d}"} for number, row in enumerate(_rows())]
    _, text, _ = _profile(write_csv(tmp_path / "own.csv", rows), capsys=capsys)
    assert str(Shape.IDENTIFIER) in text
    assert "13800138" not in text


def test_ill_formed_codes_are_counted_by_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = _rows(600)
    for row in rows[:12]:
        row["dx_2"] = "I10 高"
    for row in rows[12:15]:
        row["dx_2"] = "???"
    _, text, _ = _profile(write_csv(tmp_path / "own.csv", rows), "--json", capsys=capsys)
    columns = {column["name"]: column for column in json.loads(text)["file"]["columns"]}
    assert columns["dx_2"]["ill_formed"] == [["A99 ?", 12], ["rarer patterns", 3]]
    assert json.loads(text)["outcome"]["rejected"] == {"ill_formed_code": 15}


def test_a_ready_made_mapping_that_fits_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_csv(tmp_path / "own.csv", [wide_row(number) for number in range(30)])
    _, text, _ = _profile(path, capsys=capsys)
    assert "--mapping nhsa_4101_wide" in text
    code, text, _ = _profile(path, "--mapping", "nhsa_4101_wide", capsys=capsys)
    assert code == 0
    assert "Proposed mapping" not in text


def test_a_pattern_holds_no_digit_or_letter_of_the_value() -> None:
    assert pattern_of("I10.x05") == "A99.a99"
    assert pattern_of("张三 12") == "?? 99"
    assert pattern_of("x" * 30) == "aaaaaaaaaaaaaaaa... (30 characters)"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["none.csv"], 3, "there is no file"),
        (["empty.csv"], 3, "is empty"),
        (["header.csv"], 3, "has no rows"),
        (["own.csv", "--mapping", "none"], 3, "there is no mapping none"),
        (["own.csv", "--mapping", "sih_sus"], 3, "has no column 'aih_id'"),
        (["own.csv", "--mapping", "nhsa_4101_wide", "--write-mapping", "x.toml"], 3, "no column"),
        (["own.csv", "--write-mapping", "own.csv"], 3, "exists already"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(  # noqa: PLR0917
    arguments: list[str], code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "own.csv", _rows(20))
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("a,b\n")
    assert main(["profile", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert err.count("\n") == 1


def test_only_the_first_rows_are_looked_at(tmp_path: Path) -> None:
    source = open_source(write_csv(tmp_path / "own.csv", _rows(300)))
    for most, expected in ((100, (100, False)), (300, (300, True)), (400, (300, True))):
        found = profile_file(source, most_rows=most)
        assert (found.rows, found.whole) == expected


def test_nothing_found_is_said_and_not_made_up(tmp_path: Path) -> None:
    rows = [{"a": "x y", "b": "1"} for _ in range(30)]
    proposal = propose(profile_file(open_source(write_csv(tmp_path / "own.csv", rows))))
    assert proposal.claim_key == ()
    assert proposal.diagnoses is None
    assert proposal.notes["diagnoses"] == "not found"
    assert "medfee_sumamt" not in proposal.fields
