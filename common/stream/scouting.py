"""Scouts: cells for claims that are far from every cluster. One that stays, and stays compact, becomes a cluster."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid, to_grid
from common.start import LARGEST_RADIUS
from common.stream.changing import SCOUT_MEMORY
from common.stream.seen import Seen
from common.stream.state import MOST_SCOUTS, Scout, StreamState, Watch
from common.stream.watching import surge_after
from common.stream.window import Window

Floats = npt.NDArray[np.float64]

SQUARE_UNITS = 1 << 30
CLEAR = 4.0
"""Deviations of its noise that a scout's count must exceed to be a hit."""

SHARE = 0.01
"""Of the claims of a window that a scout must have as well."""

HITS = 3
"""Windows that a scout must have been hit in before anything follows from it."""

HITS_OF_OLD = 24
"""Windows after which a compact scout is a cluster, even if its claims are no more than are usually far."""

MISSES = 5
"""Windows after which a scout that is hit no more is given up."""

COMPACT = 2.0
"""Median spreads of clusters below which a scout's claims belong together."""

WINDOWS_TO_KNOW_STRAYS = 16
"""After seeding: some claims are always far from every cluster; until then it is learnt how many."""

NEW = 1.5
"""Times as many claims as are usually far from every cluster, from which they are something new."""

SLACK = 2.2
"""Root median spreads of clusters that a scout's contributions are bounded to."""

WHOLE = Scout(centroid=(0,), radius=GRID_UNITS, count=0, square=SQUARE_UNITS)


def first_scout(width: int) -> Scout:
    """One cell for everything that is far: the whole unit ball."""
    return WHOLE.model_copy(update={"centroid": (0,) * width})


def scouted(window: Window, state: StreamState, seen: Seen) -> tuple[tuple[Scout, ...], tuple[Scout, ...]]:
    """The scouts of the next window, and those that have become clusters.

    Guarantees:
        * There are between one and ``MOST_SCOUTS`` scouts.
        * Of claims that were far from every cluster all along, something is born only if they keep together for long.
    """
    k, width = len(state.clusters), len(state.clusters[0].centroid)
    if not state.scouts:
        return (first_scout(width),), ()
    floor = max(CLEAR * seen.noise.counts, SHARE * seen.n_claims)
    median = float(np.median([one.square for one in state.clusters])) / SQUARE_UNITS
    moved = [
        _moved(one, k + place, seen, floor=floor, median=median, watch=state.watch)
        for place, one in enumerate(state.scouts)
    ]
    moved = [one for one in moved if one.misses < MISSES]
    compact = COMPACT * median * SQUARE_UNITS
    ripe = [one for one in moved if one.hits >= HITS]
    usual = state.watch.overflow / 1e6 * seen.n_claims
    least = max(2.0 * floor, NEW * usual / (1.0 - SCOUT_MEMORY)) * GRID_UNITS
    knows = window.number - state.seeded >= WINDOWS_TO_KNOW_STRAYS
    born = tuple(
        one
        for one in ripe
        if knows
        and one.square < compact
        and one.count > (least if one.hits < HITS_OF_OLD else 2.0 * floor * GRID_UNITS)
    )
    left = [one for one in moved if one not in born]
    for one in ripe:
        if one.square >= compact and len(left) < MOST_SCOUTS:
            halves = _halved(window, one, left.index(one))
            left[left.index(one)] = halves[0]
            left.append(halves[1])
    return tuple(left) or (first_scout(width),), born


def _moved(one: Scout, place: int, seen: Seen, *, floor: float, median: float, watch: Watch) -> Scout:
    """A scout after a window.

    The first hit takes it to where its claims are; from then on contributions are bounded as they would be for a
    common cluster, so that its spread drowns in no more noise than a cluster's.
    """
    count = float(seen.counts[place])
    faded = SCOUT_MEMORY * one.count / GRID_UNITS + max(count, 0.0)
    same = {"count": round(faded * GRID_UNITS), **surge_after(one, count, seen, watch)}
    if count <= floor:
        return one.model_copy(update=same | {"misses": one.misses + 1 if one.hits else 0})
    mean = seen.offsets[place] / count
    centroid = from_grid(np.array(one.centroid, np.int64)) + mean
    centroid /= max(1.0, float(np.linalg.norm(centroid)))
    square = median
    if one.hits:
        found = float(np.clip(seen.squares[place] / count - (mean**2).sum(), 0.2 * median, seen.radii[place] ** 2))
        square = found if one.hits == 1 else one.square / SQUARE_UNITS + (found - one.square / SQUARE_UNITS) / one.hits
    return one.model_copy(
        update=same
        | {
            "centroid": tuple(to_grid(centroid).tolist()),
            "square": round(square * SQUARE_UNITS),
            "radius": int(np.clip(round(SLACK * sqrt(median) * GRID_UNITS), 1024, LARGEST_RADIUS)),
            "hits": one.hits + 1,
            "misses": 0,
        }
    )


def _halved(window: Window, one: Scout, place: int) -> tuple[Scout, Scout]:
    """Two scouts in the place of a wide one, a random direction apart."""
    rng = np.random.Generator(np.random.PCG64((window.number, place)))
    away = rng.normal(size=len(one.centroid))
    step = to_grid(0.5 * sqrt(one.square / SQUARE_UNITS) * away / np.linalg.norm(away))
    middle = np.array(one.centroid, np.int64)
    common = {"count": one.count // 2, "hits": 0, "misses": 0}
    lower, upper = (tuple(np.clip(middle + sign * step, -GRID_UNITS, GRID_UNITS).tolist()) for sign in (-1, 1))
    return one.model_copy(update=common | {"centroid": lower}), one.model_copy(update=common | {"centroid": upper})
