"""The rhythm in which claims arrive: hospital hours, nights and weekends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from simulations.world.settlement import WEEKEND

HOURS_A_DAY, DAYS_A_WEEK = 24, 7
HOURS_A_WEEK = HOURS_A_DAY * DAYS_A_WEEK

DAY_RHYTHM = (
    0.25, 0.20, 0.16, 0.15, 0.16, 0.22, 0.40, 0.90, 2.00, 2.70, 2.80, 2.40,
    1.50, 1.20, 1.90, 2.30, 2.20, 1.70, 1.00, 0.70, 0.60, 0.50, 0.40, 0.30,
)  # fmt: skip
"""How many claims arrive at each full hour of a working day, relative to each other."""

_SATURDAY = 5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rhythm:
    """How densely claims arrive; it changes steadily from one full hour to the next.

    Attributes:
        knots: ``(HOURS_A_WEEK + 1,)``, positive: the density at each full hour of a week that begins with the first
            day of the world, 1 on the mean over the week. The last is the first again.
    """

    knots: Floats

    def hourly(self, n_hours: int) -> Floats:
        """Share of each hour ``(n_hours,)``, 1 on the mean over a week."""
        week = (self.knots[:-1] + self.knots[1:]) / 2
        return np.resize(week, n_hours)

    def within(self, hour: int, shares: Floats) -> Floats:
        """Parts of an hour that have gone by when given shares of its claims have arrived.

        The density runs straight from ``a`` to ``b``, so the share is a square function of the part, solved here.
        """
        a, b = self.knots[hour % HOURS_A_WEEK], self.knots[hour % HOURS_A_WEEK + 1]
        passed: Floats = shares * (a + b) / (a + np.sqrt(a * a + (b * b - a * a) * shares))
        return passed


def rhythm_from(start: date) -> Rhythm:
    """The rhythm of weeks that begin on the weekday of ``start``."""
    days = (start.weekday() + np.arange(DAYS_A_WEEK)) % DAYS_A_WEEK
    weights = np.where(days >= _SATURDAY, WEEKEND, 1.0)
    knots = np.outer(weights, DAY_RHYTHM).ravel()
    return Rhythm(knots=np.append(knots, knots[0]) / knots.mean())
