"""Sums of what was spent, and whether one more charge fits. Integers only; knows neither epsilon nor files.

Spending is added up over persons and claims alike: a release that hides a person also hides each of the person's
claims, so the sum is a bound for claims, and for persons wherever all charges are per person.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

DAY_S = 86_400
YEAR_S = 366 * DAY_S
"""Any 366 days: no calendar year is longer, and nothing starts afresh on New Year's Day."""


class Limit(StrEnum):
    """Which limit a charge would exceed."""

    RELEASE = "budget of one release"
    SESSION = "budget of one session"
    DATA_VERSION = "budget of one data version"
    YEAR = "budget of a year"
    RELEASES_PER_DAY = "releases in a day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be spent at most, in units of ``1e-9`` rho; 0 allows nothing.

    Attributes:
        release: By one release.
        session: By all releases of a session.
        data_version: By all releases about one version of the claims, for ever.
        year: By all releases of any 366 days.
        releases_per_day: Number of releases in any 24 hours.
    """

    release: int
    session: int
    data_version: int
    year: int
    releases_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One charge in the past, or one that is asked for.

    Attributes:
        time: Seconds.
        rho: Units of ``1e-9``.
        session: Whose.
        data_version: About which claims.
    """

    time: int
    rho: int
    session: str
    data_version: str


class Spending:
    """What was spent so far, in rising order of time.

    Guarantees:
        * Every charge added counts in full, for its session and its data version for ever, and for a year in ``year``.
        * A clock that goes back frees nothing: the time of the last charge counts as now.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.by_session: Counter[str] = Counter()
        self.by_data_version: Counter[str] = Counter()
        self._times: list[int] = []
        self._totals: list[int] = [0]

    def add(self, spent: Spent) -> None:
        """Count one more charge.

        Raises:
            ValueError: If it lies before the last one.
        """
        if self._times and spent.time < self._times[-1]:
            msg = "charges are added in rising order of time"
            raise ValueError(msg)
        self.by_session[spent.session] += spent.rho
        self.by_data_version[spent.data_version] += spent.rho
        self._times.append(spent.time)
        self._totals.append(self._totals[-1] + spent.rho)

    @property
    def total(self) -> int:
        """All of it."""
        return self._totals[-1]

    def year(self, now: int) -> int:
        """Spent in the 366 days up to now."""
        return self.total - self._totals[self._first_after(now, YEAR_S)]

    def releases_today(self, now: int) -> int:
        """Charges in the 24 hours up to now."""
        return len(self._times) - self._first_after(now, DAY_S)

    def worst_year(self) -> int:
        """The most that was spent in any 366 days."""
        starts = (bisect_right(self._times, end - YEAR_S) for end in self._times)
        return max((self._totals[last] - self._totals[start] for last, start in enumerate(starts, 1)), default=0)

    def _first_after(self, now: int, window: int) -> int:
        latest = max([now, *self._times[-1:]])
        return bisect_right(self._times, latest - window)


def objection(spending: Spending, asked: Spent, limits: Limits) -> Limit | None:
    """Which limit one more charge would exceed, or None if it fits them all."""
    after = {
        Limit.RELEASE: (asked.rho, limits.release),
        Limit.SESSION: (spending.by_session[asked.session] + asked.rho, limits.session),
        Limit.DATA_VERSION: (spending.by_data_version[asked.data_version] + asked.rho, limits.data_version),
        Limit.YEAR: (spending.year(asked.time) + asked.rho, limits.year),
        Limit.RELEASES_PER_DAY: (spending.releases_today(asked.time) + 1, limits.releases_per_day),
    }
    return next((limit for limit, (spent, most) in after.items() if spent > most), None)
