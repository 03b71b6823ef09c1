"""The regions of a generated world: unequal in size, case mix, prices, hospitals and habits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES
from simulations.world.groups import Group, Name

Floats = npt.NDArray[np.float64]

MAX_REGIONS = 9_999
"""Region codes are 99 and four digits; the 99 belongs to no real division."""

SIZE_EXPONENT = 0.8
"""Region number i has a share of claims proportional to i to the minus this."""

PRICE_RANGE = (0.8, 1.3)
MIX_SPREAD = 0.45
"""Relative standard deviation of a group's share between regions."""

HABIT_SPREAD = 0.25
"""Relative standard deviation of a fee category's share between regions."""

LEVEL_SPREAD = 0.35
"""Relative standard deviation of the use of a level of hospital between regions."""

HOSPITALS = (6, 20, 60)
"""Tertiary, secondary and primary hospitals of a region of average size."""

EMPLOYEES = (0.25, 0.65)
"""Share of employees among insured adults, lowest and highest region."""

_RAKING_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """What sets one region, and so one bureau, apart.

    Attributes:
        index: Position among the regions, largest first.
        code: Six digits, ``insu_admdvs``; belongs to no real place.
        name: Invented, in both languages.
        n_claims: How many claims its bureau holds.
        mix: ``(n_groups,)``, adds up to 1; zero where the region does not offer a treatment.
        price: Factor on every bill.
        hospitals: How many tertiary, secondary and primary hospitals.
        level_habits: ``(3,)``, factors on the use of tertiary, secondary and primary hospitals.
        fee_habits: ``(14,)``, factors on the shares of the fee categories.
        employees: Share of employees among insured adults.
    """

    index: int
    code: str
    name: Name
    n_claims: int
    mix: Floats
    price: float
    hospitals: tuple[int, int, int]
    level_habits: Floats
    fee_habits: Floats
    employees: float


def vary(rng: np.random.Generator, spread: float, shape: int | tuple[int, ...]) -> Floats:
    """Positive factors (gamma) with mean 1 and relative standard deviation ``spread``; ones if it is 0."""
    return rng.gamma(spread**-2, spread**2, shape) if spread else np.ones(shape)


def build_regions(
    groups: Sequence[Group], *, n_bureaus: int, n_claims: int, heterogeneity: float, rng: np.random.Generator
) -> tuple[Region, ...]:
    """Draw the regions of a world.

    Guarantees:
        * Claims add up to ``n_claims``, and every region has one at least.
        * Over all regions together the groups have the shares that their weights declare.
        * With ``heterogeneity`` 0 regions differ in size and number of hospitals alone.
    """
    sizes = _sizes(n_bureaus, n_claims)
    mixes = _mixes(groups, sizes / n_claims, heterogeneity, rng)
    prices = rng.permutation(np.geomspace(*PRICE_RANGE, n_bureaus)) ** heterogeneity
    habits = vary(rng, HABIT_SPREAD * heterogeneity, (n_bureaus, len(FEE_CATEGORIES)))
    levels = vary(rng, LEVEL_SPREAD * heterogeneity, (n_bureaus, len(HOSPITALS)))
    employees = np.mean(EMPLOYEES) + heterogeneity * (rng.uniform(*EMPLOYEES, n_bureaus) - np.mean(EMPLOYEES))
    hospitals = 1 + np.outer(sizes / n_claims * n_bureaus, HOSPITALS).astype(int)
    return tuple(
        Region(
            index=index,
            code=f"99{index + 1:04d}",
            name=Name(f"第{index + 1:02d}统筹区", f"Region {index + 1:02d}"),
            n_claims=int(sizes[index]),
            mix=mixes[index],
            price=float(prices[index]),
            hospitals=(int(hospitals[index, 0]), int(hospitals[index, 1]), int(hospitals[index, 2])),
            level_habits=levels[index],
            fee_habits=habits[index],
            employees=float(np.clip(employees[index], 0.0, 1.0)),
        )
        for index in range(n_bureaus)
    )


def _sizes(n_bureaus: int, n_claims: int) -> npt.NDArray[np.int64]:
    """Claims per region, by Zipf's law: one each, then what the cumulated shares say of the rest."""
    shares = np.arange(1, n_bureaus + 1) ** -SIZE_EXPONENT
    bounds = np.rint(np.cumsum(shares) / shares.sum() * (n_claims - n_bureaus)).astype(np.int64)
    sizes: npt.NDArray[np.int64] = 1 + np.diff(bounds, prepend=0)
    return sizes


def _mixes(groups: Sequence[Group], sizes: Floats, heterogeneity: float, rng: np.random.Generator) -> Floats:
    """``(n_regions, n_groups)`` shares with the declared margins, by raking (iterative proportional fitting)."""
    declared = np.array([group.weight for group in groups])
    declared /= declared.sum()
    mixes = declared * vary(rng, MIX_SPREAD * heterogeneity, (len(sizes), len(groups)))
    if heterogeneity:
        mixes *= np.stack([_offered(group.offered_by, len(sizes), rng) for group in groups], axis=1)
    for _ in range(_RAKING_STEPS):
        mixes *= declared / (sizes @ mixes)
        mixes /= mixes.sum(axis=1, keepdims=True)
    return mixes


def _offered(share: float, n_regions: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which regions offer a treatment: the largest always, of the others as many as the share says."""
    rank = np.concatenate([[0], 1 + rng.permutation(n_regions - 1)])
    return np.asarray(rank < max(1, round(share * n_regions)))
