"""What is believed after a window: decayed sums move every cluster, then clusters are born, merge, split and die.

Only sums over all bureaus enter, each with its noise, and what was believed before; nothing here costs budget.

References:
    Zhang, Ramakrishnan and Livny, "BIRCH", SIGMOD 1996 (sums, counts and squares as all there is of a cluster);
    Aggarwal et al., "A Framework for Clustering Evolving Data Streams", VLDB 2003 (fading them).
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid, to_grid
from common.start import LARGEST_RADIUS
from common.stream.changing import Changing, changed
from common.stream.guide import cap_of
from common.stream.scouting import scouted
from common.stream.seen import Seen
from common.stream.state import MOST_EVENTS, StreamCluster, StreamState, Watch
from common.stream.watching import operations_after, slowly, surge_after, watched
from common.stream.weighing import weighted_square, weights_of
from common.stream.window import Window

Floats = npt.NDArray[np.float64]

SQUARE_UNITS = 1 << 30

WIDEN = 1.6
"""Root mean squared distances within which contributions are bounded."""

REACH, REACH_WHEN_YOUNG = 1.9, 2.75
"""Root mean squared distances beyond which a claim is far from a cluster."""

GROWN_UP = 5
"""Windows after which a cluster's spread is trusted."""

WINDOWS_TO_SETTLE = 6
"""After seeding: until then spreads still hold what the seeding got wrong, and nothing counts as far."""

WINDOWS_TO_WEIGH = 12
"""The same where weights are learned: every window then finds other claims near a cluster, so memory fades in."""

CLEAR = 4.0
"""Deviations of noise above which a count is large enough to learn a spread from."""

SETTLING = 0.98
"""What the slow mean of a spread keeps in a window."""


def steady_noise(one_window: float, window: Window) -> float:
    """Standard deviation of the noise in a faded sum of many windows."""
    kept = window.memory / 1000
    return one_window / sqrt(1.0 - kept * kept)


def kept_of(window: Window, watch: Watch, seen: Seen) -> float:
    """What all that was before weighs in a window of that many claims.

    Memory fades with claims, not with time: a window with half of the usual claims is half a step, so that the few
    claims of a night, and the noise in them, do not take the place of a day's.
    """
    usual = watch.learnt / GRID_UNITS / max(watch.windows / 1000.0, 1.0)
    return float((window.memory / 1000) ** min(seen.n_claims / max(usual, 1.0), 1.0))


def radius_of(square: float) -> int:
    """How far contributions of a cluster with this mean squared distance reach, grid units."""
    return int(np.clip(round(WIDEN * sqrt(max(square, 0.0)) * GRID_UNITS), 1024, LARGEST_RADIUS))


def followed(window: Window, state: StreamState, seen: Seen, floor: int) -> StreamState:
    """The state after a window.

    Guarantees:
        * A pinned cluster is in it, whatever was seen.
        * A cluster keeps its identity for as long as it lives; a new one gets an identity that was never given.
        * A new cluster is in quarantine until its count is clearly above the floor and the evidence of bureaus clearly
          more than one bureau fewer than ``window.fewest_bureaus`` could give.

    Args:
        window: That was asked about.
        state: Before it.
        seen: Its sum.
        floor: A cluster with fewer claims is not shown.
    """
    k = len(state.clusters)
    since, settle = window.number - state.seeded, WINDOWS_TO_SETTLE if seen.coordinates is None else WINDOWS_TO_WEIGH
    kept = kept_of(window, state.watch, seen) * (1.0 if seen.coordinates is None else min(since / settle, 1.0))
    moved = [_moved(window, one, place, seen, kept=kept, watch=state.watch) for place, one in enumerate(state.clusters)]
    trusted, n_looked = since >= settle, max(since - settle, 0) if state.scouts else 0
    scouts, born = scouted(window, state, seen) if trusted else (state.scouts, ())
    changing = Changing(
        window=window,
        kept=kept_of(window, state.watch, seen),
        noise=seen.noise,
        floor=floor,
        next_identity=state.next_identity,
        settled=trusted,
        claims=seen.n_claims,
    )
    clusters, events, following = changed(changing, moved, born)
    watch, kinds = watched(state.watch, seen, k, n_looked), operations_after(state, seen)
    return StreamState(
        window=window.number,
        seeded=state.seeded,
        clusters=_reaching(clusters, seen) if trusted else tuple(_without_reach(one) for one in clusters),
        scouts=scouts,
        next_identity=following,
        watch=watch,
        events=(*state.events, *events)[-MOST_EVENTS:],
        operations=kinds.shares,
        watched=kinds.watched,
        counted=kinds.counted,
    )


