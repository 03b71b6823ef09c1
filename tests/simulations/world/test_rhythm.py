"""Claims arrive in hospital hours mostly, less at night and at weekends, and steadily in between."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from simulations.world.rhythm import DAY_RHYTHM, HOURS_A_WEEK, Rhythm, rhythm_from

MONDAY, SATURDAY = date(2025, 1, 6), date(2025, 1, 4)


def test_over_a_week_the_rhythm_is_one_on_the_mean() -> None:
    assert rhythm_from(MONDAY).hourly(HOURS_A_WEEK).mean() == pytest.approx(1)
    assert rhythm_from(MONDAY).hourly(2 * HOURS_A_WEEK)[HOURS_A_WEEK:].mean() == pytest.approx(1)


def test_a_morning_has_ten_times_the_claims_of_a_night_and_a_weekend_less_than_half() -> None:
    week = rhythm_from(MONDAY).hourly(HOURS_A_WEEK).reshape(7, 24)
    assert week[0, 9] > 10 * week[0, 3]
    assert week[5, 9] == pytest.approx(0.45 * week[4, 9])
    assert week[6, 9] == pytest.approx(week[5, 9])


def test_the_weekend_is_where_the_calendar_says() -> None:
    week = rhythm_from(SATURDAY).hourly(HOURS_A_WEEK).reshape(7, 24)
    assert week[0, 9] == pytest.approx(week[1, 9])
    assert week[2, 9] > 2 * week[1, 9]


def test_within_an_hour_claims_follow_the_slope() -> None:
    seven = rhythm_from(MONDAY).within(7, np.linspace(0, 1, 100_001))
    a, b = DAY_RHYTHM[7], DAY_RHYTHM[8]
    assert (np.diff(seven) > 0).all()
    assert (seven[0], seven[-1]) == (0, pytest.approx(1))
    # Over the first half the density runs from a to the middle: (a + (a + b) / 2) / 2 / 2 of (a + b) / 2.
    assert np.mean(seven < 0.5) == pytest.approx((3 * a + b) / (4 * (a + b)), abs=1e-4)


def test_a_flat_hour_is_even() -> None:
    flat = Rhythm(knots=np.ones(HOURS_A_WEEK + 1))
    assert flat.within(5, np.array([0.0, 0.25, 1.0])).tolist() == [0.0, 0.25, 1.0]
