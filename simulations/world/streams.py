"""Where randomness comes from: one independent generator per purpose, region and block, all from one seed."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Topic(IntEnum):
    """What a generator is for. Topics are independent, so a column costs no more than what it needs."""

    REGIONS = 0
    HOSPITALS = 1
    SHARED_PICTURES = 2
    OWN_PICTURES = 3
    PEOPLE = 4
    PICTURES = 5
    STAYS = 6
    MONEY = 7
    REFUNDS = 8
    ARRIVALS = 9
    SURGES = 10
    MERGES = 11


def generator(seed: int, topic: Topic, *place: int) -> np.random.Generator:
    """The generator of one topic at one place (nothing, a region, or a region and a block)."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(topic, *place))))
