"""Sums of what was spent, and whether one more charge fits. Integers only; knows neither epsilon nor files.

Spending is added up over persons and claims alike: a release that hides a person also hides each of the person's
claims, so the sum is a bound for claims, and for persons wherever all charges are per person.

Charges of windows do not add up like this: a claim is in one window, and whoever would exceed the window's cap was
left out of it. So of windows, nobody has spent more than they cost together, nor more than the cap of the last window
that they were in; the largest such figure counts. It follows from the ledger alone, and so tells nothing of claims.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from client.ledger.release import Charge

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
    WINDOWS_PER_DAY = "windows in a day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be spent at most, in units of ``1e-9`` rho; 0 allows nothing.

    Attributes:
        release: By one release.
        session: By all releases of a session.
        data_version: By all releases about one version of the claims, for ever.
        year: By all releases of any 366 days.
        releases_per_day: Number of releases in any 24 hours, those of windows left out.
        windows_per_day: Number of windows in any 24 hours, however many releases each has.
    """

    release: int
    session: int
    data_version: int
    year: int
    releases_per_day: int
    windows_per_day: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One charge in the past, or one that is asked for.

    Attributes:
        time: Seconds.
        rho: Units of ``1e-9``.
        session: Whose.
        data_version: About which claims.
        cap: Of a window: what nobody has spent more than, for windows, once they were in this one; else None.
    """

    time: int
    rho: int
    session: str
    data_version: str
    cap: int | None = None

    @classmethod
    def of(cls, charge: Charge, *, time: int, session: bytes) -> Self:
        """A charge at a time."""
        return cls(
            time=time,
            rho=charge.rho,
            session=session.hex(),
            data_version=charge.data_version,
            cap=None if charge.window is None else charge.window.cap,
        )


class _Sums:
    """Charges of one kind in rising order of time, and what they come to."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.totals: list[int] = [0]

    def add(self, time: int, rho: int) -> None:
        self.times.append(time)
        self.totals.append(self.totals[-1] + rho)

    def until(self, time: int) -> int:
        """How many there were up to a time."""
        return bisect_right(self.times, time)


class Spending:
    """What was spent so far, in rising order of time.

    Guarantees:
        * Every charge added counts in full, for its session and its data version for ever. For a year in ``year``
          every charge without a window does, and of those with one the most that anybody can have spent.
        * A clock that goes back frees nothing: the time of the last charge counts as now.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.by_session: Counter[str] = Counter()
        self.by_data_version: Counter[str] = Counter()
        self._latest = 0
        self._plain, self._windows = _Sums(), _Sums()
        self._caps: list[tuple[int, int]] = []
        self._begun: dict[str, int] = {}

    def add(self, spent: Spent) -> None:
        """Count one more charge.

        Raises:
            ValueError: If it lies before the last one.
        """
        if spent.time < self._latest:
            msg = "charges are added in rising order of time"
            raise ValueError(msg)
        self._latest = spent.time
        self.by_session[spent.session] += spent.rho
        self.by_data_version[spent.data_version] += spent.rho
        if spent.cap is None:
            self._plain.add(spent.time, spent.rho)
        else:
            self._begun.setdefault(spent.session, spent.time)
            self._windows.add(spent.time, spent.rho)
            self._run(spent.cap)

    @property
    def total(self) -> int:
        """All of it, windows added up like everything else: more than anybody can have spent."""
        return self._plain.totals[-1] + self._windows.totals[-1]

    def year(self, now: int) -> int:
        """The most that anybody can have spent in the 366 days up to now."""
        return self.plain_year(now) + self._most_of_windows(self._now(now), len(self._windows.times))

    def plain_year(self, now: int) -> int:
        """Spent in the 366 days up to now, windows left out."""
        return self._plain.totals[-1] - self._plain.totals[self._plain.until(self._now(now) - YEAR_S)]

    def windows_year(self, now: int) -> int:
        """What all windows of the 366 days up to now cost together."""
        return self._windows.totals[-1] - self._windows.totals[self._windows.until(self._now(now) - YEAR_S)]

    def releases_today(self, now: int) -> int:
        """Charges in the 24 hours up to now, windows left out."""
        return len(self._plain.times) - self._plain.until(self._now(now) - DAY_S)

    def windows_today(self, now: int, session: str = "") -> int:
        """Windows that were begun in the 24 hours up to now, but for that of a session."""
        since = self._now(now) - DAY_S
        return sum(begun > since for name, begun in self._begun.items() if name != session)

    def worst_year(self) -> int:
        """The most that anybody can have spent in any 366 days."""
        return max((self._year_to(end) for end in {*self._plain.times, *self._windows.times}), default=0)

    def _year_to(self, end: int) -> int:
        """As ``year``, at a time in the past."""
        totals, last = self._plain.totals, self._plain.until(end)
        plain = totals[last] - totals[self._plain.until(end - YEAR_S)]
        return plain + self._most_of_windows(end, self._windows.until(end))

    def _run(self, cap: int) -> None:
        """Note up to which window a cap has held; caps seldom change."""
        if self._caps and self._caps[-1][0] == cap:
            self._caps.pop()
        self._caps.append((cap, len(self._windows.times)))

    def _most_of_windows(self, end: int, last: int) -> int:
        """The most that anybody can have spent on windows: of those with one cap, the last one decides."""
        totals, first = self._windows.totals, self._windows.until(end - YEAR_S)
        before, most = 0, 0
        for cap, until in self._caps:
            if first < until and before < last:
                most = max(most, min(totals[min(until, last)] - totals[first], cap))
            before = until
        return most

    def _now(self, now: int) -> int:
        return max(now, self._latest)


def objection(spending: Spending, asked: Spent, limits: Limits) -> Limit | None:
    """Which limit one more charge would exceed, or None if it fits them all."""
    after = {
        Limit.RELEASE: (asked.rho, limits.release),
        Limit.SESSION: (spending.by_session[asked.session] + asked.rho, limits.session),
        Limit.DATA_VERSION: (spending.by_data_version[asked.data_version] + asked.rho, limits.data_version),
        Limit.YEAR: (_year_after(spending, asked), limits.year),
        **_today(spending, asked, limits),
    }
    return next((limit for limit, (spent, most) in after.items() if spent > most), None)


def _year_after(spending: Spending, asked: Spent) -> int:
    """The most that whoever is charged can have spent in a year."""
    if asked.cap is None:
        return spending.year(asked.time) + asked.rho
    return spending.plain_year(asked.time) + min(spending.windows_year(asked.time) + asked.rho, asked.cap)


def _today(spending: Spending, asked: Spent, limits: Limits) -> dict[Limit, tuple[int, int]]:
    if asked.cap is None:
        return {Limit.RELEASES_PER_DAY: (spending.releases_today(asked.time) + 1, limits.releases_per_day)}
    return {Limit.WINDOWS_PER_DAY: (spending.windows_today(asked.time, asked.session) + 1, limits.windows_per_day)}
