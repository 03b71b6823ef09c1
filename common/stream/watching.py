"""Slow means of what was released, and how far late windows lie beyond them.

References:
    Page, "Continuous Inspection Schemes", Biometrika 41, 1954 (CUSUM).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from common.grid import GRID_UNITS
from common.stream.seen import Seen
from common.stream.state import Cell, Watch

SQUARE_UNITS = 1 << 30
KEPT = 0.96
"""What a slow mean keeps in a window: half of it is younger than 17 windows."""

SLACK = 0.75
"""Deviations by which a window may exceed the mean before anything adds up."""

MOST = 1000.0
"""No sum rises above so many deviations."""


def slowly(before: float, now: float, kept: float = KEPT) -> float:
    """A slow mean after one more window."""
    return now if before <= 0.0 else kept * before + (1.0 - kept) * now


def surge_after(cell: Cell, count: float, noise: float) -> tuple[int, int]:
    """The rate of a cell, and how far late windows add up beyond it: a one-sided CUSUM, thousandths of a deviation.

    A deviation is that of the noise and of the claims themselves, if they come independently of each other.

    Args:
        cell: Before the window.
        count: Claims of the window, noisy.
        noise: Standard deviation of the noise in it.
    """
    rate = cell.rate / GRID_UNITS
    excess = (count - rate) / sqrt(noise * noise + max(rate, 1.0))
    surge = min(max(cell.surge / 1000.0 + excess - SLACK, 0.0), MOST)
    clipped = max(min(count, rate + 2.0 * sqrt(noise * noise + max(rate, 1.0))), 0.0)
    return round(slowly(rate, clipped) * GRID_UNITS), round(surge * 1000.0)


def watched(watch: Watch, seen: Seen, n_clusters: int) -> Watch:
    """The stream as a whole after one more window."""
    claims = seen.n_claims
    inertia = float(max(seen.squares.sum(), 0.0)) / claims
    noise = float(np.sqrt(((seen.noise.squares * seen.radii**2) ** 2).sum())) / claims
    before = watch.inertia / SQUARE_UNITS
    spread = sqrt(noise * noise + (before * before + 1e-12) / claims)
    drift = max(watch.drift / 1000.0 + (inertia - before) / spread - SLACK, 0.0) if before > 0.0 else 0.0
    overflow = float(np.clip(seen.counts[n_clusters:].sum() / claims, 0.0, 1.0))
    return Watch(
        claims=round(slowly(watch.claims / GRID_UNITS, claims, 0.8) * GRID_UNITS),
        inertia=round(slowly(before, inertia) * SQUARE_UNITS),
        overflow=round(slowly(watch.overflow / 1e6, overflow, 0.8) * 1e6),
        drift=round(min(drift, MOST) * 1000.0),
    )
