"""When claims are settled: on office days mostly, in office hours, evenly over the period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

DAY = 86_400
"""Seconds."""

OFFICE_OPENS = 7.5 * 3600
OFFICE_SECONDS = 11 * 3600
WEEKEND = 0.45
"""Settlements on a Saturday or Sunday, relative to a working day."""

_SATURDAY = 5
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendar:
    """The period in which claims are settled.

    Attributes:
        start: Its first second, since 1970.
        passed: ``(n_days + 1,)``, share of the settlements before each day; from 0 to 1.
    """

    start: int
    passed: npt.NDArray[np.float64]

    def settle(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Seconds since 1970 at which given shares of the settlements are done; ordered as the shares are."""
        days = np.interp(shares, self.passed, np.arange(len(self.passed)))
        whole = np.minimum(np.floor(days), len(self.passed) - 2)
        return (self.start + whole * DAY + OFFICE_OPENS + (days - whole) * OFFICE_SECONDS).astype(np.int64)


def calendar(start: date, n_days: int) -> Calendar:
    """Build the calendar of ``n_days`` days from ``start`` on."""
    weekdays = (start.weekday() + np.arange(n_days)) % 7
    weights = np.where(weekdays >= _SATURDAY, WEEKEND, 1.0)
    passed = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    return Calendar(start=(start - _EPOCH).days * DAY, passed=passed)
