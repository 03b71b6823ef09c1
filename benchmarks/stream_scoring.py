"""How well a stream was followed: inertia over an oracle's, and how soon what happened was seen or told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

import numpy as np

from benchmarks.stream_following import Floats, Follower, Telling, inertia
from benchmarks.stream_world import StreamWorld, TrueWindow
from common.stream.state import Change, Event

WARM_UP = 12
"""Windows that do not count."""

LAST_PART = 0.75
"""From this part of the windows on it is the last quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One window, seen by one follower.

    Attributes:
        window: Its number.
        ratio: Inertia over the oracle's.
        off: Clusters too many, or too few below zero.
        near: Clusters of the world that have a centroid within their own spread.
        told: What the follower said first after this window.
    """

    window: int
    ratio: float
    off: int
    near: frozenset[int]
    told: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """What was told of one sort of event.

    Attributes:
        after: Windows from each true event until it was told; None for one that never was.
        others: How often it was told of nothing.
    """

    after: tuple[int | None, ...]
    others: int


@dataclass(kw_only=True)
class Track:
    """One follower through one world.

    Attributes:
        world: Which.
        follower: Who.
        seen: The windows for which it had centroids.
        waited: Windows for which it had none.
        seconds: That it took.
    """

    world: StreamWorld
    follower: Follower
    seen: list[Seen] = field(default_factory=list)
    waited: int = 0
    seconds: float = 0.0
    _known: set[Event] = field(default_factory=set)

    def show(self, window: TrueWindow, oracle_inertia: float) -> None:
        """Give the follower a window and keep how it does."""
        began = time.perf_counter()
        centroids = self.follower.window(window.rows)
        self.seconds += time.perf_counter() - began
        if centroids is None:
            self.waited += 1
            return
        self.seen.append(
            Seen(
                window=window.number,
                ratio=inertia(window.rows, centroids) / oracle_inertia,
                off=len(centroids) - len(window.means),
                near=self._near(window, centroids),
                told=self._told(),
            )
        )

    def ratios(self, part: float = 0.0) -> Floats:
        """Of the windows after the warm-up, from a part of the stream on."""
        first = max(WARM_UP, part * self.world.n_windows)
        return np.array([one.ratio for one in self.seen if one.window >= first])

    def mean_off(self) -> float:
        """Mean number of clusters too many or too few, after the warm-up."""
        return mean([abs(one.off) for one in self.seen if one.window >= WARM_UP] or [np.nan])

    def found(self) -> tuple[int | None, ...]:
        """Windows until each newborn cluster had a centroid, told or not; None where it never had."""
        births = [one for one in self.world.events if one.change is Change.BIRTH]
        return tuple(
            _first([one.window for one in self.seen if birth.cluster in one.near], birth.window) for birth in births
        )

    def births(self, change: Change = Change.BIRTH) -> Delays:
        """What was told of births; a birth that is told of a place where none is, or again, is told of nothing."""
        told = [one for one in self.seen for event in one.told if event.change is change]
        after: list[int | None] = []
        for birth in (one for one in self.world.events if one.change is Change.BIRTH):
            fitting = [one for one in told if one.window >= birth.window and birth.cluster in one.near]
            after.append(fitting[0].window - birth.window if fitting else None)
            if fitting:
                told.remove(fitting[0])
        return Delays(after=tuple(after), others=len(told))

    def deaths(self) -> Delays:
        """What was told of deaths; the first from the true one's window on is of that one."""
        (event,) = (one for one in self.world.events if one.change is Change.DEATH)
        told = self._windows(Change.DEATH)
        after = _first(told, event.window)
        return Delays(after=(after,), others=len(told) - (after is not None) - self.merge()[1])

    def merge(self) -> tuple[int | None, bool]:
        """Windows from the first of the gliding until a merge was told, and whether it was told as a death.

        A cluster that glides faster than its centroid follows loses its claims to the other before it arrives.
        """
        begins = {event.change: event.window for event in self.world.events}
        after = _first(self._windows(Change.MERGE), begins[Change.MERGE])
        if after is not None:
            return after, False
        deaths = [window for window in self._windows(Change.DEATH) if window >= begins[Change.DEATH]]
        after = _first(deaths[1:], begins[Change.MERGE])
        return after, after is not None

    def count(self, change: Change) -> int:
        """How often it was told of a change."""
        return len(self._windows(change))

    def _windows(self, change: Change) -> list[int]:
        return [one.window for one in self.seen for event in one.told if event.change is change]

    def _near(self, window: TrueWindow, centroids: Floats) -> frozenset[int]:
        distances = np.linalg.norm(window.means[:, np.newaxis] - centroids, axis=2).min(axis=1)
        return frozenset(window.clusters[distances <= self.world.spreads[window.clusters]].tolist())

    def _told(self) -> tuple[Event, ...]:
        if not isinstance(self.follower, Telling):
            return ()
        new = tuple(event for event in self.follower.events if event not in self._known)
        self._known.update(new)
        return new


def _first(windows: Sequence[int], begins: int) -> int | None:
    return next((window - begins for window in windows if window >= begins), None)
