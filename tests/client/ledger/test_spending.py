"""Sums and limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.ledger.spending import DAY_S, YEAR_S, Limit, Limits, Spending, Spent, objection

WIDE = {"release": 10**9, "session": 10**9, "data_version": 10**9, "year": 10**9, "releases_per_day": 10**9}

charges = st.lists(
    st.builds(
        Spent,
        time=st.integers(0, 5 * YEAR_S),
        rho=st.integers(1, 1000),
        session=st.sampled_from("ab"),
        data_version=st.sampled_from("xy"),
    ),
    max_size=30,
).map(lambda made: sorted(made, key=lambda one: one.time))


def spent(rho: int, time: int = 0, session: str = "a", data_version: str = "x") -> Spent:
    return Spent(time=time, rho=rho, session=session, data_version=data_version)


def spending_of(made: list[Spent]) -> Spending:
    spending = Spending()
    for one in made:
        spending.add(one)
    return spending


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        ({"release": 4}, Limit.RELEASE),
        ({"session": 14}, Limit.SESSION),
        ({"data_version": 14}, Limit.DATA_VERSION),
        ({"year": 14}, Limit.YEAR),
        ({"releases_per_day": 1}, Limit.RELEASES_PER_DAY),
    ],
)
def test_every_limit_is_met_exactly_and_not_exceeded_by_one(limits: dict[str, int], limit: Limit) -> None:
    spending = spending_of([spent(10)])
    assert objection(spending, spent(5), Limits(**WIDE | limits)) is limit
    wider = {name: most + 1 for name, most in limits.items()}
    assert objection(spending, spent(5), Limits(**WIDE | wider)) is None


def test_a_limit_of_zero_allows_nothing() -> None:
    assert objection(Spending(), spent(1), Limits(**WIDE | {"year": 0})) is Limit.YEAR


def test_sessions_and_data_versions_are_counted_apart() -> None:
    spending = spending_of([spent(10, session="a", data_version="x")])
    limits = Limits(**WIDE | {"session": 10, "data_version": 10})
    assert objection(spending, spent(10, session="b", data_version="y"), limits) is None
    assert objection(spending, spent(1, session="b", data_version="x"), limits) is Limit.DATA_VERSION
    assert objection(spending, spent(1, session="a", data_version="y"), limits) is Limit.SESSION


def test_a_data_version_is_never_free_again() -> None:
    spending = spending_of([spent(10)])
    limits = Limits(**WIDE | {"data_version": 10})
    assert objection(spending, spent(1, time=100 * YEAR_S), limits) is Limit.DATA_VERSION


def test_a_year_ends_after_366_days_and_a_day_after_24_hours() -> None:
    spending = spending_of([spent(10)])
    assert (spending.year(YEAR_S - 1), spending.year(YEAR_S)) == (10, 0)
    assert (spending.releases_today(DAY_S - 1), spending.releases_today(DAY_S)) == (1, 0)


def test_the_last_charge_counts_as_now_if_the_clock_went_back() -> None:
    spending = spending_of([spent(10, time=0), spent(7, time=YEAR_S)])
    assert spending.year(0) == 7


def test_charges_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="rising"):
        spending_of([spent(1, time=5), spent(1, time=4)])


@settings(derandomize=True, deadline=None)
@given(charges, st.integers(0, 6 * YEAR_S))
def test_sums_are_those_of_counting_by_hand(made: list[Spent], now: int) -> None:
    spending = spending_of(made)
    now = max([now, *(one.time for one in made)])
    assert spending.total == sum(one.rho for one in made)
    assert spending.year(now) == sum(one.rho for one in made if one.time > now - YEAR_S)
    assert spending.releases_today(now) == sum(one.time > now - DAY_S for one in made)
    years = [sum(one.rho for one in made if end.time - YEAR_S < one.time <= end.time) for end in made]
    assert spending.worst_year() == max(years, default=0)


@settings(derandomize=True, deadline=None)
@given(charges, st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 20))
def test_no_year_session_or_day_ever_exceeds_its_limit(made: list[Spent], year: int, session: int, day: int) -> None:
    limits = Limits(release=900, session=session, data_version=10**9, year=year, releases_per_day=day)
    allowed: list[Spent] = []
    spending = Spending()
    for one in made:
        if objection(spending, one, limits) is None:
            spending.add(one)
            allowed.append(one)
    assert spending.worst_year() <= year
    assert all(total <= session for total in spending.by_session.values())
    assert all(one.rho <= 900 for one in allowed)
    assert all(sum(end.time - DAY_S < one.time <= end.time for one in allowed) <= day for end in allowed)
