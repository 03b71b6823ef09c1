"""A block of claims: some thousands of consecutive claims of one region, drawn from streams of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulations.world.local import Floats, Local
from simulations.world.money import MONEY_LOTS, N_NORMALS, Money
from simulations.world.people import PEOPLE_LOTS, Integers, Lots, People
from simulations.world.pictures import PICTURES, Places
from simulations.world.stays import STAY_LOTS, Stays
from simulations.world.streams import Topic, generator

BLOCK = 16_384
"""Claims in a block; their arrays fit a second-level cache. Another value makes another world."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Claims ``number * BLOCK`` and following of one region; nothing is drawn before it is asked for.

    Attributes:
        local: Tables of the region.
        number: Which block of the region, from 0.
    """

    local: Local
    number: int

    def __len__(self) -> int:
        """How many claims: ``BLOCK``, fewer in a region's last block."""
        return min(BLOCK, self.local.region.n_claims - self.number * BLOCK)

    def _generator(self, topic: Topic) -> np.random.Generator:
        return generator(self.local.shared.seed, topic, self.local.region.index, self.number)

    @cached_property
    def serial(self) -> Integers:
        """Number of each claim within the region, from 0."""
        return np.arange(self.number * BLOCK, self.number * BLOCK + len(self))

    @cached_property
    def people(self) -> People:
        """Who the claims are about."""
        rng = self._generator(Topic.PEOPLE)
        return People(
            local=self.local,
            serial=self.serial,
            lots=_lots(rng, PEOPLE_LOTS, len(self)),
            positions=rng.random(len(self)),
        )

    @cached_property
    def pictures(self) -> Places:
        """Diagnoses and operations, ``(WIDTH, n)``, places in the vocabulary or ``NONE``."""
        chosen = _lots(self._generator(Topic.PICTURES), 1, len(self))[0] % PICTURES
        pictures: Places = self.local.pictures.take(self.alike(Topic.PICTURES) * PICTURES + chosen, axis=1)
        return pictures

    @cached_property
    def stays(self) -> Stays:
        """Times and stays."""
        rng = self._generator(Topic.STAYS)
        return Stays(
            local=self.local,
            serial=self.serial,
            group=self.alike(Topic.STAYS),
            lots=_lots(rng, STAY_LOTS, len(self)),
            length=rng.standard_normal(len(self), np.float32),
        )

    @cached_property
    def money(self) -> Money:
        """Bills and payments."""
        rng = self._generator(Topic.MONEY)
        return Money(
            local=self.local,
            people=self.people,
            stays=self.stays,
            group=self.alike(Topic.MONEY),
            prices=self.prices,
            normals=rng.standard_normal((N_NORMALS, len(self)), np.float32),
            lots=_lots(rng, MONEY_LOTS, len(self)),
        )

    @property
    def prices(self) -> Floats:
        """Factor on each bill: the hospital's."""
        return self.local.prices.take(self.people.hospital)

    def alike(self, topic: Topic) -> Integers:  # noqa: ARG002 - claims that arrive may differ by topic
        """Place of the group that claims are like in their pictures, stays or bills: their own."""
        return self.people.group

    def refunded(self, share: float) -> Integers:
        """Places of the claims in this block that were refunded."""
        return np.flatnonzero(self._generator(Topic.REFUNDS).random(len(self)) < share)


def _lots(rng: np.random.Generator, rows: int, n: int) -> Lots:
    return rng.integers(0, 1 << 16, (rows, n), np.uint16)
