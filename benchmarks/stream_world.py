"""A world of windows for streams: clusters drift, two are born, one dies, two glide into one.

Rows lie in a cube of side 2, scaled into the unit ball. Cluster means are known for every window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.stream_following import Outline
from common.grid import from_grid, to_grid
from common.kernel import Rows
from common.stream.state import Change

N_FEATURES, N_ORIGINAL = 16, 10
N_WINDOWS, N_CLAIMS = 192, 5_000
"""Two days of quarters of an hour."""

BORN_AT = (0.25, 0.5)
DIES_AT = 0.4
GLIDES = (0.7, 0.8)
"""Moments, as parts of all windows."""

BIRTH_SHARE, BIRTH_SPREAD = 0.07, 0.07
DRIFT = 0.15
"""How far a cluster moves over all windows, a coordinate."""

WITHIN, AT_MOST = 0.6, 0.8
"""Half sides of the cubes that clusters begin in and that their means do not leave."""

SPREADS = (0.05, 0.10)
CONCENTRATION = 5.0
"""Of the shares of the original clusters; larger is more even."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueEvent:
    """What happens to a cluster of the world.

    Attributes:
        window: From 0; of a merge the one in which the gliding begins.
        change: A birth, a death or a merge.
        cluster: Its number; of a merge the one that glides.
    """

    window: int
    change: Change
    cluster: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueWindow:
    """One window.

    Attributes:
        number: From 0.
        rows: float32 ``(n, 16)`` on the grid, in the unit ball.
        labels: int64 ``(n,)``, the cluster of each row.
        clusters: Numbers of the clusters that are there; of two that have become one the first.
        means: float64 ``(len(clusters), 16)``.
    """

    number: int
    rows: Rows
    labels: Labels
    clusters: Labels
    means: Floats


@dataclass(frozen=True, kw_only=True)
class StreamWorld:
    """The world; any window can be drawn without the ones before.

    Attributes:
        seed: Not negative.
        n_windows: How many.
        n_claims: Of each.
    """

    seed: int
    n_windows: int = N_WINDOWS
    n_claims: int = N_CLAIMS

    @property
    def outline(self) -> Outline:
        """What is public of it."""
        return Outline(n_features=N_FEATURES, n_clusters=N_ORIGINAL)

    def __iter__(self) -> Iterator[TrueWindow]:
        return (self.window(number) for number in range(self.n_windows))

    def window(self, number: int) -> TrueWindow:
        """One window, drawn anew."""
        rng, means, shares = np.random.default_rng((self.seed, 1 + number)), self.means(number), self.shares(number)
        labels = rng.choice(len(shares), self.n_claims, p=shares)
        rows = means[labels] + rng.standard_normal((self.n_claims, N_FEATURES)) * self.spreads[labels, np.newaxis]
        clusters = np.flatnonzero(shares)
        if number >= self._at(GLIDES[1]):
            clusters = clusters[clusters != self._pair[1]]
        return TrueWindow(
            number=number, rows=scaled(rows), labels=labels, clusters=clusters, means=_in_ball(means[clusters])
        )

    def shares(self, number: int) -> Floats:
        """Of every cluster in a window ``(12,)``; 0 for those that are not there."""
        shares = np.append(self._drawn[0], [0.0] * len(BORN_AT))
        for event in self.events:
            if event.window <= number and event.change is Change.BIRTH:
                shares *= 1 - BIRTH_SHARE
                shares[event.cluster] = BIRTH_SHARE
            if event.window <= number and event.change is Change.DEATH:
                shares[event.cluster] = 0.0
                shares /= shares.sum()
        return shares

    def means(self, number: int) -> Floats:
        """Of every cluster in a window, ``(12, 16)``, in the cube."""
        _, starts, velocities = self._drawn
        means = np.clip(starts + velocities * (number + 1), -AT_MOST, AT_MOST)
        stays, glides = self._pair
        begins, ends = map(self._at, GLIDES)
        if number >= begins:
            left = np.clip((ends - number) / (ends - begins), 0.0, 1.0)
            before = np.clip(starts[glides] + velocities[glides] * begins, -AT_MOST, AT_MOST)
            means[glides] = means[stays] + left * (before - means[stays])
        return means

    @cached_property
    def spreads(self) -> Floats:
        """Of every cluster, a coordinate ``(12,)``."""
        originals = np.random.default_rng((self.seed, 0, 1)).uniform(*SPREADS, N_ORIGINAL)
        return np.append(originals, [BIRTH_SPREAD] * len(BORN_AT))

    @cached_property
    def events(self) -> tuple[TrueEvent, ...]:
        """All that happens, in its order."""
        births = [
            TrueEvent(window=self._at(part), change=Change.BIRTH, cluster=N_ORIGINAL + place)
            for place, part in enumerate(BORN_AT)
        ]
        death = TrueEvent(window=self._at(DIES_AT), change=Change.DEATH, cluster=self._smallest)
        merge = TrueEvent(window=self._at(GLIDES[0]), change=Change.MERGE, cluster=self._pair[1])
        return (births[0], death, births[1], merge)

    @cached_property
    def _drawn(self) -> tuple[Floats, Floats, Floats]:
        """Shares of the originals, and where every cluster begins and moves; those born later stay where they are."""
        rng, n_all = np.random.default_rng((self.seed, 0)), N_ORIGINAL + len(BORN_AT)
        starts = rng.uniform(-WITHIN, WITHIN, (n_all, N_FEATURES))
        velocities = rng.standard_normal((n_all, N_FEATURES))
        lengths = np.linalg.norm(velocities, axis=1, keepdims=True)
        velocities *= DRIFT * np.sqrt(N_FEATURES) / self.n_windows / lengths
        velocities[N_ORIGINAL:] = 0.0
        return rng.dirichlet(np.full(N_ORIGINAL, CONCENTRATION)), starts, velocities

    @property
    def _smallest(self) -> int:
        return int(np.argmin(self._drawn[0]))

    @property
    def _pair(self) -> tuple[int, int]:
        """The first two originals that live: one stays on its way, one glides onto it."""
        first, second = [place for place in range(N_ORIGINAL) if place != self._smallest][:2]
        return first, second

    def _at(self, part: float) -> int:
        return int(self.n_windows * part)


def scaled(rows: Floats) -> Rows:
    """Rows of the cube in the unit ball, on the grid."""
    return from_grid(to_grid(_in_ball(np.clip(rows, -1.0, 1.0)))).astype(np.float32)


def _in_ball(points: Floats) -> Floats:
    return points / np.sqrt(points.shape[1])
