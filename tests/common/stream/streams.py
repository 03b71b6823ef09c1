"""States, windows and sums of streams, for the tests of what follows from them."""

from __future__ import annotations

import numpy as np

from common.grid import GRID_UNITS, from_grid, to_grid
from common.kernel import Rows
from common.pacing import going_on
from common.plan import Plan
from common.private.asked import PrivateOutcome
from common.stream.following import followed
from common.stream.seen import Seen, WindowNoise
from common.stream.state import StreamCluster, StreamState, Watch
from common.stream.window import Window
from simulations.stream.follower import base_plan

SQUARE_UNITS = 1 << 30
STREAM = "ab" * 16
D = 4
PLACES = 0.5 * np.eye(D)
SPREAD = 0.004


def cluster(identity: int, place: np.ndarray, **changes: object) -> StreamCluster:
    held = {
        "identity": identity,
        "born": 1,
        "centroid": tuple(to_grid(np.asarray(place, float)).tolist()),
        "radius": round(1.6 * SPREAD**0.5 * GRID_UNITS),
        "count": 3_000 * GRID_UNITS,
        "square": round(SPREAD * SQUARE_UNITS),
        "settled": round(SPREAD * SQUARE_UNITS),
        "share": SQUARE_UNITS // 4,
        "age": 40,
    }
    return StreamCluster.model_validate(held | changes)


def state(*clusters: StreamCluster, **changes: object) -> StreamState:
    held = {
        "window": 50,
        "seeded": 1,
        "clusters": clusters or tuple(cluster(place + 1, PLACES[place]) for place in range(D)),
        "next_identity": 1 + max([D, *(one.identity for one in clusters)]),
        "watch": Watch(
            claims=3_600 * GRID_UNITS,
            inertia=round(SPREAD * SQUARE_UNITS),
            learnt=180_000 * GRID_UNITS,
            windows=50_000,
        ),
    }
    return StreamState.model_validate(held | changes)


def window(before: StreamState | None, **changes: object) -> Window:
    number = before.window + 1 if before else 1
    held = {"stream": STREAM, "number": number, "closes": 900 * number, "state": before}
    return Window.model_validate(held | changes)


def plan(before: StreamState, **terms: object) -> Plan:
    base = base_plan(len(before.clusters[0].centroid), len(before.clusters), 1.0, 0, **terms)
    return going_on(base, window(before))


NO_NOISE = WindowNoise(counts=1e-9, sums=1e-9, squares=1e-9, bureaus=1e-9, coordinates=0.0)
NOISE = WindowNoise(counts=13.0, sums=4.6, squares=19.0, bureaus=25.0, coordinates=0.0)


def seen(before: StreamState, noise: WindowNoise = NOISE, **changes: object) -> Seen:
    """A window like those before: every cluster gets the claims of its share, where it is, as wide as it is."""
    cells = before.cells
    counts = 3_600 * np.array([cell.share for cell in cells], float) / SQUARE_UNITS
    squares = counts * np.array([cell.square for cell in cells], float) / SQUARE_UNITS
    held = {
        "counts": counts,
        "offsets": np.zeros((len(cells), len(cells[0].centroid))),
        "squares": squares,
        "bureaus": np.zeros(len(cells)),
        "coordinates": None,
        "radii": from_grid(before.radius_units()),
        "noise": noise,
    }
    whole = {name: _with_scouts(value, held.get(name)) for name, value in changes.items()}
    return Seen(**(held | whole))  # type: ignore[arg-type]


def _with_scouts(given: object, usual: object) -> object:
    """What is said of clusters alone is said of scouts as usual."""
    if not isinstance(given, np.ndarray) or not isinstance(usual, np.ndarray) or len(given) == len(usual):
        return given
    return np.concatenate([given, usual[len(given) :]])


def after(before: StreamState, n_windows: int = 1, floor: int = 11, **changes: object) -> StreamState:
    """The state after some windows that are all alike."""
    for _ in range(n_windows):
        before = followed(window(before, fewest_bureaus=2), before, seen(before, **changes), floor)  # type: ignore[arg-type]
    return before


def around(places: np.ndarray, counts: list[int], spread: float = SPREAD, seed: int = 0) -> Rows:
    """Rows about some places, on the grid."""
    rng = np.random.default_rng(seed)
    rows = [
        place + rng.normal(size=(count, len(place))) * (spread / len(place)) ** 0.5
        for place, count in zip(places, counts, strict=True)
    ]
    return from_grid(to_grid(np.concatenate(rows))).astype(np.float32)


def stream_of(outcome: PrivateOutcome) -> StreamState:
    assert outcome.stream is not None
    return outcome.stream
