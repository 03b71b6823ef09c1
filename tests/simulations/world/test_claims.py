"""Every generated row is a claim: amounts reconcile, times are ordered, codes fit together."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from client.claims.ingest import Ingest
from client.claims.mapping import load_mapping
from simulations.world import World, load_groups
from simulations.world.groups import INPATIENT
from tests.simulations.world.reading import DIAGNOSES, FEES, OPERATIONS, PAYMENTS, claim, fen, places, table

SECONDS_A_DAY = 86_400


@pytest.fixture(scope="module")
def world() -> World:
    return World(n_claims=60_000, seed=1)


@pytest.fixture(scope="module")
def read(world: World) -> pa.Table:
    return table(world)


def test_fees_add_up_to_the_total_to_the_fen(read: pa.Table) -> None:
    total = fen(read, "medfee_sumamt")
    assert np.array_equal(sum(fen(read, name) for name in FEES), total)
    assert total.min() > 0


def test_payment_parts_add_up_to_the_total_to_the_fen(read: pa.Table) -> None:
    pooled, fund, person, account, cash, hospital = (fen(read, name) for name in PAYMENTS)
    assert np.array_equal(fund + person + hospital, fen(read, "medfee_sumamt"))
    assert np.array_equal(account + cash, person)
    assert (pooled <= fund).all()
    assert all(part.min() >= 0 for part in (pooled, fund, person, account, cash, hospital))


def test_large_bills_are_exact_too() -> None:
    (dear,) = (group for group in load_groups() if group.id == "TAVI")
    bills = table(World(n_claims=5_000, n_bureaus=1, groups=(dear,)))
    assert fen(bills, "medfee_sumamt").max() > 2**24, "beyond what float32 counts one by one"
    assert np.array_equal(sum(fen(bills, name) for name in FEES), fen(bills, "medfee_sumamt"))


def test_only_employees_pay_from_an_account(read: pa.Table) -> None:
    employee = np.array(read["insutype"].to_pylist()) == "310"
    account = fen(read, "acct_pay")
    assert account[employee].mean() > 0
    assert not account[~employee].any()
    assert not employee[np.asarray(read["age"]) < 18].any()


def test_times_are_ordered_and_agree_with_the_stay(read: pa.Table) -> None:
    stays = read.filter(pa.compute.is_valid(read["adm_time"]))
    admitted, discharged, settled = (
        np.asarray(stays[name]).astype(np.int64) for name in ("adm_time", "dscg_time", "setl_time")
    )
    days = np.asarray(stays["act_ipt_days"])
    assert (admitted < discharged).all()
    assert (discharged <= settled).all()
    assert np.array_equal(discharged // SECONDS_A_DAY - admitted // SECONDS_A_DAY, days)
    assert days.min() >= 1


def test_a_stay_belongs_to_inpatients_alone(read: pa.Table) -> None:
    inpatient = np.isin(read["med_type"].to_pylist(), list(INPATIENT))
    assert 0.3 < inpatient.mean() < 0.7
    for name in ("adm_time", "dscg_time", "act_ipt_days", "adm_way", "dscg_way"):
        assert np.array_equal(np.asarray(read[name].is_valid()), inpatient), name


def test_settlement_stays_within_the_period_on_office_days_mostly(world: World, read: pa.Table) -> None:
    settled = read["setl_time"].to_numpy().astype("datetime64[D]")
    assert settled.min() >= np.datetime64(world.start)
    assert settled.max() < np.datetime64(world.start) + world.days
    weekend = 1 - np.is_busday(settled).mean()
    assert 0.12 < weekend < 0.18, "0.45 * 2 / (5 + 0.45 * 2) is 0.153; evenly it would be 0.286"


def test_the_period_can_be_chosen() -> None:
    world = World(n_claims=5_000, start=date(2026, 2, 27), days=4)
    settled = table(world, ["setl_time"])["setl_time"].to_numpy().astype("datetime64[D]")
    assert set(settled.astype(str)) == {"2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"}


def test_newborn_age_is_given_for_those_below_one_year_alone(read: pa.Table) -> None:
    age, days = np.asarray(read["age"]), read["nwb_age"].to_numpy(zero_copy_only=False)
    assert np.array_equal(np.isnan(days), age > 0)
    newborn = np.array(read["drg_code"].to_pylist()) == "NEWBORN"
    assert days[newborn].max() <= 28
    assert np.nanmin(days[~newborn]) >= 29
    assert np.nanmax(days) <= 364


def test_no_claim_has_a_code_twice_or_a_gap_between_codes(read: pa.Table) -> None:
    for names in (DIAGNOSES, OPERATIONS):
        codes = np.sort(np.stack([places(read, name) for name in names]), axis=0)
        assert not ((codes[1:] == codes[:-1]) & (codes[1:] >= 0)).any()
    for names in (DIAGNOSES, OPERATIONS[1:]):
        given = np.stack([places(read, name) >= 0 for name in names])
        assert (given[:-1] >= given[1:]).all()


def test_operations_and_tcm_diagnoses_fit_the_main_diagnosis(read: pa.Table) -> None:
    for group in load_groups():
        claims = read.filter(pa.compute.equal(read["drg_code"].cast(pa.string()), group.id))
        for calls, name in ((group.operation_for, "oprn_oprt_code"), (group.tcm_for, "tcm_dise_code")):
            rows = zip(claims["diag_code"].to_pylist(), claims[name].to_pylist(), strict=True)
            wrong = [calls[main] != code for main, code in rows if main in calls and code is not None]
            assert np.mean(wrong or [0]) < 0.02, "only slips in coding may disagree"


def test_about_two_claims_in_a_hundred_have_a_main_diagnosis_of_another_group(read: pa.Table) -> None:
    own = {group.id: group.main.keys() for group in load_groups()}
    rows = zip(read["drg_code"].to_pylist(), read["diag_code"].to_pylist(), strict=True)
    assert 0.01 < np.mean([main not in own[group] for group, main in rows]) < 0.03


def test_every_row_is_a_valid_claim(read: pa.Table) -> None:
    for row in read.slice(0, 300).to_pylist() + read.slice(len(read) - 300).to_pylist():
        held = claim(row)
        assert held.diseinfo[0].maindiag_flag
        assert held.drg_code == row["drg_code"]


def test_a_row_with_six_fen_too_much_is_no_valid_claim(read: pa.Table) -> None:
    (row,) = read.slice(5, 1).to_pylist()
    with pytest.raises(ValidationError, match="fees_do_not_add_up"):
        claim(row | {"medfee_sumamt": round(row["medfee_sumamt"] + 0.06, 2)})


def test_ingest_accepts_every_row() -> None:
    ingest = Ingest(World(n_claims=20_000), load_mapping("nhsa_4101_wide"), pseudonym_key=bytes(32))
    assert sum(len(batch.table) for batch in ingest) == 20_000
    assert not ingest.report.rejected


@given(
    n_bureaus=st.integers(1, 12),
    extra=st.integers(0, 500),
    seed=st.integers(0, 2**63 - 1),
    heterogeneity=st.sampled_from([0.0, 0.5, 2.0]),
)
@settings(derandomize=True, deadline=None, max_examples=15)
def test_any_world_adds_up(n_bureaus: int, extra: int, seed: int, heterogeneity: float) -> None:
    read = table(World(n_bureaus=n_bureaus, n_claims=n_bureaus + extra, seed=seed, heterogeneity=heterogeneity))
    assert len(read) == n_bureaus + extra
    assert len(set(read["setl_id"].to_pylist())) == len(read)
    assert set(places(read, "insu_admdvs").tolist()) == set(range(n_bureaus))
    assert np.array_equal(sum(fen(read, name) for name in FEES), fen(read, "medfee_sumamt"))
    assert [claim(row) for row in read.slice(0, 3).to_pylist()]
