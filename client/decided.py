"""How the claims of a store were decided, and by whom they were brought: counted by cluster, for risk cards."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.columns import ClaimTable
from common.outcomes import DECIDED, ClaimOutcome, Codes, ProviderIds, outcomes_of, providers_of
from common.private.bounding import bounded_counts
from common.weighting import Weights


class Decided:
    """Outcomes and providers, claim by claim, in the order of the rows; they stay in the bureau."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._outcomes: list[Codes] = [np.zeros(0, np.int8)]
        self._providers: list[ProviderIds] = [np.zeros(0, np.uint64)]
        self._places: npt.NDArray[np.int64] | None = None

    def append(self, table: ClaimTable | None, n_claims: int) -> None:
        """Add the next claims; without a table they are undecided and nobody's."""
        if table is None:
            self._outcomes.append(np.full(n_claims, ClaimOutcome.UNDECIDED, np.int8))
            self._providers.append(np.zeros(n_claims, np.uint64))
        else:
            self._outcomes.append(outcomes_of(table))
            self._providers.append(providers_of(table))
        self._places = None

    def select(self, claims: npt.NDArray[np.intp]) -> Decided:
        """Some of the claims, in this order."""
        found = Decided()
        found._outcomes = [np.concatenate(self._outcomes)[claims]]
        found._providers = [np.concatenate(self._providers)[claims]]
        return found

    def counting(self, n_clusters: int) -> Counting:
        """Ready to count the claims, from the first one on."""
        places = self._settled()
        return Counting(self._outcomes[0], places, n_clusters)

    def _settled(self) -> npt.NDArray[np.int64]:
        """The provider of each claim as a place among all providers; -1 for none."""
        if self._places is None:
            self._outcomes, self._providers = [np.concatenate(self._outcomes)], [np.concatenate(self._providers)]
            _, places = np.unique(self._providers[0], return_inverse=True)
            self._places = np.where(self._providers[0] == 0, -1, places)
        return self._places


class Counting:
    """Sums of weights by cluster, claim by claim; takes 12 bytes a claim, however many providers there are."""

    def __init__(self, outcomes: Codes, providers: npt.NDArray[np.int64], n_clusters: int) -> None:
        """Nothing is counted yet.

        Args:
            outcomes: Of all claims ``(n,)``.
            providers: Of all claims ``(n,)``, as places; -1 for none.
            n_clusters: How many clusters there are.
        """
        self._outcomes, self._providers, self._n_clusters = outcomes, providers, n_clusters
        self._n_counted, self._decided = 0, np.zeros((n_clusters, len(DECIDED)), np.int64)
        self._labels: list[npt.NDArray[np.int32]] = []
        self._weights: list[npt.NDArray[np.int32]] = []

    def add(self, weights: Weights, labels: npt.NDArray[np.int32]) -> None:
        """Count the next claims: their weights and clusters ``(n,)``."""
        part = slice(self._n_counted, self._n_counted + len(labels))
        kinds = self._outcomes[part].astype(np.int64)
        self._decided += bounded_counts(weights, labels, kinds, self._decided.shape)
        self._labels.append(labels.astype(np.int32))
        self._weights.append(weights.astype(np.int32))
        self._n_counted = part.stop

    def words(self) -> npt.NDArray[np.int64]:
        """The answer to a round of outcomes, before noise: outcomes, then the largest provider of each cluster."""
        return np.concatenate([self._decided.ravel(), self._largest()])

    def _largest(self) -> npt.NDArray[np.int64]:
        found = np.zeros(self._n_clusters, np.int64)
        named = self._providers[: self._n_counted] >= 0
        if not named.any():
            return found
        labels, weights = np.concatenate(self._labels)[named], np.concatenate(self._weights)[named].astype(np.int64)
        width = int(self._providers.max()) + 1
        pairs = labels.astype(np.int64) * width + self._providers[: self._n_counted][named]
        order = np.argsort(pairs, kind="stable")
        starts = np.flatnonzero(np.append(True, np.diff(pairs[order]) > 0))
        sums = np.add.reduceat(weights[order], starts)
        np.maximum.at(found, pairs[order][starts] // width, sums)
        return found
