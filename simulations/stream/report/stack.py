"""How the claims of each window are shared out among clusters, stacked: numbers first, then bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulations.stream.report.axis import Axis
from simulations.stream.story import Tick

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Shares on top of each other, oldest cluster at the bottom.

    Attributes:
        identities: From the bottom.
        upper: Share up to the top of each band ``(K, n_columns)``.
        shares: Of each cluster ``(K, n_columns)``.
        alive: Whether it was believed in ``(K, n_columns)``.
        quarantined: Whether it was in quarantine ``(K, n_columns)``.
    """

    identities: tuple[int, ...]
    upper: Floats
    shares: Floats
    alive: Marks
    quarantined: Marks

    def middle(self, identity: int, column: int) -> tuple[int, float] | None:
        """Where to mark a cluster near a column: a column in which it lives, and the middle of its band."""
        place = self.identities.index(identity) if identity in self.identities else -1
        if place < 0 or not self.alive[place].any():
            return None
        lives = np.flatnonzero(self.alive[place])
        at = int(lives[np.abs(lives - column).argmin()])
        return at, float(self.upper[place, at] - self.shares[place, at] / 2)


def stacked(axis: Axis) -> Stack:
    """The stack of a story's windows; a column without claims is like the one before."""
    columns = axis.columns
    identities = tuple(sorted({one for tick in axis.story.ticks for one in _living(tick)}))
    places = {one: place for place, one in enumerate(identities)}
    shape = (len(identities), len(columns))
    counts, alive, held = np.zeros(shape), np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    for at, column in enumerate(columns):
        for tick in column:
            for one, count in tick.cell_counts.items():
                if one in places:
                    counts[places[one], at] += count
        for one, quarantined in _living(column[-1]).items():
            alive[places[one], at] = True
            held[places[one], at] = quarantined
    shares = _shares(np.where(alive, counts, 0.0))
    return Stack(
        identities=identities, upper=shares.cumsum(axis=0), shares=shares, alive=alive, quarantined=held & alive
    )


def _living(tick: Tick) -> dict[int, bool]:
    """Clusters after a window, and whether each is in quarantine."""
    return {} if tick.state is None else {one.identity: one.quarantined for one in tick.state.clusters}


def _shares(counts: Floats) -> Floats:
    shares = np.zeros_like(counts)
    for column in range(counts.shape[1]):
        whole = counts[:, column].sum()
        if whole > 0:
            shares[:, column] = counts[:, column] / whole
        elif column:
            shares[:, column] = shares[:, column - 1]
    return shares
