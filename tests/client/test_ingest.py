"""Every row becomes a claim, is netted, or is refused for a reason; and nothing identifies a person."""

from __future__ import annotations

import csv
import inspect
import logging
import stat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.claims.ingest import Ingest
from client.claims.mapping import ClaimMapping
from client.claims.reasons import REASONS, Reason
from client.claims.sources.opening import open_source
from common.errors import IdentifierError, InputError, SourceError
from tests.client.tables import (
    KEY,
    WIDE,
    TableSource,
    decoded,
    ingest,
    reasons,
    text_table,
    wide_row,
    write_csv,
    write_parquet,
)


def _mapping(**changes: object) -> ClaimMapping:
    return ClaimMapping.model_validate(WIDE.model_dump(exclude_defaults=True) | changes)


def test_a_fine_row_becomes_a_claim_worked_out_by_hand() -> None:
    row = wide_row(diag_code_3="e11.9", oprn_oprt_code_2="51.23", gend="1", age="0.5", adm_time="2023-01-05",
                   dscg_time="2023-01-08 10:00:00")  # fmt: skip
    batches, report = ingest(TableSource(text_table([row])))
    table = batches[0].table
    assert [decoded(column) for column in table.diagnoses] == [["I10X05"], ["E119"]]
    assert [decoded(column) for column in table.operations] == [["5123"]]
    assert decoded(table.attributes["gend"]) == ["1"]
    assert table.fees.tolist() == [[6000, 0, 0, 0, 0, 0, 0, 0, 4000, 0, 0, 0, 0, 0]]
    assert (table.total.tolist(), table.stay_days.tolist(), table.age_days.tolist()) == ([10000], [3], [182])
    assert report.accepted == report.seen == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"setl_id": " "}, "missing_key"),
        ({"psn_no": None}, "missing_key"),
        ({"psn_no": "p" * 129}, "ill_formed_key"),
        ({"medfee_sumamt": None}, "missing_amount"),
        ({"medfee_sumamt": "nan"}, "ill_formed_number"),
        ({"medfee_sumamt": "inf"}, "ill_formed_number"),
        ({"medfee_sumamt": "1e400"}, "ill_formed_number"),
        ({"medfee_sumamt": "１００"}, "ill_formed_number"),
        ({"medfee_sumamt": "1_00"}, "ill_formed_number"),
        ({"medfee_sumamt": "٣"}, "ill_formed_number"),
        ({"medfee_sumamt": "1,00"}, "ill_formed_number"),
        ({"amt_01": "60 元"}, "ill_formed_number"),
        ({"act_ipt_days": "2.5"}, "ill_formed_number"),
        ({"medfee_sumamt": "1000000000000.01"}, "number_out_of_range"),
        ({"act_ipt_days": "3661"}, "number_out_of_range"),
        ({"age": "131"}, "number_out_of_range"),
        ({"age": "-1"}, "number_out_of_range"),
        ({"setl_time": "2023-02-29"}, "ill_formed_date"),
        ({"setl_time": "1989-12-31"}, "date_out_of_range"),
        ({"setl_time": "2101-01-01"}, "date_out_of_range"),
        ({"diag_code": "I10'; --"}, "ill_formed_code"),
        ({"med_type": "x" * 33}, "ill_formed_code"),
        ({"gend": "F"}, "unknown_value"),
        ({"refd_setl_flag": "maybe"}, "unknown_value"),
        ({"diag_code": None}, "main_diagnosis"),
        ({"diag_code": None, "diag_code_2": "I10", "diag_code_3": "E11"}, "main_diagnosis"),
        ({"medfee_sumamt": "-100", "amt_01": "-60", "amt_09": "-40"}, "negative_amount"),
        ({"amt_01": "59.94"}, "fees_do_not_add_up"),
        ({"fund_pay_sumamt": "60", "psn_part_amt": "39.94"}, "payment_does_not_add_up"),
        ({"adm_time": "2023-01-05", "dscg_time": "2023-01-04"}, "dates_disordered"),
        ({"adm_time": "2023-01-05", "dscg_time": "2023-01-08", "act_ipt_days": "5"}, "stay_contradicts_dates"),
    ],
)
def test_a_row_is_refused_for_its_reason(changes: dict[str, object], reason: str) -> None:
    assert reasons([wide_row(1, **changes), wide_row(2)]) == {reason: 1}


