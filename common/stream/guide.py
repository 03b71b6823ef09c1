"""What a window's question says of its cells beside where they are and how far they reach."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.stream.state import Cell, StreamCluster, StreamState
from common.stream.window import Window

Units = npt.NDArray[np.int64]

WEIGHT_UNITS = 1000
"""A weight of 1."""

CAPS_A_CLUSTER = 4
"""Caps that the claims of a cluster would fill for every bureau that must have been seen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guide:
    """How claims find their cells in a window.

    Attributes:
        reaches: Of the clusters ``(K,)``, grid units: a claim further away goes to the nearest scout; 0 for no limit.
        weights: Of the coordinates in each cluster's distances ``(K, d)``, thousandths.
        caps: Of all cells ``(C,)``, claims in ``2**-20``: above it a bureau's claims are no further evidence.
    """

    reaches: Units
    weights: Units
    caps: Units

    def digest(self) -> str:
        """SHA-256 over all of it, hexadecimal."""
        held = hashlib.sha256(f"{self.weights.shape}:{len(self.caps)}:".encode())
        for part in (self.reaches, self.weights, self.caps):
            held.update(part.astype("<i8").tobytes())
        return held.hexdigest()


def guide_of(window: Window, state: StreamState) -> Guide:
    """The guide of the round that goes on from a state."""
    width = len(state.clusters[0].centroid)
    return Guide(
        reaches=np.array([one.reach for one in state.clusters], np.int64),
        weights=np.array([_weights(one, width) for one in state.clusters], np.int64),
        caps=np.array([cap_of(cell, window) for cell in state.cells], np.int64),
    )


def cap_of(cell: Cell, window: Window) -> int:
    """Claims of one bureau that are evidence in one window, ``2**-20``; at least one claim."""
    expected = cell.count * (1000 - window.memory) // 1000
    return max(expected // (CAPS_A_CLUSTER * window.fewest_bureaus), 1 << 20)


def _weights(cluster: StreamCluster, width: int) -> tuple[int, ...]:
    return cluster.weights or (WEIGHT_UNITS,) * width
