"""What is believed of a stream's clusters after a window: all that a later window goes on from. Public, integers only.

It is published inside the model, so whoever has the newest model can go on, and anybody can replay.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from common.start import Coordinate, Radius

MOST_SCOUTS = 4
"""Cells that claims far from every cluster are gathered in."""

MOST_EVENTS = 256
"""Of a stream's lineage that a state carries; older ones stand in older models."""

Units = npt.NDArray[np.int64]
Positive = Annotated[int, Field(ge=0, lt=2**62)]
Number = Annotated[int, Field(ge=0, lt=2**31)]
Point = Annotated[tuple[Coordinate, ...], Field(strict=False), FailFast()]
Identity = Annotated[int, Field(ge=1, lt=2**31)]

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class Change(StrEnum):
    """What can happen to clusters."""

    SEEDED = "seeded"
    BIRTH = "birth"
    CONFIRMED = "confirmed"
    DEATH = "death"
    MERGE = "merge"
    SPLIT = "split"


class Event(BaseModel):
    """Something that happened to clusters in a window.

    Attributes:
        window: Its number.
        change: What happened.
        identity: Of the cluster it happened to: the new one, the one that died, or the one that others merged into.
        others: Of the clusters it came from, or that are gone into it.
    """

    model_config = _STRICT

    window: Number
    change: Annotated[Change, Field(strict=False)]
    identity: Identity
    others: Annotated[tuple[Identity, ...], Field(strict=False, max_length=64)] = ()


class Cell(BaseModel):
    """Where claims are gathered. Lengths in grid units of ``2**-20``, counts of claims too, squares in ``2**-30``.

    Attributes:
        centroid: Its place.
        radius: Contributions are bounded to it.
        count: Claims, older windows faded.
        square: Mean squared distance of its claims to the centroid.
        share: Of the claims of a window, as a slow mean, units of ``2**-30``.
        surge: How far the claims of late windows add up beyond that, in thousandths of a deviation.
        alarmed: Whether that was worth an alarm, and nothing since was as usual again.
    """

    model_config = _STRICT

    centroid: Point
    radius: Radius
    count: Positive
    square: Positive
    share: Positive = 0
    surge: Positive = 0
    alarmed: bool = False


class StreamCluster(Cell):
    """A cluster of the model.

    Attributes:
        identity: Never given to another cluster of the stream.
        born: Window in which it was first seen.
        reach: Claims further away go to a scout; 0 while the spread is not trusted yet.
        settled: Mean squared distance as a slow mean, units of ``2**-30``: what a split is measured against.
        weights: Of its coordinates in distances, thousandths, 1000 on the mean; none where all weigh the same.
        squares: Mean squared distance along each coordinate, units of ``2**-30``: where weights come from.
        age: Windows since it was born, or its spread was last in doubt.
        low: Consecutive windows with too few claims.
        wide: Consecutive windows in which it was spread much wider than it used to be.
        near: Evidence that many bureaus have claims in it: sums over bureaus of their claims, none above the cap.
        tested: What one bureau alone could have brought to it at most: the sum of the caps.
        proofs: Windows in which evidence was gathered.
        quarantined: Not yet seen in enough bureaus, or below the floor: no lane without a human.
        pinned: May move, but never dies, merges or splits.
    """

    identity: Identity
    born: Number
    reach: Annotated[int, Field(ge=0, lt=2**31)] = 0
    settled: Positive = 0
    weights: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(strict=False)] = ()
    squares: Annotated[tuple[Positive, ...], Field(strict=False)] = ()
    age: Number = 0
    low: Number = 0
    wide: Number = 0
    near: Annotated[int, Field(gt=-(2**62), lt=2**62)] = 0
    tested: Positive = 0
    proofs: Number = 0
    quarantined: bool = False
    pinned: bool = False


class Scout(Cell):
    """A cell for claims that are far from every cluster.

    Attributes:
        hits: Windows in which it had clearly more claims than noise.
        misses: Windows since.
    """

    hits: Number = 0
    misses: Number = 0


