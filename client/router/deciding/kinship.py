"""Which cluster of a stream came from which. What is known of clusters goes by their identities, and follows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from common.stream.state import MOST_EVENTS, Change, Event, StreamState

MOST_TOLD = 16
"""Of what happened to a cluster that its lineage tells; the newest."""

ENDINGS = frozenset({Change.MERGE, Change.SPLIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A cluster, and those that it came from.

    Attributes:
        identity: Its own.
        absorbed: Clusters that have merged into it, each with the window in which it did, the oldest first.
        elder: The cluster that it was split from; None if it was not.
    """

    identity: int
    absorbed: tuple[tuple[int, Kin], ...] = ()
    elder: Kin | None = None

    def generations(self) -> Iterator[tuple[int, ...]]:
        """Identities whose claims are its own; then, the nearest first, those of the clusters it was split from."""
        found: Kin | None = self
        while found is not None:
            yield tuple(found.merged())
            found = found.elder

    def merged(self) -> Iterator[int]:
        """Its identity, and those of all that have merged into it."""
        yield self.identity
        for _, one in self.absorbed:
            yield from one.merged()


@dataclass(slots=True)
class _Tree:
    """Reads kin out of events. Each cluster is taken once: what a model says of a ring is not believed."""

    events: tuple[Event, ...]
    taken: set[int] = field(default_factory=set)

    def kin(self, identity: int) -> Kin:
        self.taken.add(identity)
        merges = [
            (one.window, other)
            for one in self.events
            if one.change is Change.MERGE and one.identity == identity
            for other in one.others
        ]
        absorbed = tuple((window, self.kin(other)) for window, other in merges if other not in self.taken)
        return Kin(identity=identity, absorbed=absorbed, elder=self._elder(identity))

    def _elder(self, identity: int) -> Kin | None:
        split = split_of(self.events, identity)
        elder = None if split is None else next(iter(split.others), None)
        return None if elder is None or elder in self.taken else self.kin(elder)


def kin_of(state: StreamState) -> tuple[Kin, ...]:
    """Of each cluster of a state, as far as its events tell."""
    return tuple(_Tree(state.events).kin(identity) for identity in state.identities)


def split_of(events: tuple[Event, ...], identity: int) -> Event | None:
    """The split in which a cluster began; None if it did in none."""
    return next((one for one in events if one.change is Change.SPLIT and one.identity == identity), None)


def ended(state: StreamState) -> frozenset[int]:
    """Clusters of which the events tell how they ended."""
    dead = {one.identity for one in state.events if one.change is Change.DEATH}
    return frozenset(dead.union(*(one.others for one in state.events if one.change in ENDINGS)))


def told_since(state: StreamState) -> int:
    """The first window of which everything that happened is told."""
    return 0 if len(state.events) < MOST_EVENTS else state.events[0].window + 1


def lineage_in(state: StreamState, stream: str) -> tuple[tuple[str, ...], ...]:
    """Per cluster its name in the stream, and what happened to it: the newest first, in words of one spelling."""
    return tuple(
        (stream_name(stream, one.identity), *_happened(state, one.identity, one.born)) for one in state.clusters
    )


def stream_name(stream: str, identity: int) -> str:
    """A cluster's name for ever."""
    return f"{stream[:12]}#{identity}"


def _happened(state: StreamState, identity: int, born: int) -> tuple[str, ...]:
    own = [one for one in state.events if one.identity == identity]
    begun = any(one.change in {Change.SEEDED, Change.BIRTH, Change.SPLIT} for one in own)
    told = [_said(one) for one in reversed(own)]
    return tuple((told if begun else [*told, f"born {born}"])[:MOST_TOLD])


def _said(one: Event) -> str:
    return " ".join((one.change.value, str(one.window), *map(str, one.others)))
