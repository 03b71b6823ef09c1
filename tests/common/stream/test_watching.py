"""Surges of what is too rare to be a cluster: seen soon where they are, and not told where there are none."""

import numpy as np
import pytest

from client.rowstore import RowStore
from common.columns import ClaimTable, encode_codes
from common.grid import GRID_UNITS
from common.private.lbg import first
from common.stream.alarms import Alarm, AlarmKind, alarms_of
from common.stream.operations import N_CATEGORIES, categories_of
from common.stream.state import StreamState
from tests.common.stream.streams import NOISE, PLACES, SQUARE_UNITS, D, after, around, cluster, plan, seen, state

STD = 3.2
USUAL = np.zeros(N_CATEGORIES)
USUAL[:8] = [400.0, 120.0, 50.0, 20.0, 9.0, 4.0, 2.0, 1.0]


def table_of(codes: list[str | None]) -> ClaimTable:
    n = len(codes)
    zeros = np.zeros(n, np.int32)
    return ClaimTable(
        diagnoses=(encode_codes(["I10"] * n),),
        operations=(encode_codes(codes), encode_codes(["99.1"] * n)),
        attributes={},
        fees=np.zeros((n, 14), np.int64),
        total=np.ones(n, np.int64),
        stay_days=zeros,
        age_days=zeros,
        person_id=np.arange(n, dtype=np.uint64),
    )


def watch(before: StreamState, rng: np.random.Generator, *, more: dict[int, float] | None = None) -> StreamState:
    """One window of 3,600 claims, some of a category of operations more than usual."""
    operations = rng.poisson(USUAL) + STD * rng.normal(size=N_CATEGORIES)
    for category, extra in (more or {}).items():
        operations[category] += rng.poisson(extra)
    counts = seen(before).counts
    noise = type(NOISE)(
        counts=NOISE.counts,
        sums=NOISE.sums,
        squares=NOISE.squares,
        bureaus=NOISE.bureaus,
        coordinates=0.0,
        operations=STD,
    )
    return after(before, counts=counts, operations=operations, noise=noise)


def test_a_category_is_the_first_two_digits_of_the_main_operation() -> None:
    found = categories_of(table_of(["37.8301", "00.6600", None, "X1", "9", "９９.1"]))
    assert found.tolist() == [37, 0, -1, -1, -1, -1]


def test_an_answer_counts_each_claim_in_one_category_by_its_weight() -> None:
    asked = plan(state(), division={"operations": 300})
    rows = around(PLACES, [1, 1, 1, 1])
    store = RowStore(D, asked.cost_cap_yuan)
    store.append(rows, np.ones(4, np.int64), np.arange(4, dtype=np.uint64), table_of(["37.8", "37.1", "51.2", None]))
    assert asked.privacy is not None
    words = store.answer(first(asked).question, asked.privacy)[-N_CATEGORIES:]
    assert {place: int(word) for place, word in enumerate(words) if word} == {37: 2 * GRID_UNITS, 51: GRID_UNITS}


@pytest.mark.parametrize(("more", "windows"), [(20.0, 3), (10.0, 5)])
def test_a_surge_of_a_rare_operation_is_told_within_so_many_windows_and_once(more: float, windows: int) -> None:
    told = []
    for seed in range(20):
        rng, before = np.random.default_rng(seed), state()
        for _ in range(40):
            before = watch(before, rng)
        alarms: list[Alarm] = []
        for _ in range(12):
            now = watch(before, rng, more={60: more})
            alarms += [one for one in alarms_of(before, now) if one.kind is AlarmKind.SURGE_OF_OPERATIONS]
            before = now
        assert {one.operations for one in alarms} == {60}, seed
        told.append(alarms[0].window - 90)
    assert np.mean(np.array(told) <= windows) >= 0.9, told


def test_ten_days_without_a_surge_have_no_alarm() -> None:
    for seed in range(3):
        rng, before = np.random.default_rng(seed), state()
        for _ in range(960):
            now = watch(before, rng)
            assert [one for one in alarms_of(before, now) if one.kind is AlarmKind.SURGE_OF_OPERATIONS] == []
            before = now


def test_a_busier_hour_is_no_surge_of_anything() -> None:
    rng, before = np.random.default_rng(1), state()
    for number in range(200):
        busy = 2.0 if number % 96 > 48 else 1.0
        operations = rng.poisson(USUAL * busy) + STD * rng.normal(size=N_CATEGORIES)
        noise = type(NOISE)(counts=13, sums=4.6, squares=19, bureaus=25, coordinates=0.0, operations=STD)
        now = after(before, counts=np.full(D, 900.0 * busy), operations=operations, noise=noise)
        assert [one for one in alarms_of(before, now) if one.kind is AlarmKind.SURGE_OF_OPERATIONS] == []
        before = now


def test_every_alarm_has_a_sentence_in_both_languages() -> None:
    for kind in AlarmKind:
        alarm = Alarm(window=9, kind=kind, identity=4, others=(5, 6), operations=7, size=8.4)
        english, chinese = alarm.sentence(), alarm.sentence(chinese=True)
        assert english.endswith(".")
        assert chinese.endswith("。")
        assert "{" not in english + chinese
        assert "None" not in english + chinese


def test_clusters_that_surge_are_told_once() -> None:
    small = [cluster(1, PLACES[0], share=SQUARE_UNITS // 40), *(cluster(k + 1, PLACES[k]) for k in (1, 2, 3))]
    before, told = state(*small), []
    for _ in range(10):
        now = after(before, counts=np.array([400.0, 1000.0, 1000.0, 1000.0]))
        told += [(one.kind, one.identity) for one in alarms_of(before, now) if one.kind is AlarmKind.SURGE]
        before = now
    assert told == [(AlarmKind.SURGE, 1)]
