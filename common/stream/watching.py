"""Slow means of what was released, and how far late windows lie beyond them.

References:
    Page, "Continuous Inspection Schemes", Biometrika 41, 1954 (CUSUM).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from common.grid import GRID_UNITS
from common.stream.seen import Seen
from common.stream.state import Cell, Rare, StreamState, Watch

SQUARE_UNITS = 1 << 30
KEPT = 0.96
"""What a slow mean keeps in a window: half of it is younger than 17 windows."""

SLACK = 0.75
"""Deviations by which a window may exceed the mean before anything adds up."""

SLACK_OPERATIONS = 1.25
"""The same for categories of operations, of which there are a hundred."""

KEPT_OPERATIONS = 0.98
BY_THE_HOUR = 0.25
"""By how much a share differs from hour to hour, of itself."""

WINDOWS_TO_LEARN = 12
"""Before so many windows nothing is known of what is usual."""

SURGE_AT, DRIFT_AT = 8.0, 8.0
"""Deviations that must add up for an alarm: normal windows get there in about 1e5 windows."""

OPERATIONS_AT = 5.0
"""The same for one category of operations: about 3e5 windows without a cause."""

MOST = 1000.0
"""No sum rises above so many deviations."""


def slowly(before: float, now: float, kept: float = KEPT) -> float:
    """A slow mean after one more window."""
    return now if before <= 0.0 else kept * before + (1.0 - kept) * now


def surge_after(cell: Cell, count: float, noise: float) -> dict[str, int | bool]:
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
    return {
        "rate": round(slowly(rate, clipped) * GRID_UNITS),
        "surge": round(surge * 1000.0),
        "alarmed": _alarmed(surge, SURGE_AT, before=cell.alarmed),
    }


def _alarmed(summed: float, limit: float, *, before: bool) -> bool:
    """From where the limit is reached to where nothing is left of the sum."""
    return summed >= limit or (before and summed > 0.0)


def operations_after(state: StreamState, seen: Seen) -> tuple[tuple[Rare, ...], int]:
    """Every category of operations after a window: its share of all claims, and how far it adds up beyond that.

    What is usual is a share, not a number, for claims come by day and by night; and the share itself may well be a
    quarter more or less by the hour.
    """
    if seen.operations is None:
        return state.operations, state.watched
    before = state.operations or (Rare(),) * len(seen.operations)
    after = [_rare(one, float(count), seen, state.watched) for one, count in zip(before, seen.operations, strict=True)]
    return tuple(after), state.watched + 1


def _rare(one: Rare, count: float, seen: Seen, n_before: int) -> Rare:
    claims = seen.n_claims
    share, now = one.share / SQUARE_UNITS, count / claims
    kept = min(KEPT_OPERATIONS, n_before / (n_before + 1.0))
    usual = max(share, 0.0) * claims
    deviation = sqrt(seen.noise.operations**2 * (1.0 + (1.0 - kept)) + max(usual, 1.0) + (BY_THE_HOUR * usual) ** 2)
    excess = (count - usual) / deviation
    surge = one.surge / 1000.0 + excess - SLACK_OPERATIONS
    surge = min(max(surge, 0.0), MOST) if n_before >= WINDOWS_TO_LEARN else 0.0
    learnt = now if n_before < WINDOWS_TO_LEARN else min(count, usual + deviation) / claims
    return Rare(
        share=round((kept * share + (1.0 - kept) * learnt) * SQUARE_UNITS),
        surge=round(surge * 1000.0),
        alarmed=_alarmed(surge, OPERATIONS_AT, before=one.alarmed),
    )


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
        alarmed=_alarmed(drift, DRIFT_AT, before=watch.alarmed),
    )
