"""Clusters that follow a stream: ours, private, beside what others do without privacy, window by window.

Inertia is a ratio to k-means on the window itself with the true number of clusters from their true means. All but the
oracle are given as many clusters as there are at first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.stream_following import Follower, Telling, inertia, ours
from benchmarks.stream_peers import HAS_RIVER, Cumulative, Frozen, MiniBatch, River, oracle
from benchmarks.stream_scoring import LAST_PART, WARM_UP, Delays, Track
from benchmarks.stream_world import N_CLAIMS, N_WINDOWS, StreamWorld
from common.stream.state import Change

MEMORIES = (0.7, 0.9)
HALFLIFE = 0.02
"""Of river's KMeans: the best of 0.005, 0.01, 0.02, 0.05, 0.1 and 0.5 on the first world."""

CHUNK, CHUNK_HALFLIFE = 5_000, 0.5
"""Of river's STREAMKMeans: the best of 50 to 5,000 and of 0.02 to 0.5 on the first world."""

Begin = Callable[[StreamWorld], Follower]


def main(arguments: list[str] | None = None) -> None:
    """Print one table; with ``--out`` write every window as JSON."""
    chosen = _options().parse_args(arguments)
    show_machine("fedclaims", "numpy", "scikit-learn", "river")
    n_windows = 48 if chosen.quick else chosen.windows
    worlds = [
        StreamWorld(seed=seed, n_windows=n_windows, n_claims=chosen.claims)
        for seed in range(1 if chosen.quick else chosen.seeds)
    ]
    contenders = _contenders(chosen.epsilon, chosen.memory or MEMORIES)
    tracks = [_followed(world, contenders) for world in worlds]
    print(f"{len(worlds)} worlds, {n_windows} windows of {chosen.claims:,} claims, epsilon {chosen.epsilon:g}\n")
    _show(tracks)
    if chosen.out is not None:
        chosen.out.write_text(json.dumps([_as_json(found) for found in tracks], indent=1), "utf-8")


def _options() -> argparse.ArgumentParser:
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="worlds; 3")
    parser.add_argument("--claims", type=int, default=N_CLAIMS, help="of a window; 5,000")
    parser.add_argument("--windows", type=int, default=N_WINDOWS, help="192")
    parser.add_argument("--epsilon", type=float, default=1.0, help="of a claim, over the whole stream; 1")
    parser.add_argument("--memory", nargs="+", type=float, help="what earlier windows weigh; 0.7 and 0.9")
    parser.add_argument("--out", type=Path, help="file for every window's figures, as JSON")
    return parser


def _contenders(epsilon: float, memories: Sequence[float]) -> Mapping[str, Begin]:
    found: dict[str, Begin] = {
        f"ours, epsilon {epsilon:g}, memory {memory:g}": partial(_ours, epsilon, memory) for memory in memories
    }
    found |= {
        "k-means on the first window": partial(_peer, Frozen),
        "scikit-learn MiniBatchKMeans": partial(_peer, MiniBatch),
        "NVFlare's cumulative rule": partial(_peer, Cumulative),
    }
    if not HAS_RIVER:
        print("left out: river is not installed\n")
        return found
    return found | {
        "river KMeans": partial(_peer, partial(River, halflife=HALFLIFE)),
        "river STREAMKMeans": partial(_peer, partial(River, halflife=CHUNK_HALFLIFE, chunk_size=CHUNK)),
    }


def _ours(epsilon: float, memory: float, world: StreamWorld) -> Follower:
    return ours(world.outline, epsilon, memory, world.seed)


def _peer(made: Callable[[int, int], Follower], world: StreamWorld) -> Follower:
    return made(world.outline.n_clusters, world.seed)


def _followed(world: StreamWorld, contenders: Mapping[str, Begin]) -> dict[str, Track]:
    """Every contender through one world, window by window in turn."""
    tracks = {name: Track(world=world, follower=begin(world)) for name, begin in contenders.items()}
    for window in world:
        best = inertia(window.rows, oracle(window))
        for track in tracks.values():
            track.show(window, best)
    return tracks


def _show(found: Sequence[Mapping[str, Track]]) -> None:
    """Means over worlds; after how many windows what happens was found, and what was told."""
    ratios = ["inertia / oracle", "p95", "last quarter", "clusters off"]
    delays = [
        "newborn found after",
        "birth told",
        "confirmed",
        "false births",
        "death told",
        "other deaths",
        "merge told",
        "splits",
    ]
    show_heading(["method", *ratios, *delays, "windows without", "ms a window"])
    for name in found[0]:
        tracks = [world[name] for world in found]
        late = np.concatenate([track.ratios() for track in tracks])
        last = np.concatenate([track.ratios(LAST_PART) for track in tracks])
        cells = [_figure(late.mean()), _figure(np.percentile(late, 95)), _figure(last.mean())]
        spent = 1e3 * mean(track.seconds / track.world.n_windows for track in tracks)
        off = f"{mean(track.mean_off() for track in tracks):.2f}"
        newborn = _after([delay for track in tracks for delay in track.found()])
        show_row([name, *cells, off, newborn, *_told(tracks), sum(track.waited for track in tracks), spent])
    print(f"\nThe first {WARM_UP} windows do not count. Delays in windows, of all events of all worlds.")


def _told(tracks: Sequence[Track]) -> list[str]:
    """Cells of what was told; dashes for who tells nothing."""
    if not isinstance(tracks[0].follower, Telling):
        return ["-"] * 7
    births, confirmed = ([track.births(change) for track in tracks] for change in (Change.BIRTH, Change.CONFIRMED))
    deaths, merges = [track.deaths() for track in tracks], [track.merge() for track in tracks]
    false_births, false_deaths = (sum(delays.others for delays in found) for found in (births, deaths))
    as_deaths = sum(as_death for _, as_death in merges)
    merged = _after([after for after, _ in merges]) + (f", {as_deaths} as a death" if as_deaths else "")
    others = [str(false_births), _delays(deaths), str(false_deaths), merged]
    return [_delays(births), _delays(confirmed), *others, str(sum(track.count(Change.SPLIT) for track in tracks))]


def _delays(found: Sequence[Delays]) -> str:
    return _after([after for delays in found for after in delays.after])


def _after(delays: Sequence[int | None]) -> str:
    """Each different delay once, in order; how many were never."""
    known = sorted({delay for delay in delays if delay is not None})
    never = sum(delay is None for delay in delays)
    shown = f"{known[0]} to {known[-1]}" if len(known) > 1 else "".join(map(str, known))
    return ", ".join(part for part in (shown, f"{never} of {len(delays)} never" if never else "") if part)


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _as_json(tracks: Mapping[str, Track]) -> dict[str, Any]:
    (world,) = {id(track.world): track.world for track in tracks.values()}.values()
    events = [asdict(event) for event in world.events]
    return {"seed": world.seed, "events": events, "methods": {name: _windows(track) for name, track in tracks.items()}}


def _windows(track: Track) -> dict[str, Any]:
    windows = [
        {
            "window": one.window,
            "ratio": one.ratio,
            "off": one.off,
            "told": [event.model_dump(mode="json") for event in one.told],
        }
        for one in track.seen
    ]
    return {"windows": windows, "waited": track.waited, "seconds": track.seconds, "found": track.found()}


if __name__ == "__main__":
    main()
