"""Claims arrive by the second, the same ones however time is cut; what happens is seen, and nothing else changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from common.errors import SourceError
from simulations.world import ArrivingBureau, ArrivingWorld, Happening
from simulations.world.rhythm import HOURS_A_WEEK
from tests.simulations.world.reading import fen

HOUR, MINUTE = 3_600, 60


def world(*happenings: Happening, hours: int = 24, claims_per_hour: float = 1_200, n_bureaus: int = 3) -> ArrivingWorld:
    return ArrivingWorld(
        seed=4, hours=hours, claims_per_hour=claims_per_hour, n_bureaus=n_bureaus, happenings=happenings
    )


def read(bureau: ArrivingBureau, opens: float, closes: float, columns: list[str] | None = None) -> pa.Table:
    """Claims between two moments, hours since the world began."""
    start = bureau.world.opens
    batches = list(bureau.received(start + round(opens * HOUR), start + round(closes * HOUR)).batches(columns))
    return pa.Table.from_batches(batches).combine_chunks()


def arrived(claims: pa.Table, at: ArrivingWorld) -> npt.NDArray[np.float64]:
    """Hours since the world began."""
    found: npt.NDArray[np.float64] = (claims["setl_time"].to_numpy().astype(np.int64) - at.opens) / HOUR
    return found


def test_however_time_is_cut_the_claims_are_the_same() -> None:
    bureau = world().bureaus[0]
    whole = read(bureau, 7, 10)
    parts = [read(bureau, 7 + cut * 7 / 60, min(7 + (cut + 1) * 7 / 60, 10)) for cut in range(26)]
    assert len(whole) > 3_000
    assert pa.concat_tables(parts).combine_chunks().equals(whole)


def test_a_window_needs_none_before_it() -> None:
    late = read(world().bureaus[1], 20.25, 20.5)
    bureau = world().bureaus[1]
    _ = read(bureau, 0, 20)
    assert read(bureau, 20.25, 20.5).equals(late)


def test_a_longer_world_begins_with_the_claims_of_a_shorter_one() -> None:
    short, long = world(hours=6).bureaus[2], world(hours=100).bureaus[2]
    assert read(long, 0, 6).equals(read(short, 0, 6))


def test_another_seed_makes_other_claims() -> None:
    other = ArrivingWorld(seed=5, hours=24, claims_per_hour=1_200, n_bureaus=3).bureaus[0]
    assert not read(other, 9, 10).equals(read(world().bureaus[0], 9, 10))


def test_claims_come_in_the_order_of_arrival_within_their_window_and_have_keys_of_their_own() -> None:
    at = world()
    claims = pa.concat_tables([read(bureau, 3, 21) for bureau in at.bureaus])
    for bureau in at.bureaus:
        hours = arrived(read(bureau, 3, 21), at)
        assert (np.diff(hours) >= 0).all()
        assert hours.min() >= 3
        assert hours.max() < 21
    assert len(claims["setl_id"].unique()) == len(claims)


def test_columns_do_not_depend_on_which_others_are_asked_for() -> None:
    bureau = world().bureaus[0]
    whole = read(bureau, 9, 11)
    for names in (["setl_time"], ["psn_cash_pay", "setl_id"], ["gend"]):
        assert read(bureau, 9, 11, names).equals(whole.select(names))


def test_numbers_of_claims_follow_the_rhythm_and_a_flat_day_is_told_apart() -> None:
    at = world(hours=HOURS_A_WEEK)
    counts = np.zeros(HOURS_A_WEEK)
    for bureau in at.bureaus:
        counts += np.diff(bureau.hours.firsts)
    expected = 1_200 * at.rhythm.hourly(HOURS_A_WEEK)
    assert np.abs((counts - expected) / np.sqrt(expected)).max() < 4.5
    assert np.abs((counts - 1_200) / np.sqrt(1_200)).max() > 20
    found = sum(len(read(bureau, 8, 12, ["setl_time"])) for bureau in at.bureaus)
    assert found == counts[8:12].sum()


def test_no_hour_repeats_the_seconds_of_another() -> None:
    bureau = world(hours=48).bureaus[0]
    first, second = (read(bureau, hour, hour + 1, ["setl_time"])["setl_time"].to_numpy() for hour in (3, 27))
    seconds = [set((one.astype(np.int64) % HOUR).tolist()) for one in (first, second)]
    assert len(seconds[0]) > 50
    assert len(seconds[0] & seconds[1]) < 0.3 * len(seconds[0])


def test_bureaus_receive_as_much_as_their_size_says() -> None:
    at = world(hours=HOURS_A_WEEK)
    counts = np.array([bureau.hours.firsts[-1] for bureau in at.bureaus])
    sizes = np.array([bureau.region.n_claims for bureau in at.bureaus])
    expected = counts.sum() * sizes / sizes.sum()
    assert np.abs((counts - expected) / np.sqrt(expected)).max() < 4


def test_amounts_of_arriving_claims_add_up_and_times_are_ordered() -> None:
    claims = read(world().bureaus[0], 8, 12)
    fees = [name for name in claims.column_names if name.startswith("amt_")]
    assert np.array_equal(sum(fen(claims, name) for name in fees), fen(claims, "medfee_sumamt"))
    stays = claims.filter(pa.compute.is_valid(claims["adm_time"]))
    assert pa.compute.all(pa.compute.less(stays["adm_time"], stays["dscg_time"])).as_py()
    assert pa.compute.all(pa.compute.less_equal(stays["dscg_time"], stays["setl_time"])).as_py()


def test_a_window_without_claims_has_no_batch() -> None:
    bureau = world().bureaus[0]
    night = bureau.world.opens + 3 * HOUR
    empty = night + min(set(range(HOUR)) - set((arrived(read(bureau, 3, 4), bureau.world) * HOUR - 3 * HOUR).round()))
    assert list(bureau.received(empty, empty).batches()) == []
    assert list(bureau.received(empty, empty + 1).batches()) == []


def test_persons_return_from_one_window_to_another() -> None:
    bureau = world(hours=HOURS_A_WEEK, claims_per_hour=400).bureaus[0]
    first, second = (set(read(bureau, day * 24, day * 24 + 24, ["psn_no"])["psn_no"].to_pylist()) for day in (0, 2))
    assert 0 < len(first & second) < 0.2 * len(first)


def test_a_window_outside_the_world_and_unknown_columns_are_refused() -> None:
    bureau = world().bureaus[0]
    opens, closes = bureau.world.opens, bureau.world.closes
    for times in ((opens - 1, closes), (opens, closes + 1), (opens + 2, opens + 1)):
        with pytest.raises(ValueError, match=r"opens|closes"):
            bureau.received(*times)
    with pytest.raises(SourceError, match="dip_code"):
        bureau.received(opens, closes).batches(["dip_code"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("hours", 0), ("hours", 90_000), ("claims_per_hour", 0.5), ("claims_per_hour", 1e6), ("n_bureaus", 0)],
)
def test_arguments_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        ArrivingWorld(**{name: value})  # type: ignore[arg-type]


def test_a_billion_claims_are_the_limit() -> None:
    with pytest.raises(ValueError, match="claims in all"):
        ArrivingWorld(hours=80_000, claims_per_hour=20_000)


def test_the_world_begins_at_midnight_of_its_first_day() -> None:
    at = ArrivingWorld(start=date(2026, 3, 2), hours=2)
    assert np.datetime64(at.opens, "s") == np.datetime64("2026-03-02T00:00:00")
    assert at.closes - at.opens == 2 * HOUR
