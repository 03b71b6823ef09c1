"""What claims of one region are drawn from: the tables of the groups, bent to the region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulations.world.groups import Group
from simulations.world.pictures import Places, Vocabulary, draw_pictures
from simulations.world.regions import Region
from simulations.world.settlement import Calendar
from simulations.world.streams import Topic, generator
from simulations.world.tables import Tables, choices, fee_shape

MIX_SLOTS = 1 << 16
"""Slots of the case mix: a group with a share of 0.01 % still has six."""

LEVEL_PRICES = (1.0, 0.88, 0.75)
"""Factor on bills of tertiary, secondary and primary hospitals."""

HOSPITAL_SPREAD = 0.08
"""Standard deviation of the logarithm of a hospital's own price level."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shared:
    """What all regions of one world draw from.

    Attributes:
        seed: Of the world.
        heterogeneity: How much regions differ.
        groups: What claims there are.
        regions: Largest first.
        words: All codes.
        tables: The groups as arrays.
        persons: ``(n_regions, n_groups)``, persons that live in each region.
        employees: ``(n_regions,)``, share of employees among adults.
        calendar: When claims are settled.
    """

    seed: int
    heterogeneity: float
    groups: tuple[Group, ...]
    regions: tuple[Region, ...]
    words: Vocabulary
    tables: Tables
    persons: npt.NDArray[np.float64]
    employees: Floats
    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Local:
    """Tables of one region.

    Attributes:
        shared: What all regions draw from.
        region: Whose tables they are.
        mix: ``MIX_SLOTS`` groups.
        level: ``SLOTS`` levels of hospital per group.
        pictures: ``(WIDTH, n_groups * PICTURES)``.
        fees: p and q of ``fee_shape``.
        first_hospital: Per level, the place of its first hospital among those of this region.
        hospitals: Per level, how many.
        prices: Factor on bills, per hospital of this region.
    """

    shared: Shared
    region: Region
    mix: Places
    level: Places
    pictures: Places
    fees: tuple[Floats, Floats]
    first_hospital: npt.NDArray[np.int64]
    hospitals: npt.NDArray[np.int64]
    prices: Floats


def localise(shared: Shared, region: Region) -> Local:
    """Compile the tables of one region; some milliseconds and a few megabytes."""
    hospitals = np.array(region.hospitals)
    return Local(
        shared=shared,
        region=region,
        mix=choices(region.mix[np.newaxis], MIX_SLOTS),
        level=choices(np.array([group.levels for group in shared.groups]) * region.level_habits),
        pictures=draw_pictures(
            shared.groups,
            shared.words,
            heterogeneity=shared.heterogeneity,
            shared=generator(shared.seed, Topic.SHARED_PICTURES),
            own=generator(shared.seed, Topic.OWN_PICTURES, region.index),
        ),
        fees=fee_shape(shared.groups, region),
        first_hospital=np.cumsum(hospitals) - hospitals,
        hospitals=hospitals,
        prices=_prices(shared, region, hospitals),
    )


def hospital_codes(regions: Sequence[Region]) -> tuple[str, ...]:
    """Codes of all hospitals, region by region, tertiary ones first: H, the region's code and five digits."""
    return tuple(f"H{region.code}{number + 1:05d}" for region in regions for number in range(sum(region.hospitals)))


def _prices(shared: Shared, region: Region, hospitals: npt.NDArray[np.int64]) -> Floats:
    own = generator(shared.seed, Topic.HOSPITALS, region.index).normal(0.0, HOSPITAL_SPREAD, hospitals.sum())
    own *= shared.heterogeneity
    prices: Floats = (region.price * np.repeat(LEVEL_PRICES, hospitals) * np.exp(own)).astype(np.float32)
    return prices
