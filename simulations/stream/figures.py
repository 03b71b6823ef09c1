"""The figures of a stream: how often a model was published, how well it fitted, what was told and how soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean, median

import numpy as np

from common.stream.alarms import AlarmKind
from simulations.stream.causes import all_alarms, tells, told
from simulations.stream.kept import kept
from simulations.stream.lineage import last_state
from simulations.stream.story import Quality, StreamStory

Figures = dict[str, float | None]

CHANGES = (AlarmKind.BIRTH, AlarmKind.CONFIRMED, AlarmKind.SPLIT, AlarmKind.MERGE, AlarmKind.DEATH)
"""Alarms that tell of what happened to clusters."""


def figures_of(story: StreamStory) -> dict[str, object]:
    """All of them, as ``result.json`` holds them; what is not known is None."""
    return {**_windows(story), **_fit(story), **_alarms(story), **_speed(story)}


def frozen_ratio(quality: Quality) -> float:
    """Inertia of the stream's first model over the oracle's."""
    return quality.frozen / quality.oracle


def spread(values: Sequence[float]) -> Figures:
    """Mean and 95th percentile."""
    if not values:
        return {"mean": None, "p95": None}
    return {"mean": fmean(values), "p95": float(np.percentile(values, 95))}


def _windows(story: StreamStory) -> dict[str, object]:
    reasons = Counter(str(reason) for tick in story.ticks if (reason := kept(tick.kept_because)) is not None)
    state = last_state(story)
    return {
        "windows": len(story.ticks),
        "published": len(story.ticks) - reasons.total(),
        "kept": dict(sorted(reasons.items())),
        "claims": sum(tick.n_claims for tick in story.ticks),
        "clusters": 0 if state is None else len(state.clusters),
        "quarantined": 0 if state is None else sum(one.quarantined for one in state.clusters),
    }


def _fit(story: StreamStory) -> dict[str, object]:
    known = [tick.quality for tick in story.ticks if tick.quality is not None]
    return {
        "ratio": spread([one.ratio for one in known]),
        "frozen": spread([frozen_ratio(one) for one in known]),
        "riv_log_cost": fmean(one.riv for one in known) if known else None,
    }


def _alarms(story: StreamStory) -> dict[str, object]:
    kinds = Counter(alarm.kind for _, alarm in all_alarms(story))
    minutes = [one.minutes for one in told(story) if one is not None]
    return {
        "alarms": kinds.total(),
        "alarms_by_kind": {kind.name.lower(): kinds[kind] for kind in AlarmKind},
        "warnings": sum(number for kind, number in kinds.items() if kind not in CHANGES),
        "happenings": len(story.happenings),
        "happenings_to_tell": sum(map(tells, story.happenings)),
        "happenings_told": len(minutes),
        "minutes_to_alarm": {"median": median(minutes) if minutes else None, "most": max(minutes, default=None)},
    }


def _speed(story: StreamStory) -> dict[str, object]:
    published = [tick for tick in story.ticks if not tick.kept_because]
    return {
        "station_s": spread([tick.station_s for tick in published]),
        "coordinator_s": spread([tick.coordinator_s for tick in published]),
    }
