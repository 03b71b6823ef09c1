"""How many claims arrive at one bureau in each hour, when they do, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from simulations.world.arriving_block import HOUR, ArrivingBlock, SurgeBlock
from simulations.world.happenings import Happening, Surge
from simulations.world.local import Local
from simulations.world.people import Integers
from simulations.world.rhythm import Rhythm
from simulations.world.streams import Topic, generator

SURGE_SERIALS, SURGE_SPAN = 5_050_000_000, 1_000_000
"""Serial numbers of what surges bring begin here, a span for each: other claims keep theirs, and persons are new."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrivingHours:
    """The hours of one bureau. Numbers of claims are drawn for all hours at once, claims for the hour asked for.

    Attributes:
        local: Tables of its region.
        rhythm: When claims arrive.
        opens: The second in which the world began.
        expected: ``(n_hours,)``, how many claims arrive as usual, on average.
        happenings: Of the whole world.
    """

    local: Local
    rhythm: Rhythm
    opens: int
    expected: Floats
    happenings: tuple[Happening, ...]

    def blocks(self, hour: int) -> Iterator[ArrivingBlock]:
        """What arrives in an hour: claims as usual, then those of each surge."""
        held = self._held(hour)
        shares = self._generator(Topic.ARRIVALS, 1 + hour).random(_count(self.firsts, hour))
        arrived = self._seconds(hour, self.rhythm.within(hour, shares))
        yield ArrivingBlock(**held, first=int(self.firsts[hour]), arrived=arrived)
        for place, surge, firsts in self.surges:
            lots = self._generator(Topic.SURGES, 1 + place, 1 + hour).random(_count(firsts, hour))
            low, high = np.clip([surge.begins - hour, surge.ends - hour], 0.0, 1.0)
            yield SurgeBlock(
                **held,
                first=int(firsts[hour]),
                arrived=self._seconds(hour, low + lots * (high - low)),
                surge=place,
                group=surge.group,
                n_hospitals=surge.hospitals,
            )

    @cached_property
    def firsts(self) -> Integers:
        """Serial number of each hour's first claim as usual, and of the first after all hours."""
        return _firsts(self._generator(Topic.ARRIVALS).poisson(self.expected))

    @cached_property
    def surges(self) -> tuple[tuple[int, Surge, Integers], ...]:
        """Each surge that is seen here: its place among the happenings, what it is, and the same numbers."""
        hours = np.arange(len(self.expected) + 1.0)
        found = []
        for place, one in enumerate(self.happenings):
            if isinstance(one, Surge) and self.local.region.index in one.bureaus:
                in_all = one.per_hour * (one.ends - one.begins) / len(one.bureaus)
                counts = self._generator(Topic.SURGES, 1 + place).poisson(in_all * np.diff(one.done(hours)))
                found.append((place, one, SURGE_SERIALS + place * SURGE_SPAN + _firsts(counts)))
        return tuple(found)

    def _held(self, hour: int) -> dict[str, Any]:
        return {"local": self.local, "number": hour, "opens": self.opens, "happenings": self.happenings}

    def _generator(self, topic: Topic, *place: int) -> np.random.Generator:
        return generator(self.local.shared.seed, topic, self.local.region.index, *place)

    def _seconds(self, hour: int, parts: Floats) -> Integers:
        """Parts of an hour as seconds since 1970; none rounds up into the next hour."""
        return self.opens + hour * HOUR + np.minimum((parts * HOUR).astype(np.int64), HOUR - 1)


def _firsts(counts: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(counts)])


def _count(firsts: Integers, hour: int) -> int:
    return int(firsts[hour + 1] - firsts[hour])