class Watch(BaseModel):
    """How the stream as a whole is doing, as slow means of what was released.

    Attributes:
        claims: Of a window, ``2**-20``.
        inertia: Mean squared distance of a claim to its cell, ``2**-30``.
        overflow: Share of the claims that is far from every cluster, millionths.
        drift: How far late inertia adds up beyond the slow mean, thousandths of a deviation.
        learnt: Claims that slow means were learnt from, older ones faded, ``2**-20``.
        windows: In how many windows, faded likewise, thousandths.
        alarmed: Whether that was worth an alarm, and nothing since was as usual again.
    """

    model_config = _STRICT

    claims: Positive = 0
    inertia: Positive = 0
    overflow: Positive = 0
    drift: Positive = 0
    learnt: Positive = 0
    windows: Positive = 0
    alarmed: bool = False


class Rare(BaseModel):
    """One category of operations, watched for a surge.

    Attributes:
        share: Of all claims, as a slow mean, in units of ``2**-30``; may be negative, for it is noisy.
        surge: How far the claims of late windows add up beyond it, thousandths of a deviation.
        alarmed: Whether that was worth an alarm, and nothing since was as usual again.
    """

    model_config = _STRICT

    share: Annotated[int, Field(gt=-(2**40), lt=2**40)] = 0
    surge: Positive = 0
    alarmed: bool = False


class StreamState(BaseModel):
    """All that a stream believes after a window.

    Attributes:
        window: Number of the last window in it.
        seeded: Number of the window in which clusters were last looked for from scratch.
        clusters: Of the model, in its order.
        scouts: For what is far from them.
        next_identity: For the next new cluster.
        watch: The stream as a whole.
        operations: Categories of operations; none where windows do not ask.
        watched: Windows in which they were asked, older ones faded, thousandths.
        counted: Claims of these windows, faded likewise, ``2**-20``.
        events: What happened lately, oldest first.
    """

    model_config = _STRICT

    window: Annotated[int, Field(ge=1, lt=2**31)]
    seeded: Annotated[int, Field(ge=1, lt=2**31)]
    clusters: Annotated[tuple[StreamCluster, ...], Field(strict=False, min_length=1, max_length=1024), FailFast()]
    scouts: Annotated[tuple[Scout, ...], Field(strict=False, max_length=MOST_SCOUTS), FailFast()] = ()
    next_identity: Identity
    watch: Watch = Watch()
    operations: Annotated[tuple[Rare, ...], Field(strict=False, max_length=100)] = ()
    watched: Positive = 0
    counted: Positive = 0
    events: Annotated[tuple[Event, ...], Field(strict=False, max_length=MOST_EVENTS)] = ()

    @model_validator(mode="after")
    def _is_of_one_piece(self) -> Self:
        width = len(self.clusters[0].centroid)
        cells: tuple[Cell, ...] = (*self.clusters, *self.scouts)
        weighted = {len(one.weights) for one in self.clusters} | {len(one.squares) for one in self.clusters}
        if {len(cell.centroid) for cell in cells} != {width} or weighted - {0, width}:
            msg = "all cells of a stream have centroids and weights of one length"
            raise ValueError(msg)
        names = [one.identity for one in self.clusters]
        if len(set(names)) != len(names) or max(names) >= self.next_identity:
            msg = "identities of a stream's clusters are distinct and were given before"
            raise ValueError(msg)
        if self.seeded > self.window:
            msg = "a stream was seeded in one of its windows"
            raise ValueError(msg)
        return self

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Clusters and scouts, in this order."""
        return (*self.clusters, *self.scouts)

    @property
    def identities(self) -> tuple[int, ...]:
        """Of the clusters."""
        return tuple(one.identity for one in self.clusters)

    def centroid_units(self) -> Units:
        """Of all cells, grid units ``(C, d)``."""
        return np.array([cell.centroid for cell in self.cells], np.int64)

    def radius_units(self) -> Units:
        """Of all cells, grid units ``(C,)``."""
        return np.array([cell.radius for cell in self.cells], np.int64)

    def ordered(self, order: npt.NDArray[np.intp]) -> StreamState:
        """The same with its clusters in another order."""
        return self.model_copy(update={"clusters": tuple(self.clusters[place] for place in order.tolist())})
