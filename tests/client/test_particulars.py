"""What a router needs besides the table is what the claim says, row by row."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from common.columns import MISSING
from tests.client.tables import TableSource, ingest, text_table, wide_row


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_keys_dates_parts_and_referrals_are_those_worked_out_by_hand() -> None:
    rows = [
        wide_row(0, adm_time="2024-02-29 08:30:00", dscg_time="2024-03-02", setl_time="20240303",
                 fund_pay_sumamt="60.5", psn_part_amt="39.50", hosp_part_amt="0"),
        wide_row(1, diag_code="?"),
        wide_row(2, refl_old_mdtrt_id="M7"),
        wide_row(3, reflin_medins_no="H7"),
    ]  # fmt: skip
    [found], _ = ingest(TableSource(text_table(rows)), particulars=True)
    own = found.particulars
    assert own is not None
    assert own.claim_keys == ("S0", "S2", "S3")
    assert own.admitted.tolist() == [seconds("2024-02-29T08:30:00"), MISSING, MISSING]
    assert own.discharged.tolist() == [seconds("2024-03-02"), MISSING, MISSING]
    assert own.settled.tolist() == [seconds("2024-03-03"), MISSING, MISSING]
    assert own.fund_fen.tolist() == [6050, MISSING, MISSING]
    assert own.person_fen.tolist() == [3950, MISSING, MISSING]
    assert own.hospital_fen.tolist() == [0, MISSING, MISSING]
    assert own.referred.tolist() == [False, True, True]


def test_where_a_refund_was_taken_off_the_parts_are_not_known() -> None:
    paid = {"fund_pay_sumamt": "60", "psn_part_amt": "40"}
    back = {"medfee_sumamt": "-30", "amt_01": "-30", "amt_09": None, "refd_setl_flag": "1"}
    rows = [wide_row(0, **paid), wide_row(1, **paid), wide_row(0, **back)]
    [found], report = ingest(TableSource(text_table(rows)), particulars=True)
    assert (report.accepted, report.netted) == (2, 1)
    own = found.particulars
    assert own is not None
    assert found.table.total.tolist() == [7000, 10000]
    assert own.fund_fen.tolist() == [MISSING, 6000]
    assert own.person_fen.tolist() == [MISSING, 4000]


def test_particulars_stand_in_the_order_of_their_table_in_every_batch() -> None:
    rows = [wide_row(number, amt_01=None, amt_09=None, medfee_sumamt=str(number + 1)) for number in range(50)]
    found, _ = ingest(TableSource(text_table(rows), batch_rows=7), particulars=True)
    for one in found:
        assert one.particulars is not None
        assert [f"S{fen // 100 - 1}" for fen in one.table.total.tolist()] == list(one.particulars.claim_keys)
    assert sum(len(one.table) for one in found) == 50


def test_nobody_gets_particulars_without_asking() -> None:
    [found], _ = ingest(TableSource(text_table([wide_row()])))
    assert found.particulars is None
    assert np.size(found.table.total) == 1
