"""What is kept of decided claims for rules and cards: events, clusters and providers, one piece a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import msgpack
import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.rules.event import EVENT_WIDTH, FIRST_WIDTH, Events, Field, events_kept
from client.router.store.opening import StoreError
from common.columns import MISSING, CodeColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Of ``n`` claims that were decided together.

    Attributes:
        events: int64 ``(n, EVENT_WIDTH)``.
        family: Of the model in force: by its SHA-256, or by its stream (``RoutingModel.family``).
        clusters: int32 ``(n,)``, the nearest, by their numbers in the family.
        providers: Of the claims.
    """

    events: Events
    family: str
    clusters: npt.NDArray[np.int32]
    providers: CodeColumn

    @classmethod
    def of(cls, claims: RoutedClaims, events: Events, clusters: npt.NDArray[np.int64], family: str) -> Self:
        """Of some claims, with what rules remember of them and the numbers of their clusters in a family."""
        return cls(
            events=events,
            family=family,
            clusters=clusters.astype(np.int32),
            providers=providers_of(claims),
        )

    @property
    def day(self) -> int:
        """On which these claims were decided; there is at least one."""
        return self.events.item(0, int(Field.REMEMBERED))

    def to_bytes(self) -> bytes:
        """As it is kept."""
        held = {
            "events": self.events.astype("<i8").tobytes(),
            "width": EVENT_WIDTH,
            "model": self.family,
            "clusters": self.clusters.astype("<i4").tobytes(),
            "providers": list(self.providers.values),
            "places": self.providers.indices.astype("<i4").tobytes(),
        }
        return bytes(msgpack.packb(held))

    @classmethod
    def from_bytes(cls, held: bytes) -> Self:
        """As it was kept.

        Raises:
            StoreError: If it is damaged.
        """
        try:
            found = msgpack.unpackb(held)
            return cls(
                events=events_kept(found["events"], found.get("width", FIRST_WIDTH)),
                family=found["model"],
                clusters=np.frombuffer(found["clusters"], "<i4").astype(np.int32),
                providers=CodeColumn(
                    indices=np.frombuffer(found["places"], "<i4").astype(np.int32), values=tuple(found["providers"])
                ),
            )
        except (ValueError, KeyError, TypeError, msgpack.UnpackException):
            msg = "what the rules remember is damaged: restore the store from its copy"
            raise StoreError(msg) from None


def providers_of(claims: RoutedClaims) -> CodeColumn:
    """The provider of each claim, as its normalised code."""
    found = claims.table.attributes.get("fixmedins_code")
    nobody = CodeColumn(indices=np.full(len(claims), MISSING, np.int32), values=())
    return nobody if found is None else found


def events_in(pieces: Sequence[Piece]) -> Events:
    """The events of all pieces, in their order."""
    return np.concatenate([np.empty((0, EVENT_WIDTH), np.int64), *(piece.events for piece in pieces)])


def recent(pieces: Sequence[Piece], family: str) -> tuple[npt.NDArray[np.int64], CodeColumn]:
    """Numbers of clusters in a family, and providers, of all claims that were decided with a model of it."""
    known: dict[str, int] = {}
    clusters, places = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    for piece in pieces:
        if piece.family != family:
            continue
        renamed = [known.setdefault(value, len(known)) for value in piece.providers.values]
        table = np.array([*renamed, MISSING], np.int32)
        clusters.append(piece.clusters.astype(np.int64))
        places.append(table[piece.providers.indices])
    return np.concatenate(clusters), CodeColumn(indices=np.concatenate(places), values=tuple(known))
