"""What the router needs of a stream's state: who the clusters are, how distances weigh, and which are not confirmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.deciding.kinship import Kin, ended, kin_of, told_since
from common.model import Model
from common.stream.guide import WEIGHT_UNITS
from common.stream.state import StreamCluster, StreamState

Floats = npt.NDArray[np.float64]

SQUARE_UNITS = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Streamed:
    """Of a model with ``K`` clusters.

    Attributes:
        name: Of the stream, 32 hexadecimal digits.
        window: The last one in the model.
        told_since: The first window of which everything that happened to clusters is told.
        next_identity: No cluster has this identity or a later one yet.
        kin: Of each cluster.
        ended: Identities of clusters that have ended, as far as that is told.
        quarantined: bool ``(K,)``: no lane without a human.
        weights: Float64 ``(K, d)``, 1 on the mean; None where all coordinates of all clusters weigh alike.
        squares: Float64 ``(K,)``, mean squared distances as the weights measure them; NaN without weights.
    """

    name: str
    window: int
    told_since: int
    next_identity: int
    kin: tuple[Kin, ...]
    ended: frozenset[int]
    quarantined: npt.NDArray[np.bool_]
    weights: Floats | None
    squares: Floats

    @classmethod
    def of(cls, model: Model) -> Streamed | None:
        """Of a published model; None if it is no stream's."""
        state, window = model.stream, model.plan.window
        if state is None or window is None:
            return None
        return cls(
            name=window.stream,
            window=state.window,
            told_since=told_since(state),
            next_identity=state.next_identity,
            kin=kin_of(state),
            ended=ended(state),
            quarantined=np.array([one.quarantined for one in state.clusters], np.bool_),
            weights=_weights(state),
            squares=np.array([_square(one) for one in state.clusters], np.float64),
        )


def _weights(state: StreamState) -> Floats | None:
    if not any(one.weights for one in state.clusters):
        return None
    alike = (WEIGHT_UNITS,) * len(state.clusters[0].centroid)
    return np.array([one.weights or alike for one in state.clusters], np.int64) / WEIGHT_UNITS


def _square(one: StreamCluster) -> float:
    """As ``common.stream.weighing.weighted_square``, added as integers: the same on every machine."""
    if not one.weights or not one.squares:
        return np.nan
    whole = sum(weight * square for weight, square in zip(one.weights, one.squares, strict=True))
    return whole / (WEIGHT_UNITS * SQUARE_UNITS)
