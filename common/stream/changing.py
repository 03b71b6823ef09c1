"""Birth, confirmation, merge, split and death of clusters, from what is believed of them and the noise in that."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid, to_grid
from common.stream.seen import WindowNoise
from common.stream.state import Change, Event, Scout, StreamCluster
from common.stream.weighing import breadth_of, weight_values, weighted_square
from common.stream.window import Window

Floats = npt.NDArray[np.float64]

SQUARE_UNITS = 1 << 30
TOO_FEW_SHARE = 0.003
"""Of all claims, as a slow mean, below which a cluster is about to die."""

TOO_FEW_NOISE = 3.0
"""Deviations of the noise in its count by which claims must be missing."""

FAILING = 0.25
"""Of what is usual in it: with less than that a cluster is about to die."""

WINDOWS_TO_DIE, WINDOWS_TO_SPLIT = 4, 4
OLD_ENOUGH = 10
"""Windows that a cluster has before it may die or split."""

ALIKE = 2.0
"""Two clusters merge if they are nearer than so many of their spreads along one coordinate, squared distances."""

OVERLAPPING = 4.0
"""A cluster that ends nearer than this to another, squared distance in their spreads, has become part of it."""

MUCH_WIDER = 2.5
"""Times its settled spread from which a cluster may hold two."""

SCOUT_MEMORY = 0.7
"""What a scout's count keeps in a window."""

CERTAIN = 3.0
"""Deviations of noise that evidence of bureaus, and a count above the floor, must be beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """What the changes of a window are decided by.

    Attributes:
        window: Its terms.
        kept: What all that was before weighs.
        noise: In its sums.
        floor: Claims below which a cluster is not shown.
        next_identity: For the next new cluster.
        settled: Whether clusters have had time to find their places since they were looked for.
        claims: Of the window, at least one.
    """

    window: Window
    kept: float
    noise: WindowNoise
    floor: int
    next_identity: int
    settled: bool
    claims: float

    @property
    def steady(self) -> float:
        """Standard deviation of the noise in a faded count."""
        return self.noise.counts / sqrt(1.0 - self.kept**2)


Changed = tuple[list[StreamCluster], list[Event]]


def changed(
    by: Changing, clusters: list[StreamCluster], born: tuple[Scout, ...]
) -> tuple[list[StreamCluster], list[Event], int]:
    """The clusters after all changes of a window, what happened, and the next new identity.

    Guarantees:
        * At most one merge and one split a window; pinned clusters are neither merged away, split nor dropped.
        * At least one cluster is left.
    """
    clusters = [_confirmed(by, one) for one in clusters]
    events = [_event(by, Change.CONFIRMED, one.identity) for one in clusters if one.proofs and not one.quarantined]
    clusters = [one if one.quarantined or not one.proofs else _settled(one) for one in clusters]
    clusters, merges = _merged(by, clusters) if by.settled else (clusters, [])
    clusters, deaths = _buried(by, clusters)
    fresh, births = _born(by, born)
    clusters, splits, following = _split(by, clusters, by.next_identity + len(fresh))
    return [*clusters, *fresh], [*events, *merges, *deaths, *births, *splits], following


def _confirmed(by: Changing, one: StreamCluster) -> StreamCluster:
    """Out of quarantine once enough bureaus and enough claims are certain."""
    if not one.quarantined or one.proofs < 2:  # noqa: PLR2004  one window is no evidence
        return one
    sure = one.near / GRID_UNITS - CERTAIN * by.noise.bureaus * sqrt(one.proofs)
    many = sure > (by.window.fewest_bureaus - 1) * one.tested / GRID_UNITS
    enough = one.count / GRID_UNITS > by.floor + CERTAIN * by.steady
    return one.model_copy(update={"quarantined": not (many and enough)})


def _settled(one: StreamCluster) -> StreamCluster:
    return one.model_copy(update={"near": 0, "tested": 0, "proofs": 0})


def _born(by: Changing, born: tuple[Scout, ...]) -> Changed:
    """A cluster in quarantine for every scout that is ripe."""
    fresh = [
        StreamCluster(
            identity=by.next_identity + place,
            born=by.window.number,
            centroid=one.centroid,
            radius=one.radius,
            count=one.count,
            square=one.square,
            settled=one.square,
            share=round((1.0 - SCOUT_MEMORY) * one.count / GRID_UNITS / by.claims * SQUARE_UNITS),
            quarantined=True,
        )
        for place, one in enumerate(born)
    ]
    return fresh, [_event(by, Change.BIRTH, one.identity) for one in fresh]


def _buried(by: Changing, clusters: list[StreamCluster]) -> Changed:
    """Clusters that had too few claims for long are dropped."""
    total = sum(one.count for one in clusters) / GRID_UNITS
    marked = [one.model_copy(update={"low": one.low + 1 if _fails(by, one, total) else 0}) for one in clusters]
    dead = {one.identity for one in marked if one.low >= WINDOWS_TO_DIE and one.age > OLD_ENOUGH and not one.pinned}
    left = [one for one in marked if one.identity not in dead]
    if not left:
        return marked, []
    return left, [_ending(by, one, left) for one in marked if one.identity in dead]


def _fails(by: Changing, one: StreamCluster, total: float) -> bool:
    """Whether a cluster has clearly fewer claims than are usual in it, or had next to none for long.

    At night, where all counts drown in noise, nothing fails.
    """
    count, usual = one.count / GRID_UNITS, one.share / SQUARE_UNITS * total
    missing = usual - count > TOO_FEW_NOISE * by.steady and count < FAILING * usual
    return missing or one.share / SQUARE_UNITS < TOO_FEW_SHARE


def _ending(by: Changing, one: StreamCluster, left: list[StreamCluster]) -> Event:
    """A death; or a merge, where the cluster had come to lie within another that has taken its claims."""
    places = from_grid(np.array([each.centroid for each in left], np.int64))
    square = ((places - from_grid(np.array(one.centroid, np.int64))) ** 2).sum(axis=1)
    nearest = int(np.argmin(square))
    if square[nearest] < OVERLAPPING * (one.square + left[nearest].square) / SQUARE_UNITS:
        return _event(by, Change.MERGE, left[nearest].identity, one.identity)
    return _event(by, Change.DEATH, one.identity)


def _merged(by: Changing, clusters: list[StreamCluster]) -> Changed:
    """The two nearest clusters become one if nothing tells them apart any more; but where a count is noise."""
    clear = [one for one in clusters if one.count / GRID_UNITS > TOO_FEW_NOISE * by.steady]
    pair = _nearest_pair(clear)
    if pair is None:
        return clusters, []
    one, other, square = pair
    d, breadth = len(one.centroid), min(breadth_of(one), breadth_of(other))
    spread = ALIKE * (weighted_square(one) + weighted_square(other)) / breadth
    noise = [by.noise.sums * each.radius / GRID_UNITS / max(each.count / GRID_UNITS, 1.0) for each in (one, other)]
    if square >= spread + d * (noise[0] ** 2 + noise[1] ** 2) / (1.0 - by.kept**2):
        return clusters, []
    stays, goes = sorted((one, other), key=lambda each: (not each.pinned, each.quarantined, each.born, -each.count))
    joined = _joined(stays, goes)
    left = [joined if each.identity == stays.identity else each for each in clusters]
    left = [each for each in left if each.identity != goes.identity]
    return left, [_event(by, Change.MERGE, stays.identity, goes.identity)]


def _nearest_pair(clusters: list[StreamCluster]) -> tuple[StreamCluster, StreamCluster, float] | None:
    """The two clusters that are nearest to each other and not both pinned, and their squared distance.

    Distances are those of the one of the two that tells them apart better.
    """
    if len(clusters) < 2:  # noqa: PLR2004
        return None
    places = from_grid(np.array([one.centroid for one in clusters], np.int64))
    weights = np.array([weight_values(one) for one in clusters])
    square = np.array(
        [((places - place) ** 2 * weight).sum(axis=1) for place, weight in zip(places, weights, strict=True)]
    )
    square = np.maximum(square, square.T)
    pinned = np.array([one.pinned for one in clusters])
    square[np.tril_indices(len(clusters))] = np.inf
    square[pinned[:, None] & pinned[None]] = np.inf
    first, second = np.unravel_index(int(np.argmin(square)), square.shape)
    nearest = float(square[first, second])
    return (clusters[first], clusters[second], nearest) if np.isfinite(nearest) else None


def _joined(stays: StreamCluster, goes: StreamCluster) -> StreamCluster:
    """One cluster with the sums of two; a pinned cluster's place and name stay what they are named after."""
    whole = max(stays.count + goes.count, 1)
    share = goes.count / whole
    place = np.array(stays.centroid) * (1.0 - share) + np.array(goes.centroid) * share
    apart = float(((from_grid(np.array(stays.centroid, np.int64) - np.array(goes.centroid, np.int64))) ** 2).sum())
    square = (1.0 - share) * stays.square + share * goes.square + share * (1.0 - share) * apart * SQUARE_UNITS
    return stays.model_copy(
        update={
            "centroid": tuple(np.rint(place).astype(np.int64).tolist()),
            "count": stays.count + goes.count,
            "square": round(square),
            "settled": max(stays.settled, round(square)),
            "share": stays.share + goes.share,
            "radius": max(stays.radius, goes.radius),
            "surge": 0,
            "wide": 0,
        }
    )


