"""What a claim costs, what it is charged for, and who pays it. All amounts are whole fen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulations.world.local import Local
from simulations.world.people import Integers, Lots, People, below
from simulations.world.stays import Stays

N_NORMALS = 15
"""Standard normal numbers that ``Money`` takes per claim: one for the cost, one for each fee category."""

MONEY_LOTS = 3
"""Lots that ``Money`` takes per claim."""

LEAST, MOST = 500.0, 5e8
"""Bounds of a bill in fen: 5 yuan and 5 million yuan."""

STAY_CORRELATION = 0.6
"""Correlation between the logarithms of cost and stay within an inpatient group."""

EMPLOYEE_RATE, RESIDENT_RATE = 0.80, 0.62
LEVEL_RATES = (0.0, 0.05, 0.10)
"""Share of the bill that the fund pays: by insurance, and what lower levels of hospital add to it."""

OUTPATIENT_RATE = -0.10
RATE_RANGE = 0.12
"""Width of the interval in which a claim's rate lies."""

OVERRUNS = 0.04
"""Share of stays of which the hospital carries a part, because they cost more than was agreed."""

OVERRUN_PART = 0.03
LARGE_BILL = 5_000_000.0
"""Fen above which a part comes from other funds than the pooled one."""

POOLED_PART = 0.88

Floats = npt.NDArray[np.float32]
Amounts = npt.NDArray[np.float64]
"""Whole fen, exact in float64."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Money:
    """Bills and payments of one block.

    Guarantees:
        * Fees add up to ``total``; fund, person and hospital parts do; account and cash add up to the person's.
        * No amount is negative, and the pooled fund pays no more than all funds together.

    Attributes:
        local: Tables of the region.
        people: Who the claims are about.
        stays: Their stays.
        group: Place of the group whose bills they have.
        prices: ``(n,)``, factor on each bill.
        normals: ``(N_NORMALS, n)``, standard normal.
        lots: ``(MONEY_LOTS, n)``, random.
    """

    local: Local
    people: People
    stays: Stays
    group: Integers
    prices: Floats
    normals: Floats
    lots: Lots

    @cached_property
    def _cost(self) -> Floats:
        """The bill before it is split up and rounded."""
        median, spread = self.local.shared.tables.cost
        rest = np.float32(np.sqrt(1 - STAY_CORRELATION**2))
        surprise = np.where(
            self.stays.inpatient,
            np.float32(STAY_CORRELATION) * self.stays.length + rest * self.normals[0],
            self.normals[0],
        )
        cost: Floats = np.exp(median.take(self.group) + spread.take(self.group) * surprise)
        cost *= self.prices
        return np.clip(cost, np.float32(LEAST), np.float32(MOST), out=cost)

    @cached_property
    def fees(self) -> Floats:
        """``(14, n)``."""
        level, spread = self.local.fees
        parts = spread.take(self.group, axis=1)
        parts *= self.normals[1:]
        parts += level.take(self.group, axis=1)
        np.maximum(parts, 0, out=parts)
        parts *= parts * parts
        parts *= self._cost / np.maximum(parts.sum(axis=0), np.float32(1e-6))
        return np.rint(parts, out=parts)

    @cached_property
    def total(self) -> Amounts:
        """Sum of the fees."""
        total: Amounts = self.fees.sum(axis=0, dtype=np.float64)
        return total

    @cached_property
    def hospital_part(self) -> Amounts:
        """What the hospital carries itself."""
        overrun = below(self.lots[0], OVERRUNS) & self.stays.inpatient
        return np.rint(self.total * (OVERRUN_PART * overrun))

    @cached_property
    def fund(self) -> Amounts:
        """What all funds pay together; together with ``OVERRUN_PART`` less than the whole bill."""
        rate = np.where(self.people.employee, np.float32(EMPLOYEE_RATE), np.float32(RESIDENT_RATE))
        rate += np.array(LEVEL_RATES, np.float32).take(self.people.level)
        rate += np.where(self.stays.inpatient, np.float32(0), np.float32(OUTPATIENT_RATE))
        rate += self.lots[1] * np.float32(RATE_RANGE / (1 << 16)) - np.float32(RATE_RANGE / 2)
        return np.rint(self.total * rate)

    @cached_property
    def pooled(self) -> Amounts:
        """What the pooled fund pays: all of it, apart from large bills."""
        return np.where(self.total > LARGE_BILL, np.rint(self.fund * POOLED_PART), self.fund)

    @cached_property
    def person(self) -> Amounts:
        """What the insured person pays."""
        person: Amounts = self.total - self.fund - self.hospital_part
        return person

    @cached_property
    def account(self) -> Amounts:
        """What the person pays out of the personal account, which employees have."""
        share = self.lots[2] * np.float32(2**-16)
        account: Amounts = np.rint(self.person * share * self.people.employee)
        return account

    @cached_property
    def cash(self) -> Amounts:
        """What the person pays otherwise."""
        cash: Amounts = self.person - self.account
        return cash
