"""Schedules: every tick once, however time is cut; clocks that are put forward and back; ticks that were missed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.deployment.clockwork import account_for
from server.deployment.durations import seconds_of
from server.deployment.schedule import MOST_TICKS, Schedule, due, schedule_of
from server.registry.registry import Registry
from server.registry.run import State
from server.registry.ticking import MISSED, STILL_GOING_ON
from tests.server.registry.databases import fresh

QUARTER = 900
DAY = 86_400


def at(*times: str, zone: str = "UTC", days: tuple[str, ...] = ()) -> Schedule:
    return schedule_of(every=None, at=times, days=days, timezone=zone)


def every(seconds: int) -> Schedule:
    return schedule_of(every=seconds, at=(), days=(), timezone="UTC")


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local(tick: int, zone: str) -> str:
    return datetime.fromtimestamp(tick, ZoneInfo(zone)).strftime("%d %H:%M")


def test_an_even_distance_is_counted_from_midnight() -> None:
    start = moment("2026-03-01T10:07:00")
    assert [local(one, "UTC") for one in due(every(QUARTER), start, start + 3600).ticks] == [
        *("01 10:15", "01 10:30", "01 10:45", "01 11:00"),
    ]


def test_a_time_that_does_not_exist_is_taken_once_as_late_as_it_would_have_been() -> None:
    berlin = at("02:30", zone="Europe/Berlin")
    ticks = due(berlin, moment("2026-03-28T00:00:00"), moment("2026-03-31T00:00:00")).ticks
    assert [local(one, "Europe/Berlin") for one in ticks] == ["28 02:30", "29 03:30", "30 02:30"]


def test_a_time_that_comes_twice_is_taken_the_first_time() -> None:
    berlin = at("02:30", zone="Europe/Berlin")
    ticks = due(berlin, moment("2026-10-24T00:00:00"), moment("2026-10-27T00:00:00")).ticks
    assert [local(one, "Europe/Berlin") for one in ticks] == ["24 02:30", "25 02:30", "26 02:30"]
    assert datetime.fromtimestamp(ticks[1], UTC).strftime("%H:%M") == "00:30"


def test_days_are_those_of_the_place() -> None:
    shanghai = at("01:00", zone="Asia/Shanghai", days=("mon",))
    (tick,) = due(shanghai, moment("2026-11-01T00:00:00"), moment("2026-11-08T00:00:00")).ticks
    assert datetime.fromtimestamp(tick, ZoneInfo("Asia/Shanghai")).strftime("%a %H:%M") == "Mon 01:00"
    assert datetime.fromtimestamp(tick, UTC).strftime("%a %H:%M") == "Sun 17:00"


def test_nothing_said_is_never() -> None:
    assert at().next_tick(0) is None
    assert due(at(), 0, 10**9).ticks == ()


def test_both_may_be_said() -> None:
    both = schedule_of(every=6 * 3600, at=("07:00",), days=(), timezone="UTC")
    ticks = due(both, moment("2026-01-01T00:00:00"), moment("2026-01-02T00:00:00")).ticks
    assert [local(one, "UTC") for one in ticks] == ["01 06:00", "01 07:00", "01 12:00", "01 18:00", "02 00:00"]


SCHEDULES = st.one_of(
    st.builds(every, st.integers(60, 2 * DAY)),
    st.builds(
        lambda times, zone: at(*times, zone=zone),
        st.lists(st.sampled_from(["00:00", "02:30", "03:00", "12:15", "23:59"]), min_size=1, unique=True),
        st.sampled_from(["UTC", "Europe/Berlin", "Asia/Shanghai", "America/St_Johns", "Australia/Lord_Howe"]),
    ),
)


@given(schedule=SCHEDULES, start=st.integers(10**9, 2 * 10**9), cuts=st.lists(st.integers(1, 20_000), max_size=12))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_spans_that_follow_each_other_give_every_tick_once(schedule: Schedule, start: int, cuts: list[int]) -> None:
    ends = [start]
    for cut in cuts:
        ends.append(ends[-1] + cut)
    whole = due(schedule, start, ends[-1]).ticks
    assert [tick for first, last in pairwise(ends) for tick in due(schedule, first, last).ticks] == list(whole)
    assert sorted(set(whole)) == list(whole)
    assert all(start < tick <= ends[-1] for tick in whole)


def test_a_year_of_missed_ticks_is_a_bounded_number() -> None:
    found = due(every(60), 0, 366 * DAY)
    assert len(found.ticks) == MOST_TICKS
    assert found.ticks[-1] == 366 * DAY
    assert found.uncounted == 366 * DAY // 60 - MOST_TICKS


@pytest.mark.parametrize("text", ["", "0s", "1", "1.5h", "1 h", "-1h", "1w", 3600, None, True])
def test_only_durations_as_people_write_them_are_taken(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds_of(text)


@pytest.mark.parametrize(("given", "word"), [({"every": 10}, "apart"), ({"timezone": "Nowhere/City"}, "timezone")])
def test_a_schedule_that_cannot_be_kept_is_refused(given: dict[str, object], word: str) -> None:
    asked = {"every": None, "at": (), "days": (), "timezone": "UTC"} | given
    with pytest.raises(ValueError, match=word):
        schedule_of(**asked)  # type: ignore[arg-type]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return fresh(f"sqlite:///{tmp_path / 'registry.sqlite'}")


def told(registry: Registry) -> list[tuple[int, State, str]]:
    return [(run.tick or 0, run.state, run.reason) for run in reversed(registry.runs.newest(2000))]


def test_a_service_that_was_down_runs_the_newest_tick_and_says_what_it_missed(registry: Registry) -> None:
    start = 1_800_000_000
    assert account_for(every(QUARTER), registry.ticking, start) == 0
    assert account_for(every(QUARTER), registry.ticking, start + 3 * QUARTER + 5) == 3
    assert told(registry) == [
        (start + QUARTER, State.ABANDONED, MISSED),
        (start + 2 * QUARTER, State.ABANDONED, MISSED),
        (start + 3 * QUARTER, State.ORDERED, ""),
    ]


def test_a_tick_while_a_run_is_open_is_not_run_and_says_so(registry: Registry) -> None:
    start = 1_800_000_000
    account_for(every(QUARTER), registry.ticking, start)
    account_for(every(QUARTER), registry.ticking, start + QUARTER)
    account_for(every(QUARTER), registry.ticking, start + 2 * QUARTER)
    assert [one[1:] for one in told(registry)] == [(State.ORDERED, ""), (State.ABANDONED, STILL_GOING_ON)]


def test_a_clock_that_is_put_back_makes_no_tick_come_twice(registry: Registry) -> None:
    start = 1_800_000_000
    for now in (start, start + QUARTER, start + 1, start + QUARTER - 1, start + QUARTER, start + 2 * QUARTER):
        account_for(every(QUARTER), registry.ticking, now)
    assert [one[0] for one in told(registry)] == [start + QUARTER, start + 2 * QUARTER]
    assert registry.ticking.began_anew() is None


def test_a_clock_that_ran_ahead_once_ends_no_schedule_and_makes_no_tick_come_twice(registry: Registry) -> None:
    start = 1_800_000_000
    ahead = start + 20 * 365 * DAY
    for now in (start, start + QUARTER, ahead, start + QUARTER + 5):
        account_for(every(QUARTER), registry.ticking, now)
    assert registry.ticking.began_anew() == start + QUARTER + 5
    assert account_for(every(QUARTER), registry.ticking, start + 3 * QUARTER) == 2
    ticks = [one[0] for one in told(registry) if one[0] < ahead - 1001 * QUARTER]
    assert ticks == [start + QUARTER, start + 2 * QUARTER, start + 3 * QUARTER]


def test_a_clock_that_went_back_over_ticks_that_were_run_runs_them_once(registry: Registry) -> None:
    start = 1_800_000_000
    for place in (0, 1, 2, 3, 0, 1, 2, 3, 4):
        account_for(every(QUARTER), registry.ticking, start + place * QUARTER)
        for run in registry.runs.newest(10):
            registry.runs.close(run.number, State.FAILED, "over", start)
    assert [one[0] for one in told(registry)] == [start + place * QUARTER for place in range(1, 5)]


def test_twenty_years_of_both_kinds_are_counted_in_a_moment() -> None:
    both = schedule_of(every=60, at=("02:30", "14:30"), days=("mon",), timezone="Asia/Kathmandu")
    found = due(both, 0, 20 * 365 * DAY)
    assert len(found.ticks) + found.uncounted == 20 * 365 * DAY // 60
    assert found.ticks[-1] == 20 * 365 * DAY


def test_another_schedule_begins_when_it_is_first_seen(registry: Registry) -> None:
    start = 1_800_000_000
    account_for(at(), registry.ticking, start)
    account_for(at(), registry.ticking, start + 30 * DAY)
    assert account_for(every(QUARTER), registry.ticking, start + 30 * DAY) == 0
    assert told(registry) == []
