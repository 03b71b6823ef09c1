"""What follows a stream in the benchmarks, ours and others alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from common.kernel import Rows
from common.stream.state import Event
from simulations.stream.follower import StreamFollower, base_plan

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is public of a stream before it begins.

    Attributes:
        n_features: d.
        n_clusters: K to begin with.
    """

    n_features: int
    n_clusters: int


class Follower(Protocol):
    """Takes windows one after another."""

    def window(self, rows: Rows) -> Floats | None:
        """Learn from a window; centroids ``(K, d)`` after it, None as long as there are none."""


@runtime_checkable
class Telling(Follower, Protocol):
    """One that also says what happened to its clusters."""

    @property
    def events(self) -> Sequence[Event]:
        """All that it has said so far, or only the latest of it."""


def ours(outline: Outline, epsilon: float, memory: float, seed: int) -> Telling:
    """What the project does: its rounds, row stores and exact noise, in one place that sees all rows.

    Args:
        outline: Of the stream.
        epsilon: Of a claim, over the whole stream; delta is 1e-6.
        memory: What earlier windows weigh in the next one, 0 to 0.99.
        seed: Of the noise and of the plan.
    """
    plan = base_plan(outline.n_features, outline.n_clusters, epsilon, seed)
    return StreamFollower(plan, memory=round(memory * 1000), seed=seed)


def inertia(rows: Rows, centroids: Floats) -> float:
    """Mean squared distance of a row to the nearest centroid."""
    wide = rows.astype(np.float64)
    products = wide @ centroids.T
    nearest = (np.square(centroids).sum(axis=1) - 2 * products).min(axis=1)
    return float((nearest + np.square(wide).sum(axis=1)).mean())
