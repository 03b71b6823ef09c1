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
        self._n_providers = 0

    def append(self, table: ClaimTable | None, n_claims: int) -> None:
        """Add the next claims; without a table they are undecided and nobody's."""
        if table is None:
            self._outcomes.append(np.full(n_claims, ClaimOutcome.UNDECIDED, np.int8))
            self._providers.append(np.zeros(n_claims, np.uint64))
        else:
            self._outcomes.append(outcomes_of(table))
            self._providers.append(providers_of(table))
        self._places = None

    def count(self, weights: Weights, labels: npt.NDArray[np.int32], start: int, n_clusters: int) -> Counted:
        """What consecutive claims add.

        Args:
            weights: Of the claims ``(n,)``.
            labels: Their clusters ``(n,)``.
            start: Place of the first of them.
            n_clusters: How many clusters there are.
        """
        places = self._settled()[start : start + len(labels)]
        outcomes = self._outcomes[0][start : start + len(labels)].astype(np.int64)
        return Counted(
            bounded_counts(weights, labels, outcomes, (n_clusters, len(DECIDED))),
            bounded_counts(weights, labels, places, (n_clusters, self._n_providers)),
        )

    def _settled(self) -> npt.NDArray[np.int64]:
        """The provider of each claim as a place among all providers; -1 for none."""
        if self._places is None:
            self._outcomes, self._providers = [np.concatenate(self._outcomes)], [np.concatenate(self._providers)]
            known, places = np.unique(self._providers[0], return_inverse=True)
            self._n_providers = len(known)
            self._places = np.where(self._providers[0] == 0, -1, places)
        return self._places


class Counted:
    """Sums of weights by cluster; those of parts of the claims add up."""

    def __init__(self, outcomes: npt.NDArray[np.int64], providers: npt.NDArray[np.int64]) -> None:
        """Of some claims: ``(K, 4)`` by outcome and ``(K, n_providers)`` by provider."""
        self._outcomes, self._providers = outcomes, providers

    def __add__(self, other: Counted) -> Counted:
        """Of both sets of claims."""
        return Counted(self._outcomes + other._outcomes, self._providers + other._providers)

    def words(self) -> npt.NDArray[np.int64]:
        """The answer to a round of outcomes, before noise: outcomes, then the largest provider of each cluster."""
        largest = self._providers.max(axis=1, initial=0)
        return np.concatenate([self._outcomes.ravel(), largest])
