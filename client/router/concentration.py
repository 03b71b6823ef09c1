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
    """Counts of decided claims by cluster and provider, under one model, or under all models of one stream.

    Guarantees:
        * The share of a claim's provider is that among the claims of its cluster that were decided before it: alone, in
          an earlier batch, or earlier in its own. So claims that come together get the shares that they would get one
          after another.
        * In a stream clusters are counted by their identities, whatever their order and version. A cluster has the
          claims of those that have merged into it, and those of the cluster it was split from while its own are too
          few.
        * Below the policy's ``min_provider_claims`` the cards say the share, if they were made from so many; otherwise
          nobody knows it.
        * Memory grows with the pairs of cluster and provider of each recent day alone.
    """

    def __init__(self, artefacts: Artefacts) -> None:
        """Nothing is counted yet.

        Args:
            artefacts: Whose clusters are counted, and whose policy and cards count.
        """
        self._family = artefacts.model.family
        self._pairs: dict[Pair, int] = {}
        self._totals: dict[int, int] = {}
        self._days: deque[tuple[int, dict[Pair, int]]] = deque()
        self.guard(artefacts)

    @classmethod
    def of(cls, pieces: Iterable[Piece], artefacts: Artefacts) -> Self:
        """What some pieces hold of claims that were decided with the same model, or one of its stream."""
        found = cls(artefacts)
        for piece in pieces:
            found.remember(piece)
        return found

    def guard(self, artefacts: Artefacts) -> None:
        """Go by another policy, other cards, or another model of the same stream from now on.

        Raises:
            ValueError: If they are of another model or stream.
        """
        if artefacts.model.family != self._family:
            msg = "the clusters of another model are counted anew"
            raise ValueError(msg)
        self._least = artefacts.policy.min_provider_claims
        self._said: dict[Pair, int] = dict(artefacts.shares_of_providers.items())
        counting = [None if card is None else card.recent for card in artefacts.counting_cards]
        enough = [recent is not None and recent >= self._least for recent in counting]
        self._unsaid = np.where(enough, 0, UNCOUNTED).astype(np.int64)
        self._generations = [tuple(kin.generations()) for kin in artefacts.model.kin]
        self._depth = max(map(len, self._generations))

    def remember(self, piece: Piece) -> None:
        """Count the claims of a piece; none if they were decided with another model."""
        if piece.family != self._family or not len(piece.clusters):
            return
        if not self._days or self._days[-1][0] != piece.day:
            self._days.append((piece.day, {}))
        today = self._days[-1][1]
        for pair, count in _tally(piece):
            self._add(pair, count)
            today[pair] = today.get(pair, 0) + count

    def forget(self, today: int) -> None:
        """Let go of what was decided more than ``RECENT_DAYS`` before today."""
        while self._days and self._days[0][0] < today - RECENT_DAYS:
            for pair, count in self._days.popleft()[1].items():
                self._add(pair, -count)

    def share(self, cluster: int, provider: str | None) -> int:
        """Of the cluster's recent claims those of a provider, per mille; ``UNCOUNTED`` if nobody knows.

        Args:
            cluster: Its place in the model.
            provider: Of the claim.
        """
        total = own = 0
        for numbers in self._generations[cluster]:
            total += self._total(numbers)
            own += self._of((numbers, provider))
            if total >= self._least:
                return 0 if provider is None else own * PER_MILLE // total
        return self._said.get((cluster, provider), self._unsaid.item(cluster))

    def shares(self, clusters: Integers, providers: CodeColumn) -> Integers:
        """The same for claims that are decided together, each after those before it; int64 ``(n,)``."""
        keys, pairs, places = _distinct(clusters, providers)
        totals, own = _earlier(clusters), _earlier(keys)
        for depth in range(self._depth):
            short = totals < self._least if depth else np.ones(len(keys), np.bool_)
            older = [(self._older(cluster, depth), provider) for cluster, provider in pairs]
            totals = totals + np.where(short, _looked_up(map(self._total, (ids for ids, _ in older)), places), 0)
            own = own + np.where(short, _looked_up(map(self._of, older), places), 0)
        said = _looked_up((self._said.get(pair, self._unsaid.item(pair[0])) for pair in pairs), places)
        counted = own * PER_MILLE // np.maximum(totals, 1)
        return np.where(totals < self._least, said, np.where(providers.indices == MISSING, 0, counted))

    def _add(self, pair: Pair, count: int) -> None:
        number = pair[0]
        self._totals[number] = self._totals.get(number, 0) + count
        self._pairs[pair] = self._pairs.get(pair, 0) + count
        if not self._pairs[pair]:
            del self._pairs[pair]

    def _older(self, cluster: int, depth: int) -> tuple[int, ...]:
        """Numbers of one generation before a cluster; none where there is none."""
        generations = self._generations[cluster]
        return generations[depth] if depth < len(generations) else ()

    def _total(self, numbers: tuple[int, ...]) -> int:
        return sum([self._totals.get(number, 0) for number in numbers])

    def _of(self, wanted: tuple[tuple[int, ...], str | None]) -> int:
        numbers, provider = wanted
        return sum([self._pairs.get((number, provider), 0) for number in numbers])


def _looked_up(found: Iterable[int], places: Places) -> Integers:
    """Of each claim what was found for its pair."""
    return np.array(list(found), np.int64)[places]


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
