"""Ticks of a stream over a virtual clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from server.deployment.stream.timing import due, moment_of, next_tick, number_at, under_clock
from server.registry.stream import Begun

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = int(datetime(2026, 3, 15, tzinfo=UTC).timestamp())
DAY_S, EVERY = 86_400, 900
STREAM = Begun(name="ab" * 16, began=SPRING, every=EVERY)


def test_thirty_days_with_a_change_of_daylight_saving_have_every_tick_once_at_even_distances() -> None:
    closes, reached = list[int](), 0
    for now in range(SPRING, SPRING + 30 * DAY_S + 1, 60):
        found = due(STREAM, reached, now)
        if found is not None:
            assert (found.missed, found.since, found.moment.number) == (None, reached + 1, reached + 1)
            reached = found.moment.number
            closes.append(found.moment.closes)
    assert reached == 30 * 96
    assert closes == list(range(SPRING + EVERY, SPRING + 30 * DAY_S + 1, EVERY))
    walls = {datetime.fromtimestamp(one, BERLIN).utcoffset() for one in closes}
    assert len(walls) == 2, "clocks on walls were put forward meanwhile"


def test_a_number_is_the_distance_from_the_beginning_rounded_down() -> None:
    for now in (SPRING - 1, SPRING, SPRING + 899, SPRING + 900, SPRING + 10**6 + 7):
        assert number_at(STREAM, now) == (now - SPRING) // EVERY
    assert moment_of(STREAM, 3).closes == SPRING + 3 * EVERY
    assert due(STREAM, 0, SPRING + EVERY - 1) is None


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(-2 * EVERY, 20 * EVERY), min_size=1, max_size=30))
def test_looks_wherever_they_are_give_every_number_once_also_if_the_clock_goes_back(steps: list[int]) -> None:
    now, reached, seen, stream = SPRING, 0, list[int](), STREAM
    for step in steps:
        now += step
        stream = under_clock(stream, EVERY, reached, now)
        found = due(stream, reached, now)
        if found is None:
            continue
        assert found.since == reached + 1
        assert found.moment.closes <= now
        assert (found.missed is None) is (found.moment.number == found.since)
        seen += range(found.since, found.moment.number + 1)
        reached = found.moment.number
    assert seen == list(range(1, reached + 1))


def test_ticks_that_were_missed_are_one_span_before_the_newest() -> None:
    found = due(STREAM, 4, SPRING + 50 * EVERY + 5)
    assert found is not None
    assert found.missed is not None
    assert (found.since, found.missed.number, found.moment.number) == (5, 49, 50)
    assert found.missed.closes == SPRING + 49 * EVERY


def test_a_clock_that_ran_ahead_and_was_put_right_ends_no_stream() -> None:
    reached = 100_000
    stream = under_clock(STREAM, EVERY, reached, SPRING + EVERY)
    following = next_tick(stream, reached, SPRING + EVERY)
    assert (following.number, following.closes) == (reached + 1, SPRING + 2 * EVERY)
    assert due(stream, reached, following.closes) is not None


def test_another_distance_counts_from_when_it_is_first_seen_and_no_number_is_left_out() -> None:
    now = SPRING + 7 * EVERY + 13 * 60 + 7
    stream = under_clock(STREAM, 60, 7, now)
    assert due(stream, 7, now) is None
    found = due(stream, 7, now + 60)
    assert found is not None
    assert (found.moment.number, found.moment.closes, found.missed) == (8, now + 60, None)
    assert under_clock(stream, 60, 8, now + 60) == stream
