"""What is public about rows before any budget is spent: a box, and the unit ball around the origin.

Peers take whichever of the two is narrower, although their papers know boxes alone: in a box that merely encloses the
ball they would add noise for rows that cannot exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Centroids = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """The box; rows lie in it and in the unit ball.

    Attributes:
        low: float64 ``(n_features,)``.
        high: Likewise, everywhere above ``low``.
    """

    low: Vector
    high: Vector

    @classmethod
    def cube(cls, n_features: int, half_side: float = 1.0) -> Bounds:
        """A cube around the origin; the cube of half side 1 encloses the unit ball."""
        return cls(low=np.full(n_features, -half_side), high=np.full(n_features, half_side))

    @property
    def half_sides(self) -> Vector:
        """Half of each side of the box."""
        return (self.high - self.low) / 2

    @property
    def reach(self) -> float:
        """No row is further than this from ``middle``."""
        return min(1.0, float(np.linalg.norm(self.half_sides)))

    @property
    def middle(self) -> Vector:
        """The middle of the box if that is nearer to all rows than the origin is, else the origin."""
        return (self.low + self.high) / 2 if self.reach < 1.0 else np.zeros(len(self.low))

    def clipped(self, centroids: Centroids) -> Centroids:
        """Centroids cut to the box, then drawn into the ball."""
        return _in_ball(np.clip(centroids, self.low, self.high))

    def folded(self, centroids: Centroids) -> Centroids:
        """Centroids reflected at the walls of the box as often as it takes, then drawn into the ball."""
        sides = self.high - self.low
        offset = np.mod(centroids - self.low, 2 * sides)
        return _in_ball(self.low + np.minimum(offset, 2 * sides - offset))


def _in_ball(centroids: Centroids) -> Centroids:
    shrunk: Centroids = centroids / np.maximum(1.0, np.linalg.norm(centroids, axis=1, keepdims=True))
    return shrunk
