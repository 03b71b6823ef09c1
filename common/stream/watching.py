"""Slow means of what was released, and how far late windows lie beyond them.

References:
    Page, "Continuous Inspection Schemes", Biometrika 41, 1954 (CUSUM).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from common.grid import GRID_UNITS
from common.stream.seen import Seen
from common.stream.state import Cell, Rare, StreamState, Watch

SQUARE_UNITS = 1 << 30
KEPT = 0.98
"""What a slow mean keeps in a window: half of it is younger than 34 windows.

What it learns counts claim by claim, so that a night's few claims do not drown a day's many in noise."""

SLACK = 0.75
"""Deviations by which a window may exceed the mean before anything adds up."""

SLACK_OPERATIONS = 1.25
"""The same for categories of operations, of which there are a hundred."""

KEPT_OPERATIONS = 0.98
BY_THE_HOUR = 0.25
"""By how much a share differs from hour to hour, of itself."""

DRIFT_BY_THE_HOUR = 0.01
"""By how much the mean squared distance of claims differs from hour to hour, of itself."""

WINDOWS_TO_LEARN = 12
"""Until then all that is seen is taken for usual as far as shares are learnt; later a surge does not teach."""

SURGE_AT, DRIFT_AT = 8.0, 8.0
"""Deviations that must add up for an alarm: normal windows get there in about 1e5 windows."""

OPERATIONS_AT = 5.0
"""The same for one category of operations: about 3e5 windows without a cause."""

MOST = 1000.0
"""No sum rises above so many deviations."""


def slowly(before: float, now: float, kept: float) -> float:
    """A slow mean after one more window."""
    return now if before <= 0.0 else kept * before + (1.0 - kept) * now


def gain_of(watch: Watch, n_claims: float) -> float:
    """How much of a slow mean a window with so many claims makes up."""
    return n_claims / (KEPT * watch.learnt / GRID_UNITS + n_claims)


def surge_after(cell: Cell, count: float, seen: Seen, watch: Watch) -> dict[str, int | bool]:
    """What is usual in a cell, and how far late windows add up beyond it: a one-sided CUSUM.

    What is usual is a share, not a number, for claims come by day and by night; and the share itself may well be a
    quarter more or less by the hour. A deviation is that of the noise, of claims that come independently, and of this.

    Args:
        cell: Before the window.
        count: Claims of the window, noisy.
        seen: The window.
        watch: The stream before it.
    """
    share, gain = cell.share / SQUARE_UNITS, gain_of(watch, seen.n_claims)
    usual = share * seen.n_claims
    deviation = sqrt(seen.noise.counts**2 + max(usual, 1.0) + (BY_THE_HOUR * usual) ** 2)
    surge = min(max(cell.surge / 1000.0 + (count - usual) / deviation - SLACK, 0.0), MOST)
    learnt = max(min(count, usual + 2.0 * deviation), 0.0) / seen.n_claims
    return {
        "share": round(((1.0 - gain) * share + gain * learnt) * SQUARE_UNITS),
        "surge": round(surge * 1000.0),
        "alarmed": _alarmed(surge, SURGE_AT, before=cell.alarmed),
    }


def _alarmed(summed: float, limit: float, *, before: bool) -> bool:
    """From where the limit is reached to where nothing is left of the sum."""
    return summed >= limit or (before and summed > 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What is believed of categories of operations: see ``StreamState``."""

    shares: tuple[Rare, ...]
    watched: int
    counted: int


