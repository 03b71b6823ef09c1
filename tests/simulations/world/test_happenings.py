"""What happens is seen in the claims: at its rate, in its places, from its moment on, and nowhere else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from simulations.world import Death, Happening, Merge, Outage, PriceRise, Surge, load_groups
from simulations.world.arriving import ArrivingWorld
from tests.simulations.world.reading import fen
from tests.simulations.world.test_arriving import arrived, read, world

RARE = "TAVI"


def _kind(claims: pa.Table) -> npt.NDArray[np.str_]:
    return np.array(claims["drg_code"].to_pylist())


def _all(at: ArrivingWorld, opens: float = 0, closes: float = 24) -> pa.Table:
    return pa.concat_tables([read(bureau, opens, closes) for bureau in at.bureaus]).combine_chunks()


def _without(claims: pa.Table, others: pa.Table) -> pa.Table:
    """Those claims whose key is not among others'."""
    return claims.filter(pc.invert(pc.is_in(claims["setl_id"], others["setl_id"].combine_chunks())))


def _surge(per_hour: float, *, bureaus: tuple[int, ...] = (0, 2), hospitals: int = 3) -> Surge:
    return Surge(begins=5.5, ends=20, group=RARE, per_hour=per_hour, bureaus=bureaus, hospitals=hospitals)


@pytest.mark.parametrize("per_hour", [80, 40])
def test_a_surge_brings_its_rate_day_and_night_within_its_span(per_hour: int) -> None:
    at = world(_surge(per_hour))
    more = _without(_all(at), _all(world()))
    hours = arrived(more, at)
    assert set(_kind(more)) == {RARE}
    assert hours.min() >= 5.5
    assert hours.max() < 20
    expected = per_hour * 14.5
    assert abs(len(more) - expected) < 4 * np.sqrt(expected)
    assert abs(len(more) - 1.5 * expected) > 4 * np.sqrt(expected)
    night = np.sum(hours < 7)
    assert abs(night - per_hour * 1.5) < 4 * np.sqrt(per_hour * 1.5)


def test_a_surge_is_in_its_bureaus_and_in_so_many_tertiary_hospitals_of_each() -> None:
    more = _without(_all(world(_surge(80))), _all(world()))
    hospitals = {(one[1:7], one) for one in more["fixmedins_code"].to_pylist()}
    assert sorted(bureau for bureau, _ in hospitals) == ["990001"] * 3 + ["990003"] * 3
    assert {code[7:] for _, code in hospitals} == {"00001", "00002", "00003"}
    assert set(more["hosp_lv"].to_pylist()) == {"3"}


def test_a_hospital_keeps_its_level_in_a_surge_of_whatever_kind() -> None:
    surge = Surge(begins=5, ends=20, group="HYPERTENSION", per_hour=400, bureaus=(0, 1, 2), hospitals=10_000)
    claims = _all(world(surge, claims_per_hour=4_000))
    levels = set(zip(claims["fixmedins_code"].to_pylist(), claims["hosp_lv"].to_pylist(), strict=True))
    more = _without(claims, _all(world(claims_per_hour=4_000)))
    assert set(more["hosp_lv"].to_pylist()) == {"1", "2", "3"}
    assert len(levels) == len({hospital for hospital, _ in levels})


def test_surges_of_one_kind_do_not_repeat_each_others_claims() -> None:
    surges = _surge(80, bureaus=(1,), hospitals=1), _surge(80, bureaus=(1,), hospitals=1)
    more = _without(_all(world(*surges)), _all(world()))
    assert len(set(fen(more, "medfee_sumamt").tolist())) > 0.98 * len(more)


def test_a_surge_comes_though_its_kind_has_stopped() -> None:
    surge = _surge(40)
    more = _without(_all(world(surge, Death(group=RARE, begins=0))), _all(world()))
    assert more.equals(_without(_all(world(surge)), _all(world())))
    assert len(more) > 400


def test_a_burst_is_in_one_hospital() -> None:
    more = _without(_all(world(_surge(40, bureaus=(1,), hospitals=1))), _all(world()))
    assert set(more["fixmedins_code"].to_pylist()) == {"H99000200001"}


def test_a_surge_changes_no_other_claim_and_its_claims_are_of_new_persons_once_each() -> None:
    with_surge, plain = _all(world(_surge(80), _surge(40, bureaus=(0,)))), _all(world())
    more = _without(with_surge, plain)
    assert len(with_surge["setl_id"].unique()) == len(with_surge)
    kept = _without(with_surge, more)
    assert kept.sort_by("setl_id").equals(plain.sort_by("setl_id"))
    assert len(more["psn_no"].unique()) > 0.99 * len(more), "few belong to a group that returns"
    assert not set(more["psn_no"].to_pylist()) & set(plain["psn_no"].to_pylist())


def test_a_price_rise_is_on_every_bill_from_its_moment_on_and_on_nothing_else() -> None:
    dearer, plain = _all(world(PriceRise(begins=12, ends=12, percent=20))), _all(world())
    ratio = fen(dearer, "medfee_sumamt") / fen(plain, "medfee_sumamt")
    late = arrived(plain, world()) >= 12
    assert (ratio[~late] == 1).all()
    large = fen(plain, "medfee_sumamt") > 20_000
    assert np.abs(ratio[late & large] - 1.2).max() < 2e-3, "but for rounding fourteen fees to the fen"
    untouched = [name for name in plain.column_names if "amt" not in name and "pay" not in name]
    assert dearer.select(untouched).equals(plain.select(untouched))


