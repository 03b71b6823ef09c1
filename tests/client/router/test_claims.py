"""Claims as the router takes them, and what else a bureau knows."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from client.router.claims import COLUMNS, RoutedClaims, routed_claims
from client.router.registers import Deaths, Registers
from common.columns import MISSING
from tests.client.router.rules.bulk import bulk
from tests.client.router.rules.cases import stay


def test_dates_are_the_wall_clock_of_the_claim_read_as_utc() -> None:
    noon = datetime(2024, 3, 1, 12, 30, 59, 999_999)  # noqa: DTZ001 - claims have no time zone
    eastern = noon.replace(tzinfo=timezone(timedelta(hours=8)))
    claims = routed_claims([stay(setl_time=noon), stay(setl_time=eastern), stay(setl_time=None)])
    assert claims.settled.tolist() == [1_709_296_259, 1_709_296_259, MISSING]
    assert claims.admitted.tolist() == [1_709_283_600] * 3
    assert (claims.discharged - claims.admitted).tolist() == [5 * 86_400] * 3


def test_money_parts_are_fen_and_missing_where_not_given() -> None:
    paid = stay(total="0.30", fund_pay_sumamt="0.10", psn_part_amt="0.20", hosp_part_amt="0")
    claims = routed_claims([paid, stay()])
    assert claims.fund_fen.tolist() == [10, MISSING]
    assert claims.person_fen.tolist() == [20, MISSING]
    assert claims.hospital_fen.tolist() == [0, MISSING]


def test_referrals_and_refusals_are_flags() -> None:
    given = stay("A", refl_old_mdtrt_id="M"), stay("B", reflin_medins_no="H"), stay("C", psn_key="P2")
    claims = routed_claims(given, [1, 2, 3], refused={"P2"})
    assert claims.referred.tolist() == [True, True, False]
    assert claims.refused_automation.tolist() == [False, False, True]
    assert claims.table.person_id.tolist() == [1, 2, 3]


def test_a_selection_takes_the_same_rows_of_every_column() -> None:
    claims = bulk(50)
    rows = np.array([3, 3, 40])
    some = claims.select(rows)
    assert (some.n, len(some)) == (3, 3)
    assert some.claim_keys == tuple(claims.claim_keys[row] for row in rows)
    assert (some.table.total == claims.table.total[rows]).all()
    assert {field.name for field in fields(RoutedClaims)} == {"table", "claim_keys", *COLUMNS}
    for name in COLUMNS:
        assert (getattr(some, name) == getattr(claims, name)[rows]).all()


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        replace(bulk(5), fund_fen=np.zeros(4, np.int64))


def test_the_registers_know_who_refused_and_who_died() -> None:
    persons = np.array([5, 2, 2**64 - 1, 0], np.uint64)
    listed = np.array([2, 2**64 - 1], np.uint64)
    assert Registers(opted_out=listed).refused(persons).tolist() == [False, True, True, False]
    assert not Registers().refused(persons).any()
    assert not Registers(opted_out=listed[:0]).refused(persons).any()
    died, day = Deaths(person_id=listed, day=np.array([10, 20])).day_of(persons)
    assert died.tolist() == [False, True, True, False]
    assert day[died].tolist() == [10, 20]
    assert not Deaths(person_id=listed[:0], day=np.empty(0, np.int64)).day_of(persons)[0].any()


def test_a_register_of_refusals_is_ordered() -> None:
    with pytest.raises(ValueError, match="ascending"):
        Registers(opted_out=np.array([3, 2], np.uint64))
