"""From which providers the recent claims of each cluster came: counted as claims are decided, forgotten day by day."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.weighing import PER_MILLE, UNCOUNTED
from client.router.memories import Piece
from common.columns import MISSING, CodeColumn

RECENT_DAYS = 90
"""What counts as recent where providers and shares of claims are counted."""

Integers = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Pair = tuple[int, str | None]
"""A cluster and a provider; None where a claim names none."""


class Concentration:
    """Counts of decided claims by cluster and provider, under one model.

    Guarantees:
        * The share of a claim's provider is that among the claims of its cluster that were decided before it: alone, in
          an earlier batch, or earlier in its own. So claims that come together get the shares that they would get one
          after another.
        * Below the policy's ``min_provider_claims`` the cards say the share, if they were made from so many; otherwise
          nobody knows it.
        * Memory grows with the pairs of cluster and provider of each recent day alone.
    """

    def __init__(self, artefacts: Artefacts) -> None:
        """Nothing is counted yet.

        Args:
            artefacts: Whose clusters are counted, and whose policy and cards count.
        """
        self._model_sha256 = artefacts.model.sha256
        self._pairs: dict[Pair, int] = {}
        self._totals = np.zeros(len(artefacts.model), np.int64)
        self._days: deque[tuple[int, dict[Pair, int]]] = deque()
        self.guard(artefacts)

    @classmethod
    def of(cls, pieces: Iterable[Piece], artefacts: Artefacts) -> Self:
        """What some pieces hold of claims that were decided with the same model."""
        found = cls(artefacts)
        for piece in pieces:
            found.remember(piece)
        return found

    def guard(self, artefacts: Artefacts) -> None:
        """Go by another policy and other cards of the same model from now on.

        Raises:
            ValueError: If they are of another model.
        """
        if artefacts.model.sha256 != self._model_sha256:
            msg = "the clusters of another model are counted anew"
            raise ValueError(msg)
        self._least = artefacts.policy.min_provider_claims
        self._said: dict[Pair, int] = dict(artefacts.shares_of_providers.items())
        self._unsaid = np.full(len(artefacts.model), UNCOUNTED, np.int64)
        self._unsaid[[card.cluster for card in artefacts.cards.cards if card.recent >= self._least]] = 0

    def remember(self, piece: Piece) -> None:
        """Count the claims of a piece; none if they were decided with another model."""
        if piece.model_sha256 != self._model_sha256 or not len(piece.clusters):
            return
        if not self._days or self._days[-1][0] != piece.day:
            self._days.append((piece.day, {}))
        self._totals += np.bincount(piece.clusters, minlength=len(self._totals))
        pairs, today = self._pairs, self._days[-1][1]
        for pair, count in _tally(piece):
            pairs[pair] = pairs.get(pair, 0) + count
            today[pair] = today.get(pair, 0) + count

    def forget(self, today: int) -> None:
        """Let go of what was decided more than ``RECENT_DAYS`` before today."""
        while self._days and self._days[0][0] < today - RECENT_DAYS:
            for pair, count in self._days.popleft()[1].items():
                self._totals[pair[0]] -= count
                self._pairs[pair] -= count
                if not self._pairs[pair]:
                    del self._pairs[pair]

    def share(self, cluster: int, provider: str | None) -> int:
        """Of the cluster's recent claims those of a provider, per mille; ``UNCOUNTED`` if nobody knows."""
        total = self._totals.item(cluster)
        if total < self._least:
            return self._said.get((cluster, provider), self._unsaid.item(cluster))
        return 0 if provider is None else self._pairs.get((cluster, provider), 0) * PER_MILLE // total

    def shares(self, clusters: Integers, providers: CodeColumn) -> Integers:
        """The same for claims that are decided together, each after those before it; int64 ``(n,)``."""
        keys, pairs, places = _distinct(clusters, providers)
        before = np.array([self._pairs.get(pair, 0) for pair in pairs], np.int64)[places]
        said = np.array([self._said.get(pair, self._unsaid.item(pair[0])) for pair in pairs], np.int64)[places]
        totals = self._totals[clusters] + _earlier(clusters)
        counted = (before + _earlier(keys)) * PER_MILLE // np.maximum(totals, 1)
        return np.where(totals < self._least, said, np.where(providers.indices == MISSING, 0, counted))


def _tally(piece: Piece) -> Iterable[tuple[Pair, int]]:
    """How many claims of a piece each pair has."""
    if len(piece.clusters) == 1:
        return [(_pair(piece.clusters.item(), piece.providers.indices.item(), piece.providers.values), 1)]
    _, pairs, places = _distinct(piece.clusters.astype(np.int64), piece.providers)
    return zip(pairs, np.bincount(places).tolist(), strict=True)


def _distinct(clusters: Integers, providers: CodeColumn) -> tuple[Integers, list[Pair], Places]:
    """A number for the pair of each claim, the different pairs, and which of these each claim has."""
    width = len(providers.values) + 1
    keys = clusters * width + providers.indices + 1  # MISSING is -1
    found, places = np.unique(keys, return_inverse=True)
    return keys, [_pair(key // width, key % width - 1, providers.values) for key in found.tolist()], places


def _pair(cluster: int, place: int, values: tuple[str, ...]) -> Pair:
    return cluster, None if place == MISSING else values[place]


def _earlier(keys: Integers) -> Integers:
    """How many claims before each one have the same key."""
    order = np.argsort(keys, kind="stable")
    begins = np.append(True, np.diff(keys[order]) != 0)[: len(keys)]
    places = np.arange(len(keys))
    found = np.empty(len(keys), np.int64)
    found[order] = places - np.maximum.accumulate(np.where(begins, places, 0))
    return found