def test_every_reason_is_documented() -> None:
    source = inspect.getsource(Reason)
    assert all(f'"{reason}"\n    """' in source for reason in REASONS)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e13, 1e300])
def test_nan_infinite_and_huge_numbers_of_a_parquet_are_refused(tmp_path: Path, number: float) -> None:
    row = wide_row(1, medfee_sumamt=number, amt_01=60.0, amt_09=40.0)
    fine = wide_row(2, medfee_sumamt=100.0, amt_01=60.0, amt_09=40.0)
    _, report = ingest(open_source(write_parquet(tmp_path / "claims.parquet", [row, fine])))
    expected = Reason.NUMBER_OUT_OF_RANGE if np.isfinite(number) else Reason.ILL_FORMED_NUMBER
    assert report.rejected == {expected: 1}
    assert report.accepted == 1


def test_more_than_64_codes_are_refused() -> None:
    mapping = _mapping(diagnoses={"system": "icd10", "main": "diag_code", "list": "more"})
    more = pa.array([["E11"] * 63, ["E11"] * 64, ["E11"] * 1_000, ["", None, "I20"], None], pa.list_(pa.string()))
    table = text_table([wide_row(place) for place in range(5)]).append_column("more", more)
    batches, report = ingest(TableSource(table), mapping)
    assert report.rejected == {Reason.TOO_MANY_CODES: 2}
    assert len(batches[0].table.diagnoses) == 64
    assert decoded(batches[0].table.diagnoses[1]) == ["E11", "I20", None]


def test_the_first_code_of_a_list_without_a_main_column_is_the_main_one() -> None:
    mapping = _mapping(diagnoses={"system": "icd9cm", "list": "dx"})
    dx = pa.array([["0389", "5849"], [None, "5579"], [], None], pa.list_(pa.string()))
    batches, report = ingest(
        TableSource(text_table([wide_row(place) for place in range(4)]).append_column("dx", dx)), mapping
    )
    assert decoded(batches[0].table.diagnoses[0]) == ["0389", "5579"]
    assert report.rejected == {Reason.MAIN_DIAGNOSIS: 2}


# Keys


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_later_rows_with_the_same_claim_key_are_refused(batch_rows: int) -> None:
    totals = ["100", "101", "102", "103", "104"]
    keys = ["A", "B", "A", "A", "B"]
    rows = [
        wide_row(setl_id=key, medfee_sumamt=total, amt_01=None, amt_09=total)
        for key, total in zip(keys, totals, strict=True)
    ]
    batches, report = ingest(TableSource(text_table(rows), batch_rows))
    assert [total for one in batches for total in one.table.total] == [10000, 10100]
    assert report.rejected == {Reason.DUPLICATE_CLAIM_KEY: 3}


def test_a_key_of_two_columns_repeats_only_if_both_do() -> None:
    rows = [wide_row(setl_id=one, part=two) for one, two in [("A", "1"), ("A", "2"), ("A", "1"), ("A1", "")]]
    _, report = ingest(TableSource(text_table(rows)), _mapping(claim_key=["setl_id", "part"]))
    assert report.rejected == {Reason.DUPLICATE_CLAIM_KEY: 1, Reason.MISSING_KEY: 1}


def test_a_person_has_one_id_in_every_batch_and_another_under_another_key() -> None:
    rows = [wide_row(place, psn_no=person) for place, person in enumerate(["P1", "P2", "P1"])]
    source = TableSource(text_table(rows), batch_rows=1)
    ids = [int(one.table.person_id[0]) for one in ingest(source)[0]]
    others = [int(one.table.person_id[0]) for one in Ingest(source, WIDE, pseudonym_key=bytes(32))]
    assert ids[0] == ids[2] != ids[1]
    assert not set(ids) & set(others)


def test_without_persons_each_claim_is_its_own() -> None:
    batches, _ = ingest(
        TableSource(text_table([wide_row(1, psn_no="P"), wide_row(2, psn_no="P")])), _mapping(person_key="each_claim")
    )
    assert len(set(batches[0].table.person_id.tolist())) == 2


# Refunds


def _amounts(total: str) -> dict[str, str | None]:
    return {"medfee_sumamt": total, "amt_01": None, "amt_09": total}