def operations_after(state: StreamState, seen: Seen) -> Operations:
    """Every category of operations after a window: its share of all claims, and how far it adds up beyond that.

    The fewer claims and the more noise a share was learnt from, the further a window must lie beyond it.
    """
    if seen.operations is None:
        return Operations(shares=state.operations, watched=state.watched, counted=state.counted)
    before = state.operations or (Rare(),) * len(seen.operations)
    windows, claims = state.watched / 1000.0, state.counted / GRID_UNITS
    learnt = _Learnt(windows=windows, claims=claims, seen=seen)
    return Operations(
        shares=tuple(learnt.after(one, float(count)) for one, count in zip(before, seen.operations, strict=True)),
        watched=round((KEPT_OPERATIONS * windows + 1.0) * 1000.0),
        counted=round((KEPT_OPERATIONS * claims + seen.n_claims) * GRID_UNITS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learnt:
    """From what shares were learnt: so many windows and claims, older ones faded; and what is to be judged by them."""

    windows: float
    claims: float
    seen: Seen

    def after(self, one: Rare, count: float) -> Rare:
        share, n, noise = one.share / SQUARE_UNITS, self.seen.n_claims, self.seen.noise.operations**2
        usual, known = max(share, 0.0) * n, max(self.claims, 1.0)
        unsure = (n / known) ** 2 * (noise * self.windows + max(share, 0.0) * known)
        deviation = sqrt(noise + max(usual, 1.0) + (BY_THE_HOUR * usual) ** 2 + unsure)
        surge = min(max(one.surge / 1000.0 + (count - usual) / deviation - SLACK_OPERATIONS, 0.0), MOST)
        surge = surge if self.claims > 0.0 else 0.0
        new = count if self.windows < WINDOWS_TO_LEARN else min(count, usual + deviation)
        faded = KEPT_OPERATIONS * self.claims
        return Rare(
            share=round((faded * share + new) / (faded + n) * SQUARE_UNITS),
            surge=round(surge * 1000.0),
            alarmed=_alarmed(surge, OPERATIONS_AT, before=one.alarmed),
        )


def watched(watch: Watch, seen: Seen, n_clusters: int, n_looked: int) -> Watch:
    """The stream as a whole after one more window.

    Args:
        watch: Before it.
        seen: The window.
        n_clusters: Of the cells these are clusters, the others scouts.
        n_looked: In how many windows it was looked what is far from every cluster, this one included; 0 for none.
    """
    claims, gain = seen.n_claims, gain_of(watch, seen.n_claims)
    inertia = float(max(seen.squares.sum(), 0.0)) / claims
    before, drift = watch.inertia / SQUARE_UNITS, 0.0
    if before > 0.0:
        late = (inertia - before) / _unsure(watch, seen, before)
        drift = min(max(watch.drift / 1000.0 + late - SLACK, 0.0), MOST)
    overflow = float(np.clip(seen.counts[n_clusters:].sum() / claims, 0.0, 1.0))
    stray_gain = max(1.0 / n_looked, 1.0 - KEPT) if n_looked else 0.0
    return Watch(
        claims=round(slowly(watch.claims / GRID_UNITS, claims, 0.8) * GRID_UNITS),
        inertia=round(((1.0 - gain) * before + gain * inertia) * SQUARE_UNITS),
        overflow=round(((1.0 - stray_gain) * watch.overflow / 1e6 + stray_gain * overflow) * 1e6),
        drift=round(drift * 1000.0),
        learnt=round((KEPT * watch.learnt / GRID_UNITS + claims) * GRID_UNITS),
        windows=round((KEPT * watch.windows / 1000.0 + 1.0) * 1000.0),
        alarmed=_alarmed(drift, DRIFT_AT, before=watch.alarmed),
    )


def _unsure(watch: Watch, seen: Seen, inertia: float) -> float:
    """Standard deviation of a window's mean squared distance about the slow mean: noise in both, and the claims'."""
    claims, learnt = seen.n_claims, max(watch.learnt / GRID_UNITS, 1.0)
    noise = float(((seen.noise.squares * seen.radii**2) ** 2).sum())
    counts = (seen.noise.counts * inertia) ** 2 * len(seen.counts)
    windows = watch.windows / 1000.0
    of_both = (noise + counts) * (1.0 / claims**2 + windows / learnt**2)
    return sqrt(of_both + inertia**2 * (1.0 / claims + 1.0 / learnt) + (DRIFT_BY_THE_HOUR * inertia) ** 2 + 1e-18)
