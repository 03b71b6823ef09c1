"""Moments never go back, and a clock that is far ahead makes nobody forget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from client.router.clocks import DAYS_TO_BELIEVE, TOLERANCE_S, behind_text, believed_day, moment_of

SECONDS, DAYS = st.integers(0, 1 << 33), st.integers(0, 1 << 20)


@given(SECONDS, SECONDS)
def test_a_moment_is_never_before_the_latest_decision(clock: int, latest: int) -> None:
    found = moment_of(clock, latest)
    assert found.at == max(clock, latest)
    assert found.behind is (latest - clock > TOLERANCE_S)


def test_people_are_told_of_a_clock_that_is_behind_by_more_than_the_tolerance_and_of_no_other() -> None:
    assert behind_text(10_000, 10_000 + TOLERANCE_S) == ""
    assert "3,601 seconds behind" in behind_text(10_000, 10_001 + TOLERANCE_S)


@given(DAYS, st.lists(DAYS, max_size=DAYS_TO_BELIEVE, unique=True))
def test_the_believed_day_is_never_after_today_nor_beyond_what_was_decided(today: int, newest: list[int]) -> None:
    found = believed_day(today, newest)
    assert found <= today
    assert found == today if not newest else found <= min(newest) + 1


def test_a_clock_far_ahead_is_believed_after_a_week_of_days_with_decisions() -> None:
    ahead = [*range(100_000, 100_000 + DAYS_TO_BELIEVE)]
    for n in range(DAYS_TO_BELIEVE):
        newest = [*ahead[:n][::-1], 20_000, *range(19_999, 19_000, -1)][:DAYS_TO_BELIEVE]
        assert believed_day(ahead[n], newest) <= 20_001
    assert believed_day(ahead[-1] + 1, ahead[::-1]) == 100_001
