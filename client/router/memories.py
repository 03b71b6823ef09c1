"""What is kept of decided claims for rules and cards: events, clusters and providers, one piece a commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import msgpack
import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.rules.event import EVENT_WIDTH, Events, Field, events_of
from client.router.store.opening import StoreError
from common.columns import MISSING, CodeColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Of ``n`` claims that were decided together.

    Attributes:
        events: int64 ``(n, EVENT_WIDTH)``.
        model_sha256: Of the model in force.
        clusters: int32 ``(n,)``, the nearest.
        providers: Of the claims.
    """

    events: Events
    model_sha256: str
    clusters: npt.NDArray[np.int32]
    providers: CodeColumn

    @classmethod
    def of(cls, claims: RoutedClaims, nearest: npt.NDArray[np.int64], model_sha256: str, day: int) -> Self:
        """Of some claims, their clusters under a model, and the day on which they are decided."""
        return cls(
            events=events_of(claims, day),
            model_sha256=model_sha256,
            clusters=nearest.astype(np.int32),
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
            "model": self.model_sha256,
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
                events=np.frombuffer(found["events"], "<i8").reshape(-1, EVENT_WIDTH).astype(np.int64),
                model_sha256=found["model"],
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


def recent(pieces: Sequence[Piece], model_sha256: str) -> tuple[npt.NDArray[np.int64], CodeColumn]:
    """Clusters under a model, and providers, of all claims that were decided with it."""
    known: dict[str, int] = {}
    clusters, places = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    for piece in pieces:
        if piece.model_sha256 != model_sha256:
            continue
        renamed = [known.setdefault(value, len(known)) for value in piece.providers.values]
        table = np.array([*renamed, MISSING], np.int32)
        clusters.append(piece.clusters.astype(np.int64))
        places.append(table[piece.providers.indices])
    return np.concatenate(clusters), CodeColumn(indices=np.concatenate(places), values=tuple(known))