def test_a_slow_price_rise_is_half_done_in_the_middle() -> None:
    rise, fall = PriceRise(begins=6, ends=18, percent=50), PriceRise(begins=20, ends=20, percent=-50)
    dearer, plain = _all(world(rise, fall)), _all(world())
    ratio = fen(dearer, "medfee_sumamt") / fen(plain, "medfee_sumamt")
    hours = arrived(plain, world())
    assert np.median(ratio[(hours > 11.9) & (hours < 12.1)]) == pytest.approx(1.25, abs=0.01)
    assert np.median(ratio[(hours > 18) & (hours < 20)]) == pytest.approx(1.5, abs=0.01)
    assert np.median(ratio[hours > 20]) == pytest.approx(0.75, abs=0.01)


def test_a_kind_that_stops_is_gone_and_all_other_claims_stay() -> None:
    fewer, plain = _all(world(Death(group="DENTAL", begins=10.5))), _all(world())
    gone = _without(plain, fewer)
    assert set(_kind(gone)) == {"DENTAL"}
    assert arrived(gone, world()).min() >= 10.5
    assert _without(plain, gone).equals(fewer)
    late = fewer.filter(pa.array(arrived(fewer, world()) >= 10.5))
    assert "DENTAL" not in _kind(late)
    assert len(gone) > 300


def test_a_kind_that_merges_takes_over_codes_stays_and_bills_one_by_one() -> None:
    merged, plain = (_all(one) for one in (world(Merge(begins=6, ends=18, group="PCI", into="COPD")), world()))
    changing, hours = _kind(plain) == "PCI", arrived(plain, world())
    assert (_kind(merged) == _kind(plain)).all(), "the truth is what a claim was drawn from"
    copd = {group.id: set(group.main) for group in load_groups()}["COPD"]
    coded = np.isin(merged["diag_code"].to_pylist(), list(copd))
    billed = fen(merged, "medfee_sumamt") != fen(plain, "medfee_sumamt")
    stays, before = (np.array(one["act_ipt_days"].to_pylist(), np.float64) for one in (merged, plain))
    assert coded[changing & (hours >= 18)].mean() > 0.95
    assert (stays != before)[changing & (hours >= 18)].mean() > 0.5
    assert (stays == before)[changing & (hours < 6)].all()
    assert billed[changing & (hours >= 18)].all()
    assert coded[changing & (hours < 6)].mean() < 0.05
    middle = changing & (hours > 10) & (hours < 14)
    assert 0.3 < coded[middle].mean() < 0.7
    assert 0.1 < (coded & ~billed)[middle].mean() < 0.4, "codes go before bills on some, and after on others"
    same = pa.array(~changing)
    assert merged.filter(same).equals(plain.filter(same))


def test_after_a_merge_bills_are_those_of_the_other_kind() -> None:
    at = world(Merge(begins=0, ends=0, group="PCI", into="COPD"), claims_per_hour=4_000)
    claims = _all(at, 8, 16)
    costs = {kind: np.log(fen(claims, "medfee_sumamt")[_kind(claims) == kind]).mean() for kind in ("PCI", "COPD")}
    assert abs(costs["PCI"] - costs["COPD"]) < 0.35, "tertiary hospitals are a little dearer"
    plain = _all(world(claims_per_hour=4_000), 8, 16)
    assert np.log(fen(plain, "medfee_sumamt")[_kind(plain) == "PCI"]).mean() > costs["COPD"] + 1


def test_a_bureau_that_drops_out_cannot_be_reached_but_goes_on_receiving() -> None:
    at, plain = world(Outage(begins=9, ends=11, bureau=1)), world()
    second = [at.opens + round(hour * 3_600) for hour in (8.99, 9, 10.99, 11)]
    assert [at.bureaus[1].reachable(one) for one in second] == [True, False, False, True]
    assert all(at.bureaus[0].reachable(one) for one in second)
    assert read(at.bureaus[1], 8, 12).equals(read(plain.bureaus[1], 8, 12))


@pytest.mark.parametrize(
    ("happening", "why"),
    [
        (PriceRise(begins=2, ends=1, percent=5), "before it begins"),
        (PriceRise(begins=1, ends=1, percent=-100), "percent"),
        (Death(group="NOTHING", begins=1), "kind"),
        (Merge(begins=1, ends=2, group="PCI", into="NOTHING"), "kind"),
        (Merge(begins=1, ends=2, group="PCI", into="PCI"), "two kinds"),
        (Merge(begins=1, ends=2, group="PCI", into="DENTAL"), "med_type"),
        (Outage(begins=1, ends=2, bureau=3), "bureau"),
        (Surge(begins=1, ends=2, group="PCI", per_hour=5, bureaus=(-1,)), "bureau"),
        (Surge(begins=1, ends=2, group="PCI", per_hour=5, bureaus=()), "one bureau at least"),
        (Surge(begins=1, ends=2, group="PCI", per_hour=5, bureaus=(1, 1)), "each once"),
        (Surge(begins=1, ends=2, group="PCI", per_hour=5, bureaus=(1,), hospitals=0), "one hospital"),
        (Surge(begins=1, ends=1, group="PCI", per_hour=5, bureaus=(1,)), "some claims"),
        (Surge(begins=1, ends=99, group="PCI", per_hour=9_999, bureaus=(1,)), "at most"),
    ],
)
def test_what_cannot_happen_is_refused(happening: Happening, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        world(happening)


def test_too_many_happenings_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 40"):
        world(*(Death(group=RARE, begins=1),) * 41)
