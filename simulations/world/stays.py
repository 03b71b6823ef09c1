"""When a claim was settled, how long its stay was, and how the stay began and ended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulations.world.local import Local
from simulations.world.people import Booleans, Integers, Lots, pick
from simulations.world.settlement import DAY

STAY_LOTS = 5
"""Lots that ``Stays`` takes per claim."""

MAX_STAY = 730
"""Days; longer stays are settled in between."""

SETTLEMENT_DELAY = 6 * 3600
"""Seconds between discharge and settlement, at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stays:
    """Times and stays of one block; only entries of inpatient claims mean something, apart from ``settled``.

    Attributes:
        local: Tables of the region.
        serial: Number of each claim within the region, from 0.
        group: Place of its group.
        lots: ``(STAY_LOTS, n)``, random.
        length: ``(n,)``, standard normal: how long the stay is for its group.
    """

    local: Local
    serial: Integers
    group: Integers
    lots: Lots
    length: npt.NDArray[np.float32]

    @cached_property
    def inpatient(self) -> Booleans:
        """Whether there is a stay at all."""
        return self.local.shared.tables.inpatient.take(self.group)

    @cached_property
    def settled(self) -> Integers:
        """Seconds since 1970, never decreasing within a region."""
        within = (self.lots[0].astype(np.float64) + 0.5) / (1 << 16)
        return self.local.shared.calendar.settle((self.serial + within) / self.local.region.n_claims)

    @cached_property
    def days(self) -> npt.NDArray[np.int32]:
        """Nights of the stay, one at least."""
        median, spread = self.local.shared.tables.stay
        typical = np.exp(median.take(self.group) + spread.take(self.group) * self.length)
        days: npt.NDArray[np.int32] = np.clip(np.rint(typical), 1, MAX_STAY).astype(np.int32)
        return days

    @cached_property
    def discharged(self) -> Integers:
        """Seconds since 1970, some hours before the settlement."""
        discharged: Integers = self.settled - (self.lots[1].astype(np.int64) * SETTLEMENT_DELAY >> 16)
        return discharged

    @cached_property
    def admitted(self) -> Integers:
        """Seconds since 1970: at any time of the day, ``days`` nights before the discharge."""
        time_of_day = self.lots[2].astype(np.int64) * DAY >> 16
        admitted: Integers = (self.discharged // DAY - self.days) * DAY + time_of_day
        return admitted

    @cached_property
    def admission(self) -> npt.NDArray[np.int16]:
        """Place of the way in."""
        return pick(self.local.shared.tables.admission, self.group, self.lots[4])

    @cached_property
    def discharge(self) -> npt.NDArray[np.int16]:
        """Place of the way out."""
        return pick(self.local.shared.tables.discharge, self.group, self.lots[3])