@pytest.mark.parametrize("batch_rows", [1, 100])
@pytest.mark.parametrize("first", ["claim", "refund"])
def test_a_refund_is_taken_off_its_claim(batch_rows: int, first: str) -> None:
    rows = [wide_row(1), wide_row(1, refd_setl_flag="1", **_amounts("-30"))]
    rows = rows if first == "claim" else rows[::-1]
    batches, report = ingest(TableSource(text_table(rows), batch_rows))
    assert (report.accepted, report.netted, report.refunded, report.rejected) == (1, 1, 0, {})
    assert batches[0].table.total.tolist() == [7000]
    assert batches[0].table.fees[0, 8] == 1000


def test_a_fully_refunded_claim_is_dropped_and_counted() -> None:
    halves = [wide_row(1, refd_setl_flag="1", **_amounts("-50")) for _ in range(2)]
    batches, report = ingest(TableSource(text_table([wide_row(1, refd_setl_flag="1"), *halves, wide_row(2)])))
    assert (report.seen, report.accepted, report.netted, report.refunded) == (4, 1, 3, 1)
    assert sum(len(one.table) for one in batches) == 1


def test_a_refund_without_its_claim_is_refused() -> None:
    assert reasons([wide_row(1), wide_row(2, refd_setl_flag="1", **_amounts("-1"))]) == {"refund_without_claim": 1}


def test_a_claim_of_which_more_was_refunded_than_charged_is_refused() -> None:
    assert reasons([wide_row(1), wide_row(1, refd_setl_flag="1", **_amounts("-101"))]) == {"refund_exceeds_claim": 1}


def test_an_ill_formed_refund_takes_nothing_off() -> None:
    batches, report = ingest(
        TableSource(text_table([wide_row(1), wide_row(1, refd_setl_flag="1", gend="x", **_amounts("-30"))]))
    )
    assert report.rejected == {Reason.UNKNOWN_VALUE: 1}
    assert batches[0].table.total.tolist() == [10000]


def test_a_refund_may_name_its_claim_in_a_column_of_its_own() -> None:
    refund = wide_row(2, refd_setl_flag="1", init_setl_id="S1", **_amounts("-30"))
    rows = [wide_row(1), refund, refund, wide_row(3)]
    mapping = _mapping(refund={"column": "refd_setl_flag", "original": ["init_setl_id"]})
    batches, report = ingest(TableSource(text_table(rows)), mapping)
    assert batches[0].table.total.tolist() == [7000, 10000]
    assert (report.netted, report.rejected) == (1, {Reason.DUPLICATE_CLAIM_KEY: 1})


def test_a_refund_needs_no_diagnosis() -> None:
    assert reasons([wide_row(1), wide_row(1, refd_setl_flag="1", diag_code=None, **_amounts("-30"))]) == {}


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C", "", None]),
            st.sampled_from(["100", "50", "-50", "-100", "-150", "x"]),
            st.sampled_from(["0", "1", None]),
            st.sampled_from(["I10", None]),
        ),
        max_size=12,
    ),
    st.integers(1, 5),
)
def test_every_row_is_accounted_for(drawn: list[tuple[str | None, ...]], batch_rows: int) -> None:
    rows = [
        wide_row(setl_id=key, refd_setl_flag=flag, diag_code=code, medfee_sumamt=total, amt_01=None, amt_09=total)
        for key, total, flag, code in drawn
    ]
    table = text_table(rows) if rows else text_table([wide_row()]).slice(0, 0)
    batches, report = ingest(TableSource(table, batch_rows))
    assert report.seen == len(rows) == report.accepted + sum(report.rejected.values()) + report.netted
    assert report.refunded <= report.netted
    assert report.accepted == sum(len(one.table) for one in batches)
    assert all(one.table.total.min() >= 0 for one in batches)


# Columns


def test_a_missing_column_is_refused_by_name() -> None:
    row = wide_row()
    del row["diag_code"]
    with pytest.raises(SourceError, match="'diag_code', which mapping nhsa_4101_wide needs"):
        ingest(TableSource(text_table([row])))


