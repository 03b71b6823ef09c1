"""A block of arriving claims: what comes to one bureau in one hour, as usual or of one surge."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulations.world.block import Block
from simulations.world.happenings import Death, Happening, Merge, PriceRise
from simulations.world.local import Floats
from simulations.world.people import RANKS, Booleans, Integers, People
from simulations.world.stays import Stays
from simulations.world.streams import Topic, generator

HOUR = 3_600
"""Seconds."""

_ASPECTS = {Topic.PICTURES: 0, Topic.STAYS: 1, Topic.MONEY: 2}
"""What two kinds may be alike in, one independently of the other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrivingStays(Stays):
    """Stays of claims that arrive the second they are settled.

    Attributes:
        arrived: ``(n,)``, seconds since 1970.
    """

    arrived: Integers

    @cached_property
    def settled(self) -> Integers:
        """Seconds since 1970."""
        return self.arrived


@dataclass(frozen=True, kw_only=True, eq=False)
class SurgePeople(People):
    """Who the claims of a surge are about: each is a person's only one.

    Attributes:
        kind: Place of the group.
        n_hospitals: Of the region; the largest tertiary ones come first.
    """

    kind: int
    n_hospitals: int

    @cached_property
    def group(self) -> Integers:
        """The surge's."""
        return np.full(len(self.serial), self.kind, np.int64)

    @cached_property
    def rank(self) -> Integers:
        """The claim's own."""
        return self.serial % RANKS

    @cached_property
    def hospital(self) -> Integers:
        """Any of the surge's hospitals, one as likely as the other."""
        at_most = min(self.n_hospitals, int(self.local.hospitals.sum()))
        hospital: Integers = self.lots[6].astype(np.int64) * at_most >> 16
        return hospital

    @cached_property
    def level(self) -> Integers:
        """The hospital's."""
        return np.searchsorted(self.local.first_hospital, self.hospital, side="right") - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrivingBlock(Block):
    """Claims that arrive as usual in hour ``number`` of the world.

    Attributes:
        first: Serial number of the first one within the region.
        arrived: ``(n,)``, seconds since 1970, in any order.
        opens: The second in which the world began.
        happenings: Of the whole world.
    """

    first: int
    arrived: Integers
    opens: int
    happenings: tuple[Happening, ...]

    def __len__(self) -> int:
        """How many claims."""
        return len(self.arrived)

    @cached_property
    def serial(self) -> Integers:
        """Number of each claim within the region."""
        return self.first + np.arange(len(self))

    @cached_property
    def hours(self) -> npt.NDArray[np.float64]:
        """Since the world began."""
        return (self.arrived - self.opens) / HOUR

    @cached_property
    def stays(self) -> Stays:
        """Times and stays."""
        drawn = super().stays
        return ArrivingStays(**{one.name: getattr(drawn, one.name) for one in fields(drawn)}, arrived=self.arrived)

    @property
    def prices(self) -> Floats:
        """Factor on each bill: the hospital's, and by how much everything is dearer by then."""
        prices = super().prices
        for one in self.happenings:
            if isinstance(one, PriceRise):
                prices = prices * (1 + one.percent / 100 * one.done(self.hours)).astype(np.float32)
        return prices

    def alike(self, topic: Topic) -> Integers:
        """Place of the group that claims are like in their pictures, stays or bills."""
        merges = [one for one in self.happenings if isinstance(one, Merge)]
        groups = self.people.group
        for lots, merge in zip(self._generator(Topic.MERGES).random((len(merges), 3, len(self))), merges, strict=True):
            changed = (groups == self._place(merge.group)) & (lots[_ASPECTS[topic]] < merge.done(self.hours))
            groups = np.where(changed, self._place(merge.into), groups)
        return groups

    @cached_property
    def alive(self) -> Booleans:
        """Which of these claims come: those of a kind that stopped do not."""
        alive = np.ones(len(self), np.bool_)
        for one in self.happenings:
            if isinstance(one, Death):
                alive &= (self.people.group != self._place(one.group)) | (self.hours < one.begins)
        return alive

    def _place(self, group: str) -> int:
        return [one.id for one in self.local.shared.groups].index(group)


@dataclass(frozen=True, kw_only=True, eq=False)
class SurgeBlock(ArrivingBlock):
    """Claims of one surge that arrive in hour ``number`` of the world.

    Attributes:
        surge: Its place among the happenings.
        group: Id of the kind.
        n_hospitals: Of the region.
    """

    surge: int
    group: str
    n_hospitals: int

    def _generator(self, topic: Topic) -> np.random.Generator:
        return generator(self.local.shared.seed, topic, self.local.region.index, self.number, 1 + self.surge)

    @cached_property
    def people(self) -> People:
        """Who the claims are about."""
        drawn = super().people
        return SurgePeople(
            **{one.name: getattr(drawn, one.name) for one in fields(drawn)},
            kind=self._place(self.group),
            n_hospitals=self.n_hospitals,
        )

    @cached_property
    def alive(self) -> Booleans:
        """All of them."""
        return np.ones(len(self), np.bool_)
