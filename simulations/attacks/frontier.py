"""Centroids that part one claim from all others: a plane just inside a claim at the edge of the bureau's claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common.kernel import Rows
from simulations.attacks.attacker import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A claim that a plane can part from all others.

    Attributes:
        place: Of the claim.
        row: Its row.
        outward: Unit vector from the middle of the claims to it.
        gap: Along it, from the claim to the next one.
    """

    place: int
    row: Floats
    outward: Floats
    gap: float

    def centroids(self, reach: float, *, inside: bool = True) -> Floats:
        """Two centroids, ``(2, d)``: the first one's cell holds this claim alone, or nothing if not ``inside``.

        Args:
            reach: How far beyond the claim the first one lies.
            inside: Whether the plane between the two runs inside of the claim.
        """
        plane = -0.5 * self.gap if inside else 0.5 * min(self.gap, reach)
        inner = self.row - (reach + self.gap) * self.outward
        return np.stack([inner + 2.0 * (reach + self.gap + plane) * self.outward, inner])


def frontiers(rows: Rows) -> Iterator[Frontier]:
    """The claims that can be parted from all others so, widest gap first."""
    exact = rows.astype(np.float64)
    outward = exact - exact.mean(axis=0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    along = outward @ exact.T
    own = np.diag(along).copy()
    np.fill_diagonal(along, -np.inf)
    gaps = own - along.max(axis=1)
    for place in np.argsort(-gaps, kind="stable"):
        if gaps[place] > 1e-3:  # noqa: PLR2004  far above the grid, whose points are 1e-6 apart
            yield Frontier(place=int(place), row=exact[place], outward=outward[place], gap=float(gaps[place]))
