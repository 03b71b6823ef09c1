from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from client.claims.ingest import Ingest
from client.claims.mapping import ClaimMapping, load_mapping
from common.columns import MISSING, ClaimTable
from simulations.planted import ADMITTED, ALMOST, LONG_DAYS, LONGER_DAYS, PERSON, RAISED, Kind, Planted, plant
from simulations.world import World
from tests.simulations.planted_claims import TableSource

KEY = bytes(32)


@cache
def world_table() -> pa.Table:
    return pa.Table.from_batches(list(World(n_bureaus=2, n_claims=8_000).batches()))


def few_columns() -> tuple[pa.Table, ClaimMapping]:
    """Four hundred claims without person, admission or payments, with fees that do not show all of the total."""
    n = 400
    rng = np.random.default_rng(0)
    operations = np.array(["0301010010", "0301010028"])[np.arange(n) % 2]
    table = pa.table(
        {
            "key": np.arange(n, dtype=np.int32),
            "left": np.datetime64("2025-01-20", "us") + np.arange(n).astype("timedelta64[h]"),
            "days": np.arange(n) % 9,
            "diagnosis": np.array(["J180", "J450"])[rng.integers(0, 2, n)],
            "operation": operations,
            "asked": operations,
            "part": np.full(n, 25.5),
            "total": np.where(np.arange(n) % 2, 300.0, 100.0),
        }
    )
    mapping = ClaimMapping.model_validate(
        {
            "name": "few",
            "claim_key": ("key",),
            "person_key": "each_claim",
            "fields": {"dscg_time": "left", "setl_time": "left", "act_ipt_days": "days", "medfee_sumamt": "total"},
            "diagnoses": {"system": "icd10", "main": "diagnosis"},
            "operations": {"system": "sigtap", "main": "operation", "others": ("asked",)},
            "fees": {"parts": {"02": ("part",)}, "remainder": "14"},
        }
    )
    return table, mapping


@cache
def planted_world(seed: int = 0) -> Planted:
    return plant(world_table(), load_mapping("nhsa_4101_wide"), share=0.1, seed=seed)


def ingested(planted: Planted) -> ClaimTable:
    ingest = Ingest(TableSource(planted.claims), planted.mapping, pseudonym_key=KEY)
    (found,) = list(ingest)
    assert ingest.report.accepted == ingest.report.seen == len(planted.kinds)
    return found.table


def same(table: pa.Table, other: pa.Table, names: Sequence[str]) -> bool:
    """Whether some columns hold the same values, however they are encoded."""
    return table.select(list(names)).to_pylist() == other.select(list(names)).to_pylist()


def of_kind(planted: Planted, kind: Kind) -> np.ndarray:
    return np.flatnonzero(planted.kinds == kind)


def test_every_kind_makes_up_a_quarter_of_the_share() -> None:
    planted = planted_world()
    assert {kind: len(of_kind(planted, kind)) for kind in Kind} == dict.fromkeys(Kind, 200)


def test_strict_ingest_takes_every_planted_claim() -> None:
    assert len(ingested(planted_world())) == 8_200
    assert len(ingested(plant(*few_columns(), share=0.2))) == 420


def test_equal_seeds_plant_alike_and_other_seeds_differently() -> None:
    again = plant(world_table(), load_mapping("nhsa_4101_wide"), share=0.1, seed=0)
    assert again.claims.equals(planted_world().claims)
    assert (again.kinds == planted_world().kinds).all()
    assert (planted_world(1).kinds != again.kinds).any()


def test_claims_without_a_kind_stand_as_they_were() -> None:
    planted, before = planted_world(), world_table()
    rows = np.flatnonzero(planted.kinds[: len(before)] == "")
    assert same(planted.claims.take(rows), before.take(rows), before.schema.names)


def test_no_column_tells_what_was_planted() -> None:
    assert planted_world().claims.schema.equals(world_table().schema)
    table, _ = few_columns()
    assert set(plant(*few_columns()).claims.schema.names) == {*table.schema.names, PERSON, ADMITTED}


def test_an_upcoded_claim_has_another_operation_at_a_dearer_price_and_its_own_diagnosis() -> None:
    planted, before = planted_world(), world_table()
    rows = of_kind(planted, Kind.UPCODED)
    now, then = planted.claims.take(rows), before.take(rows)
    assert same(now, then, ["diag_code"])
    assert (now["oprn_oprt_code"].to_numpy() != then["oprn_oprt_code"].to_numpy()).all()
    assert (now["medfee_sumamt"].to_numpy() >= 1.49 * then["medfee_sumamt"].to_numpy()).all()