def test_a_mapping_that_refuses_missing_columns_needs_all_of_them() -> None:
    with pytest.raises(SourceError, match="'amt_02', 'amt_03'"):
        ingest(TableSource(text_table([wide_row()])), _mapping(missing_columns="refuse"))


def test_nothing_unmapped_is_read() -> None:
    source = TableSource(text_table([wide_row(remark="x", certno="y", region_raw="z")]))
    ingest(source, _mapping(ignored_identifiers=["certno"]), split="region_raw")
    assert source.columns_read == {*wide_row(), "region_raw"}


def test_the_split_column_comes_along_as_it_is() -> None:
    rows = [wide_row(1, area=" b.x"), wide_row(2, gend="?", area="a"), wide_row(3, area=None), wide_row(4, area="A")]
    batches, _ = ingest(TableSource(text_table(rows)), split="area")
    assert batches[0].split is not None
    assert decoded(batches[0].split) == [" b.x", None, "A"]


def test_a_split_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(SourceError, match="'area' to split by"):
        ingest(TableSource(text_table([wide_row()])), split="area")


@pytest.mark.parametrize("name", ["psn_name", "CERTNO", " Tel ", "姓名", "身份证号", "date_of_birth"])
def test_a_column_named_after_an_identifier_is_refused(name: str) -> None:
    with pytest.raises(IdentifierError, match="identify persons directly"):
        ingest(TableSource(text_table([wide_row() | {name: "x"}])))


@pytest.mark.parametrize("value", ["11010519491231002X", "13800138000", "tel13912345678."])
@pytest.mark.parametrize("field", ["diag_code_2", "fixmedins_code", "drg_code"])
def test_a_column_of_identifiers_is_refused_and_none_is_shown(value: str, field: str) -> None:
    rows = [wide_row(place) for place in range(10)] + [wide_row(11, **{field: value})]
    with pytest.raises(IdentifierError, match="identity numbers or mobile numbers") as caught:
        ingest(TableSource(text_table(rows)))
    assert value not in str(caught.value)
    assert field in str(caught.value)


def test_an_identity_number_with_a_wrong_check_digit_is_an_ordinary_code() -> None:
    assert reasons([wide_row(fixmedins_code="110105194912310021")]) == {}


def test_keys_may_look_like_identity_numbers() -> None:
    assert reasons([wide_row(psn_no="11010519491231002X", setl_id="13800138000")]) == {}


# Refused rows and the report


def test_refused_rows_are_written_with_their_reason_for_the_owner_alone(tmp_path: Path) -> None:
    rows = [wide_row(1), wide_row(2, diag_code="=cmd|'/C calc'!A0"), wide_row(3, gend="@x"), wide_row(4, gend="-1")]
    path = tmp_path / "refused.csv"
    ingest(open_source(write_csv(tmp_path / "claims.csv", rows)), rejects_path=path)
    written = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [(row["reason"], row["setl_id"]) for row in written] == [
        ("ill_formed_code", "S2"), ("unknown_value", "S3"), ("unknown_value", "S4"),
    ]  # fmt: skip
    assert written[0]["diag_code"] == "'=cmd|'/C calc'!A0"
    assert [row["gend"] for row in written] == ["", "'@x", "'-1"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_never_overwritten_by_refused_rows(tmp_path: Path) -> None:
    path = tmp_path / "refused.csv"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        ingest(TableSource(text_table([wide_row()])), rejects_path=path)
    assert path.read_text() == "mine"


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG):
        reasons([wide_row(gend="4711secret")])
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_there_is_no_report_before_the_end() -> None:
    reader = Ingest(TableSource(text_table([wide_row(1), wide_row(2)]), batch_rows=1), WIDE, pseudonym_key=KEY)
    with pytest.raises(InputError, match="not been read to their end"):
        _ = reader.report
    next(iter(reader))
    with pytest.raises(InputError, match="not been read to their end"):
        _ = reader.report
    assert len(list(reader)) == reader.report.accepted == 2


def test_a_key_of_the_wrong_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        Ingest(TableSource(text_table([wide_row()])), WIDE, pseudonym_key=b"short")


def test_a_column_of_the_wrong_type_is_refused_without_values() -> None:
    table = text_table([wide_row()]).append_column("age", pa.array([True]))
    with pytest.raises(SourceError, match="type bool cannot be read as numbers"):
        ingest(TableSource(table))
