"""Charges of windows: what a year comes to, and that the figure is never below what anybody has spent."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ledger.entry import Reserved, parse_entry
from client.ledger.ledger import inspect
from client.ledger.release import WindowCharge
from client.ledger.spending import DAY_S, YEAR_S, Limit, Limits, Spending, Spent, objection
from tests.client.ledger.releases import UNLIMITED, charge, new_ledger, release
from tests.client.ledger.test_spending import WIDE, spending_of, spent


def window(rho: int, cap: int, time: int = 0, session: str = "a") -> Spent:
    return Spent(time=time, rho=rho, session=session, data_version=f"w-{session}-1", cap=cap)


def test_a_year_of_windows_is_their_sum_up_to_the_cap_of_the_last_one_that_anybody_was_in() -> None:
    spending = spending_of([spent(10), window(7, cap=15), window(7, cap=15)])
    assert spending.year(0) == 10 + 14
    spending.add(window(7, cap=15))
    assert spending.year(0) == 10 + 15
    spending.add(window(7, cap=12))
    assert spending.year(0) == 10 + 15, "a lower cap does not take back what was spent"
    assert (spending.total, spending.plain_year(0), spending.windows_year(0)) == (38, 10, 28)


def test_windows_leave_the_year_of_other_charges_what_the_cap_leaves_and_the_other_way_round() -> None:
    limits = Limits(**WIDE | {"year": 25}, windows_per_day=9)
    spending = spending_of([spent(10), *[window(7, cap=15)] * 3])
    assert objection(spending, spent(1), limits) is Limit.YEAR
    assert objection(spending, window(7, cap=15), limits) is None
    assert objection(spending, window(7, cap=16), limits) is Limit.YEAR
    assert objection(spending, spent(1, time=YEAR_S), limits) is None


def test_windows_are_counted_by_the_day_and_not_by_their_rounds() -> None:
    limits = Limits(**WIDE | {"releases_per_day": 0}, windows_per_day=2)
    spending = spending_of([window(1, 9, session="a"), window(1, 9, session="a"), window(1, 9, session="b")])
    assert objection(spending, window(1, 9, session="b"), limits) is None, "a round more of a window that was begun"
    assert objection(spending, window(1, 9, session="c"), limits) is Limit.WINDOWS_PER_DAY
    assert objection(spending, window(1, 9, time=DAY_S, session="c"), limits) is None
    assert objection(spending, spent(1), limits) is Limit.RELEASES_PER_DAY


def test_without_a_limit_of_windows_there_are_none() -> None:
    assert objection(Spending(), window(1, 9), Limits(**WIDE)) is Limit.WINDOWS_PER_DAY


@pytest.mark.parametrize("lowered", [False, True])
@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.integers(20, 60))
def test_nobody_has_ever_spent_more_than_the_ledger_says_or_the_limit_allows(
    lowered: bool,  # noqa: FBT001  a parameter
    seed: int,
    year: int,
) -> None:
    """Twenty persons, each with a filter of their own; charges of both kinds at random times."""
    chance = random.Random(seed)  # noqa: S311  a test
    spending, made, time = Spending(), [list[tuple[int, int]]() for _ in range(20)], 0
    for step in range(60):
        time += chance.choice([1, 1, 1, YEAR_S // 7, YEAR_S // 2])
        limits = Limits(**WIDE | {"year": year // 2 if lowered and step > 30 else year}, windows_per_day=10**9)
        cap = limits.year - spending.plain_year(time)
        rho = chance.randint(1, 9)
        asked = window(rho, cap, time, str(step)) if cap >= rho and chance.random() < 0.8 else spent(rho, time=time)
        if objection(spending, asked, limits) is None:
            spending.add(asked)
            _charge(made, asked, chance)
        worst = max(_of_year(one, time) for one in made)
        assert worst <= spending.year(time)
        assert worst <= year
    assert spending.worst_year() >= max(_of_year(one, end) for one in made for end, _ in one) if any(made) else True


def _charge(made: list[list[tuple[int, int]]], asked: Spent, chance: random.Random) -> None:
    """Everybody is charged for what is no window; for one, who has claims in it and stays within its cap."""
    for one in made:
        if asked.cap is None:
            one.append((asked.time, asked.rho))
        elif chance.random() < 0.7 and _windows_of(one, asked.time) + asked.rho <= asked.cap:
            one.append((asked.time, _Window(asked.rho)))


class _Window(int):
    """What was charged for a window."""


def _windows_of(one: list[tuple[int, int]], now: int) -> int:
    return sum(rho for at, rho in one if isinstance(rho, _Window) and at > now - YEAR_S)


def _of_year(one: list[tuple[int, int]], now: int) -> int:
    return sum(rho for at, rho in one if now - YEAR_S < at <= now)


def test_old_entries_are_spelled_as_before_and_entries_of_windows_have_a_version_of_their_own(tmp_path: Path) -> None:
    about = WindowCharge(stream="5e" * 16, number=3, cap=99)
    with new_ledger(tmp_path / "ledger") as ledger:
        ledger.reserve(release(1), charge(), UNLIMITED)
        limits = Limits(**WIDE, windows_per_day=1)
        ledger.reserve(release(2), replace(charge(data_version=about.data_version), window=about), limits)
    first, second = inspect(tmp_path / "ledger").book.charges
    assert b"window" not in first.canonical()
    assert (first.version, second.version, second.window) == (1, 2, about)
    assert second.data_version == "w-5e5e5e5e-3"
    for one in (first, second):
        assert parse_entry(one.canonical()) == one
    for wrong in ({"version": 2}, {"version": 1, "window": about}):
        with pytest.raises(ValueError, match="version"):
            Reserved.model_validate(first.model_dump() | wrong)