def test_an_upcoded_claim_was_asked_for_as_it_was_in_half_of_all_cases() -> None:
    planted = plant(*few_columns(), share=0.4)
    claims = planted.claims.take(of_kind(planted, Kind.UPCODED))
    unasked = (claims["operation"].to_numpy() != claims["asked"].to_numpy()).mean()
    assert len(claims) == 40
    assert 0.2 < unasked < 0.8


def test_an_inflated_claim_costs_more_and_nothing_else_changes() -> None:
    planted, before = planted_world(), world_table()
    rows = of_kind(planted, Kind.INFLATED)
    now, then = planted.claims.take(rows), before.take(rows)
    factor = now["medfee_sumamt"].to_numpy() / then["medfee_sumamt"].to_numpy()
    assert RAISED[0] - 0.01 <= factor.min() <= 1.7
    assert 3.5 <= factor.max() <= RAISED[1] + 0.01
    kept = ("psn_no", "diag_code", "oprn_oprt_code", "act_ipt_days", "adm_time", "dscg_time")
    assert same(now, then, kept)


def test_fees_and_payments_add_up_in_every_planted_claim() -> None:
    claims = planted_world().claims
    fees = sum(claims[f"amt_{place:02}"].to_numpy() for place in range(1, 15))
    paid = sum(claims[name].to_numpy() for name in ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt"))
    total = claims["medfee_sumamt"].to_numpy()
    assert np.abs(fees - total).max() < 0.006
    assert np.abs(paid - total).max() < 0.006


def test_a_planted_stay_is_many_times_longer_or_nothing_and_the_bill_stays() -> None:
    planted, before = planted_world(), world_table()
    rows = of_kind(planted, Kind.STAY)
    now, then = (table.take(rows) for table in (planted.claims, before))
    days, stayed = (table["act_ipt_days"].to_numpy() for table in (now, then))
    assert ((days == 0) == (stayed >= LONG_DAYS)).all()
    assert (days == 0).sum() == 100
    assert (days[days > 0] >= stayed[days > 0] + LONGER_DAYS).all()
    assert same(now, then, ["medfee_sumamt"])


def test_a_claim_handed_in_again_has_another_key_later_dates_and_almost_the_amount_of_another_one() -> None:
    planted = planted_world()
    copies = planted.claims.take(of_kind(planted, Kind.AGAIN))
    by_key = {key: place for place, key in enumerate(planted.claims["setl_id"].to_pylist())}
    originals = planted.claims.take([by_key[key.removesuffix("R")] for key in copies["setl_id"].to_pylist()])
    kept = ("psn_no", "fixmedins_code", "diag_code", "oprn_oprt_code", "act_ipt_days")
    assert same(copies, originals, kept)
    later = copies["setl_time"].to_numpy() - originals["setl_time"].to_numpy()
    assert later.min() == np.timedelta64(1, "D")
    assert later.max() == np.timedelta64(10, "D")
    ratio = copies["medfee_sumamt"].to_numpy() / originals["medfee_sumamt"].to_numpy()
    assert np.abs(ratio - 1).max() <= ALMOST + 0.01
    assert len(by_key) == len(planted.claims)


def test_copies_lie_within_the_days_that_were_asked_for() -> None:
    planted = plant(*few_columns(), share=0.2, later_days=(25, 30), almost=0.1)
    copies = of_kind(planted, Kind.AGAIN)
    persons = planted.claims[PERSON].to_numpy()
    left = planted.claims["left"].to_numpy()
    later = left[copies] - left[persons[copies]]
    assert (later >= np.timedelta64(25, "D")).all()
    assert (later <= np.timedelta64(30, "D")).all()


def test_a_table_without_persons_gets_one_a_claim_and_copies_share_it() -> None:
    planted = plant(*few_columns(), share=0.2)
    table = ingested(planted)
    assert len(np.unique(table.person_id)) == 400
    assert (table.stay_days != MISSING).all()
    assert planted.mapping.person_key == (PERSON,)
    assert planted.mapping.fields["adm_time"] == ADMITTED


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_or_all_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        plant(*few_columns(), share=share)


def test_a_mapping_without_a_stay_is_refused() -> None:
    table, mapping = few_columns()
    fields = {name: column for name, column in mapping.fields.items() if name != "act_ipt_days"}
    with pytest.raises(ValueError, match="must name a main operation, a stay and a discharge"):
        plant(table, mapping.model_copy(update={"fields": fields}))
