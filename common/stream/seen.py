"""What a window's sum says, in feature units, with the noise in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowNoise:
    """Standard deviations of the noise in a window's sum.

    Attributes:
        counts: Of each count, claims.
        sums: Of each coordinate of the sums, in radii of the cell.
        squares: Of each square, in squared radii.
        bureaus: Of each cell's evidence, claims.
        coordinates: Of each square along a coordinate, in squared radii; 0 where it was not asked.
        operations: Of the claims of each category of operations; 0 where it was not asked.
    """

    counts: float
    sums: float
    squares: float
    bureaus: float
    coordinates: float
    operations: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """The sum of all answers to a window; every figure is noisy, counts too may be negative.

    Attributes:
        counts: Claims of each cell ``(C,)``.
        offsets: Sums of offsets from the centroid ``(C, d)``, feature units.
        squares: Sums of squared distances ``(C,)``, squared feature units.
        bureaus: Evidence of bureaus ``(C,)``, claims.
        coordinates: Sums of squared offsets along each coordinate ``(C, d)``; None where it was not asked.
        operations: Claims of each category of operations ``(100,)``; None where it was not asked.
        radii: Of the cells ``(C,)``, feature units.
        noise: In all of this.
    """

    counts: Floats
    offsets: Floats
    squares: Floats
    bureaus: Floats
    coordinates: Floats | None
    radii: Floats
    noise: WindowNoise
    operations: Floats | None = None

    @property
    def n_claims(self) -> float:
        """In all cells; at least one."""
        return max(float(self.counts.sum()), 1.0)

    def mean_squares(self) -> Floats:
        """Mean squared distances ``(C,)``, held to what a cell of this radius can have."""
        rough = self.squares / np.maximum(self.counts, 1.0)
        return np.clip(rough, (0.05 * self.radii) ** 2, self.radii**2)
