"""Where the clusters that are alive at the end of a stream came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from common.stream.state import Change, Event, StreamCluster, StreamState
from simulations.stream.story import StreamStory


class Standing(StrEnum):
    """What a cluster may be used for."""

    PINNED = "pinned"
    QUARANTINED = "quarantined"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A cluster that is alive at the end.

    Attributes:
        identity: Its name for good.
        born: Window in which it was first seen.
        share: Of all that the released counts say; noisy, older windows faded.
        standing: What it may be used for.
        origin: How it came into the stream; None where that is longer ago than the state remembers.
        came_from: Clusters that it was split off from.
        took_in: Clusters that merged into it.
    """

    identity: int
    born: int
    share: float
    standing: Standing
    origin: Change | None
    came_from: tuple[int, ...]
    took_in: tuple[int, ...]


def last_state(story: StreamStory) -> StreamState | None:
    """What is believed at the end."""
    return story.ticks[-1].state if story.ticks else None


def events_of(story: StreamStory) -> tuple[Event, ...]:
    """All that happened to clusters, each event once, in order."""
    return tuple(dict.fromkeys(_remembered(story)))


def _remembered(story: StreamStory) -> Iterator[Event]:
    before = None
    for tick in story.ticks:
        if tick.state is not None and tick.state is not before:
            yield from tick.state.events
            before = tick.state


def living(story: StreamStory) -> tuple[Living, ...]:
    """All of them, largest first."""
    state = last_state(story)
    if state is None:
        return ()
    events, whole = events_of(story), max(sum(one.count for one in state.clusters), 1)
    found = [_living(one, one.count / whole, events) for one in state.clusters]
    return tuple(sorted(found, key=lambda one: (-one.share, one.identity)))


def _living(one: StreamCluster, share: float, events: tuple[Event, ...]) -> Living:
    about = [event for event in events if event.identity == one.identity]
    begun = next((event for event in about if event.change in {Change.SEEDED, Change.BIRTH, Change.SPLIT}), None)
    merged = [event.others for event in about if event.change is Change.MERGE]
    return Living(
        identity=one.identity,
        born=one.born,
        share=share,
        standing=_standing(one),
        origin=None if begun is None else begun.change,
        came_from=() if begun is None else begun.others,
        took_in=tuple(other for others in merged for other in others),
    )


def _standing(one: StreamCluster) -> Standing:
    if one.pinned:
        return Standing.PINNED
    return Standing.QUARANTINED if one.quarantined else Standing.CONFIRMED