def _moved(window: Window, one: StreamCluster, place: int, seen: Seen, *, kept: float, watch: Watch) -> StreamCluster:
    """A cluster after the claims of a window, to which all that was before counts as much as ``kept`` says."""
    count = max(float(seen.counts[place]), 0.0)
    faded = kept * one.count / GRID_UNITS + count
    step = seen.offsets[place] / max(faded, 1.0)
    length, radius = float(np.linalg.norm(step)), float(seen.radii[place])
    step = step * min(1.0, 0.5 * radius / max(length, 1e-12))
    moved = from_grid(np.array(one.centroid, np.int64)) + step
    moved /= max(1.0, float(np.linalg.norm(moved)))
    gain = min(count / max(faded, 1.0), 1.0) if count > CLEAR * seen.noise.counts else 0.0
    square = (1.0 - gain) * one.square / SQUARE_UNITS + gain * float(seen.mean_squares()[place])
    squares, weights = weights_of(one, place, seen, gain, step)
    settled = slowly(one.settled / SQUARE_UNITS, square, SETTLING if one.age > GROWN_UP else 0.8)
    return one.model_copy(
        update={
            "centroid": tuple(to_grid(moved).tolist()),
            "radius": radius_of(square),
            "count": round(faded * GRID_UNITS),
            "square": round(square * SQUARE_UNITS),
            "settled": round(settled * SQUARE_UNITS),
            "age": one.age + 1,
            "squares": squares,
            "weights": weights,
            **surge_after(one, float(seen.counts[place]), seen, watch),
            **_evidence(window, one, float(seen.bureaus[place])),
        }
    )


def _evidence(window: Window, one: StreamCluster, bureaus: float) -> dict[str, int]:
    """What is known of how many bureaus are in a cluster; gathered while it is in quarantine."""
    if not one.quarantined:
        return {}
    return {
        "near": one.near + round(bureaus * GRID_UNITS),
        "tested": one.tested + cap_of(one, window),
        "proofs": one.proofs + 1,
    }


def _without_reach(one: StreamCluster) -> StreamCluster:
    return one.model_copy(update={"reach": 0})


def _reaching(clusters: list[StreamCluster], seen: Seen) -> tuple[StreamCluster, ...]:
    """How far a claim may be; where coordinates are weighted, in weighted distances.

    A cluster whose claims hardly stand out of the noise has an unsure spread: if that is smaller than is common among
    clusters, it is drawn to it, lest the cluster starve because its own claims are taken for strays.
    """
    spreads = [weighted_square(one) for one in clusters]
    common = float(np.median(spreads))
    return tuple(_reached(one, spread, common, seen) for one, spread in zip(clusters, spreads, strict=True))


def _reached(one: StreamCluster, spread: float, common: float, seen: Seen) -> StreamCluster:
    claims, unsure = one.share / SQUARE_UNITS * seen.n_claims, CLEAR * seen.noise.counts
    trust = claims**2 / (claims**2 + unsure**2)
    square = trust * spread + (1.0 - trust) * max(spread, common)
    factor = REACH if one.age > GROWN_UP else REACH_WHEN_YOUNG
    reach = min(round(factor * sqrt(square) * GRID_UNITS), LARGEST_RADIUS * 32)
    return one.model_copy(update={"reach": max(reach, 1024)})