def _split(by: Changing, clusters: list[StreamCluster], following: int) -> tuple[list[StreamCluster], list[Event], int]:
    """The cluster that has been much wider than it used to be for longest becomes two."""
    marked = [
        one.model_copy(update={"wide": one.wide + 1 if one.square > MUCH_WIDER * one.settled > 0 else 0})
        for one in clusters
    ]
    least = 2.0 * CERTAIN * by.steady * GRID_UNITS
    wide = [
        one
        for one in marked
        if one.wide >= WINDOWS_TO_SPLIT and one.age > OLD_ENOUGH and not one.pinned and one.count > least
    ]
    if not wide:
        return marked, [], following
    chosen = max(wide, key=lambda one: one.count * one.square)
    halves = _halves(by, chosen, following)
    left = [one for one in marked if one.identity != chosen.identity]
    events = [_event(by, Change.SPLIT, half.identity, chosen.identity) for half in halves]
    return [*left, *halves], events, following + 2


def _halves(by: Changing, one: StreamCluster, following: int) -> list[StreamCluster]:
    """Two clusters a random direction apart, each with half of the claims and the standing of the one they were."""
    rng = np.random.Generator(np.random.PCG64((by.window.number, one.identity)))
    away = rng.normal(size=len(one.centroid))
    step = to_grid(0.5 * sqrt(one.square / SQUARE_UNITS) * away / np.linalg.norm(away))
    middle = np.array(one.centroid, np.int64)
    return [
        one.model_copy(
            update={
                "identity": following + place,
                "born": by.window.number,
                "centroid": tuple((middle + sign * step).tolist()),
                "count": one.count // 2,
                "share": one.share // 2,
                "settled": one.square,
                "age": 0,
                "low": 0,
                "wide": 0,
                "surge": 0,
            }
        )
        for place, sign in enumerate((-1, 1))
    ]


def _event(by: Changing, change: Change, identity: int, *others: int) -> Event:
    return Event(window=by.window.number, change=change, identity=identity, others=others)
