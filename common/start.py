"""Where a run starts that need not look for its clusters: the centroids of a model that is in force."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from common.grid import GRID_UNITS, from_grid
from common.kernel import MAX_CENTROID_NORM

LARGEST_RADIUS = 2 * GRID_UNITS
"""No two points of the unit ball are further apart."""

_FARTHEST = int(MAX_CENTROID_NORM) * GRID_UNITS

Units = npt.NDArray[np.int64]
Coordinate = Annotated[int, Field(ge=-_FARTHEST, le=_FARTHEST)]
"""Grid units; no centroid that a run can have reaches further."""

Radius = Annotated[int, Field(ge=1, le=LARGEST_RADIUS)]


class Start(BaseModel):
    """Public centroids and how far their clusters reach, in grid units of ``2**-20``.

    Attributes:
        centroids: One list a cluster.
        radii: One a cluster; contributions are bounded to them in the first round.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    centroids: Annotated[
        tuple[Annotated[tuple[Coordinate, ...], FailFast(), Field(strict=False)], ...],
        Field(min_length=1, max_length=1024, strict=False),
        FailFast(),
    ]
    radii: Annotated[tuple[Radius, ...], Field(strict=False), FailFast()]

    @model_validator(mode="after")
    def _is_one_shape(self) -> Self:
        if len(self.radii) != len(self.centroids) or len({len(row) for row in self.centroids}) != 1:
            msg = "a start has a radius for every centroid, and centroids of one length"
            raise ValueError(msg)
        if float((from_grid(self.centroid_units()) ** 2).sum(axis=1).max()) > MAX_CENTROID_NORM**2:
            msg = "a centroid of the start is too far out"
            raise ValueError(msg)
        return self

    @classmethod
    def of(cls, centroids: Units, radii: Units) -> Start:
        """A start from arrays in grid units, ``(K, d)`` and ``(K,)``."""
        return cls(centroids=tuple(tuple(row) for row in centroids.tolist()), radii=tuple(radii.tolist()))

    def centroid_units(self) -> Units:
        """Grid units, int64 ``(K, d)``."""
        return np.array(self.centroids, np.int64)

    def radius_units(self) -> Units:
        """Grid units, int64 ``(K,)``."""
        return np.array(self.radii, np.int64)
