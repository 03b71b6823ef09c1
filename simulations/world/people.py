"""Who a claim is about: an insured person, the hospital, and the group of the claim, which is the truth.

Persons are not stored. A person is a number, made of the region and the group the person belongs to and a rank
among those persons; age, sex, insurance and usual hospital are a hash of that number. So a person looks the same on
every claim, in every block and in every bureau, and ten million claims need no more memory than ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulations.world.local import Local
from simulations.world.tables import AGE_SLOTS, SLOT_BITS

Integers = npt.NDArray[np.int64]
Lots = npt.NDArray[np.uint16]
Booleans = npt.NDArray[np.bool_]

PEOPLE_LOTS = 7
"""Lots that ``People`` takes per claim."""

NUMBER_SPAN = 10**10
"""Numbers of claims and of persons within one region are below this."""

VISITORS = 0.01
"""Share of claims of persons who belong to some region at random, mostly another one."""

LOYAL = 0.85
"""Share of claims at the person's usual hospital."""

ADULT = 18
NEWBORN_DAYS, INFANT_DAYS = 29, 365

RANKS = 10**8
"""Persons of one region and group are fewer."""

_SCRAMBLE = 387_420_489
"""A multiplier without common factor with 10: the number of a person does not show the group."""


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """Who the claims of one block are about. Everything is worked out when it is first asked for.

    Attributes:
        local: Tables of the bureau's region.
        serial: Number of each claim within the region, from 0.
        lots: ``(PEOPLE_LOTS, n)``, random.
        positions: ``(n,)``, random, 0 to 1.
    """

    local: Local
    serial: Integers
    lots: Lots
    positions: npt.NDArray[np.float64]

    @cached_property
    def group(self) -> Integers:
        """Place of the claim's group."""
        group: Integers = self.local.mix.take(self.lots[0]).astype(np.int64)
        return group

    @cached_property
    def home(self) -> Integers:
        """Place of the group the person belongs to: who has a cataract removed may be a diabetic."""
        return pick(self.local.shared.tables.home, self.group, self.lots[1]).astype(np.int64)

    @cached_property
    def origin(self) -> Integers:
        """Index of the region the person belongs to."""
        origin: Integers = np.full(len(self.serial), self.local.region.index)
        visiting = np.flatnonzero(below(self.lots[2], VISITORS))
        origin[visiting] = self.lots[3][visiting].astype(np.int64) * len(self.local.shared.regions) >> 16
        return origin

    @cached_property
    def rank(self) -> Integers:
        """Number of the person among those of a region and group.

        Ranks are the square of a uniform number: most persons come once or never, few come very often. Only what
        happens once falls on all alike, and a person who comes once is the claim's own.
        """
        once = self.local.shared.tables.once
        persons = self.local.shared.persons[self.origin, self.home]
        position = np.where(once.take(self.group), self.positions, np.square(self.positions))
        return np.where(once.take(self.home), self.serial % RANKS, (persons * position).astype(np.int64))

    @cached_property
    def person(self) -> Integers:
        """Number of the person: the region's index times ``NUMBER_SPAN``, and a number within the region."""
        person: Integers = self.origin * NUMBER_SPAN + (self.home * RANKS + self.rank) * _SCRAMBLE % NUMBER_SPAN
        return person

    @cached_property
    def _traits(self) -> Lots:
        """``(n, 4)``, lots that belong to the person."""
        salt = np.uint64(self.local.shared.seed % (1 << 63))
        return _hash(self.person.view(np.uint64) ^ _hash(np.atleast_1d(salt))).view(np.uint16).reshape(-1, 4)

    @cached_property
    def age(self) -> npt.NDArray[np.int16]:
        """Completed years."""
        return self.local.shared.tables.age.take(self.home * AGE_SLOTS + self._traits[:, 0] % AGE_SLOTS)

    @cached_property
    def newborn_days(self) -> npt.NDArray[np.int32]:
        """Age in days of those below one year, -1 for everybody else."""
        days = np.full(len(self.serial), -1, np.int32)
        infants = np.flatnonzero(self.age == 0)
        newborn = self.local.shared.tables.newborn.take(self.home[infants])
        first, end = np.where(newborn, 0, NEWBORN_DAYS), np.where(newborn, NEWBORN_DAYS, INFANT_DAYS)
        days[infants] = first + (self._traits[infants, 1] % AGE_SLOTS * (end - first) >> 8)
        return days

    @cached_property
    def male(self) -> Booleans:
        """Whether the person is a man or a boy."""
        return below(self._traits[:, 1], self.local.shared.tables.male.take(self.home))

    @cached_property
    def employee(self) -> Booleans:
        """Whether the person is insured as an employee, not as a resident."""
        return below(self._traits[:, 2], self.local.shared.employees.take(self.origin)) & (self.age >= ADULT)

    @cached_property
    def _loyal(self) -> Booleans:
        return below(self.lots[4], LOYAL)

    @cached_property
    def level(self) -> Integers:
        """Place of the hospital's level."""
        lots = np.where(self._loyal, self._traits[:, 3], self.lots[5])
        return pick(self.local.level, self.group, lots).astype(np.int64)

    @cached_property
    def hospital(self) -> Integers:
        """Place of the hospital among those of the region; the first ones of a level are the largest."""
        usual = (self._traits[:, 0] & 0xFF00) | (self._traits[:, 2] & 0xFF)
        share = np.where(self._loyal, usual, self.lots[6]).astype(np.float32) * np.float32(2**-16)
        place = (self.local.hospitals.take(self.level) * share * share).astype(np.int64)
        hospital: Integers = self.local.first_hospital.take(self.level) + place
        return hospital


def pick(table: npt.NDArray[np.int16], row: Integers, lots: Lots) -> npt.NDArray[np.int16]:
    """Entries of a table of ``choices``, one per row."""
    return table.take((row << SLOT_BITS) | (lots >> (16 - SLOT_BITS)))


def below(lots: Lots, share: float | npt.NDArray[np.float32]) -> Booleans:
    """Whether a lot falls into the first ``share`` of all lots."""
    return np.asarray(lots < np.float32(65_536) * np.asarray(share, np.float32))


def _hash(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: equal numbers to equal hashes, the bits of which look independent.

    References:
        Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
