"""The first state of a stream, from clusters that were looked for in a window; or the same under known names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from common.grid import GRID_UNITS, from_grid
from common.stream.following import radius_of
from common.stream.state import MOST_EVENTS, Change, Event, StreamCluster, StreamState, Watch
from common.stream.window import Window

Floats = npt.NDArray[np.float64]

SQUARE_UNITS = 1 << 30
SAME = 1.0
"""A cluster takes over an identity if its centroid is nearer than so many of the two's spreads, squared distances."""


PRIOR = 0.5
"""Standard deviation of clusters' spreads about their median, of the median, before anything is measured."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Clusters that were looked for.

    Attributes:
        centroids: Grid units ``(K, d)``.
        counts: Claims of each, noisy ``(K,)``.
        squares: Sums of their squared distances, noisy ``(K,)``.
        square_noise: Standard deviations of the noise in these ``(K,)``.
    """

    centroids: npt.NDArray[np.int64]
    counts: Floats
    squares: Floats
    square_noise: Floats


def begun(window: Window, found: Found) -> StreamState:
    """What is believed of clusters that were just found.

    Guarantees:
        * Where the window re-seeds a stream, a new cluster takes over the identity, the standing and the pin of the
          old cluster that it lies nearest to, one to one, so that all distances together are least; only where the
          two lie within their spread. Every other gets an identity that was never given.
        * A pinned cluster that nothing new lies near is kept as it was.

    Args:
        window: That was asked about.
        found: The clusters.
    """
    before = window.state
    counts, steady = np.maximum(found.counts, 0.0), 1000 / (1000 - window.memory)
    claims = max(float(counts.sum()), 1.0) if before is None else max(before.watch.claims / GRID_UNITS, 1.0)
    shares = counts / max(float(counts.sum()), 1.0)
    spread = _spreads(found, counts)
    clusters = [
        _cluster(
            window,
            place,
            found.centroids[place],
            share=float(shares[place]),
            claims=claims * steady,
            square=float(spread[place]),
        )
        for place in range(len(counts))
    ]
    inertia = float((shares * spread).sum())
    watch = Watch(
        claims=round(claims * GRID_UNITS),
        inertia=round(inertia * SQUARE_UNITS),
        learnt=round(max(float(counts.sum()), 1.0) * GRID_UNITS),
        windows=1000,
    )
    if before is None:
        events = tuple(Event(window=window.number, change=Change.SEEDED, identity=one.identity) for one in clusters)
        return StreamState(
            window=window.number,
            seeded=window.number,
            clusters=tuple(clusters),
            next_identity=len(clusters) + 1,
            watch=watch,
            events=events[:MOST_EVENTS],
        )
    return _renamed(window, before, clusters, watch)


def _spreads(found: Found, counts: Floats) -> Floats:
    """Mean squared distances ``(K,)``: each is drawn to their median, the more the more of it is noise."""
    whole = np.maximum(counts, 1.0)
    rough, noise = found.squares / whole, found.square_noise / whole
    median = float(np.clip(np.median(rough), 1e-6, 4.0))
    trust = (PRIOR * median) ** 2 / ((PRIOR * median) ** 2 + noise**2)
    return np.clip(trust * rough + (1.0 - trust) * median, 0.2 * median, 4.0)


def _cluster(
    window: Window, place: int, centroid: npt.NDArray[np.int64], *, share: float, claims: float, square: float
) -> StreamCluster:
    return StreamCluster(
        identity=place + 1,
        born=window.number,
        centroid=tuple(centroid.tolist()),
        radius=radius_of(square),
        count=round(share * claims * GRID_UNITS),
        square=round(square * SQUARE_UNITS),
        settled=round(square * SQUARE_UNITS),
        share=round(share * SQUARE_UNITS),
        quarantined=False,
    )


def _renamed(window: Window, before: StreamState, found: list[StreamCluster], watch: Watch) -> StreamState:
    """The new clusters under old names where they are the same; new names, in quarantine, for the others."""
    old = before.clusters
    places = from_grid(np.array([one.centroid for one in found], np.int64))
    olds = from_grid(np.array([one.centroid for one in old], np.int64))
    square = ((places[:, None] - olds[None]) ** 2).sum(axis=2)
    spreads = [[(one.square + other.square) / SQUARE_UNITS for other in old] for one in found]
    near = square < SAME * np.array(spreads)
    rows, columns = linear_sum_assignment(np.where(near, square, 1e3))
    same = {int(row): old[column] for row, column in zip(rows, columns, strict=True) if near[row, column]}
    named, fresh, events = [], before.next_identity, list(before.events)
    for place, one in enumerate(found):
        known = same.get(place)
        if known is None:
            events.append(Event(window=window.number, change=Change.SEEDED, identity=fresh))
            named.append(one.model_copy(update={"identity": fresh, "quarantined": True}))
            fresh += 1
            continue
        kept = {"identity": known.identity, "born": known.born, "pinned": known.pinned, "age": known.age}
        named.append(one.model_copy(update=kept | {"quarantined": known.quarantined}))
    taken = {one.identity for one in named}
    named += [one for one in old if one.pinned and one.identity not in taken]
    gone = [one.identity for one in old if one.identity not in {each.identity for each in named}]
    events += [Event(window=window.number, change=Change.DEATH, identity=identity) for identity in gone]
    return StreamState(
        window=window.number,
        seeded=window.number,
        clusters=tuple(named),
        next_identity=fresh,
        watch=watch,
        operations=before.operations,
        watched=before.watched,
        counted=before.counted,
        events=tuple(events[-MOST_EVENTS:]),
    )
