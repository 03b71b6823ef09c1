"""The reference: scikit-learn's k-means on all rows in one place, which is what a federated run must match."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from common.costs import sum_costs
from common.privacy import Privacy
from common.quality import riv_of_log_cost
from common.weighting import Weighting
from simulations.agreement import adjusted_rand_index, contingency
from simulations.bureaus import Bureaus

STARTS = 10
"""k-means++ starts; the best of them is the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What pooling all claims would have given.

    Attributes:
        inertia: Of the best of ``STARTS``, claims weighted as the plan weights them.
        claims_inertia: Of the same clusters, every claim counted once.
        riv_log_cost: RIV of log cost of its clusters.
        truth_ari: Agreement of its clusters with the known groups; None where none is known.
    """

    inertia: float
    claims_inertia: float
    riv_log_cost: float
    truth_ari: float | None


def fit_reference(
    bureaus: Bureaus, n_clusters: int, seed: int, n_threads: int, privacy: Privacy | None = None
) -> Reference:
    """Pool all rows and fit scikit-learn's k-means, best of ``STARTS``.

    Starts run beside each other, one thread each: scikit-learn's own threads wait for each other in every iteration,
    which takes ten times as long on a machine that is busy with anything else.

    Args:
        bureaus: Whose rows.
        n_clusters: How many.
        seed: Of the first start.
        n_threads: Starts beside each other.
        privacy: How the plan weights claims; if None, every claim counts once.
    """
    pooled = bureaus.largest_first()
    rows = np.concatenate([chunk.rows for bureau in pooled for chunk in bureau.store.chunks()])

    weights = pooled_weights(bureaus, privacy)

    def start(number: int) -> KMeans:
        return KMeans(n_clusters, n_init=1, random_state=(seed + number) % 2**32).fit(rows, sample_weight=weights)

    with threadpool_limits(1), ThreadPoolExecutor(n_threads) as pool:
        best = min(pool.map(start, range(STARTS)), key=lambda fitted: float(fitted.inertia_))
    labels = best.labels_.astype(np.int32)
    return Reference(
        inertia=float(best.inertia_),
        claims_inertia=float(((rows - best.cluster_centers_[labels]) ** 2).sum(dtype=np.float64)),
        riv_log_cost=_riv(bureaus, labels, n_clusters),
        truth_ari=_ari(bureaus, labels, n_clusters),
    )


def pooled_weights(bureaus: Bureaus, privacy: Privacy | None) -> npt.NDArray[np.float64] | None:
    """Weights of all claims, bureaus largest first; None where every claim counts once."""
    if privacy is None or privacy.weighting is Weighting.EACH_CLAIM:
        return None
    return np.concatenate([bureau.store.weights(privacy) for bureau in bureaus.largest_first()])


def _riv(bureaus: Bureaus, labels: np.typing.NDArray[np.int32], n_clusters: int) -> float:
    start, sums = 0, np.zeros((n_clusters, 5), np.int64)
    for bureau in bureaus.largest_first():
        for chunk in bureau.store.chunks():
            sums += sum_costs(chunk.costs, labels[start : start + len(chunk.rows)], n_clusters)
            start += len(chunk.rows)
    return riv_of_log_cost(sums)


def _ari(bureaus: Bureaus, labels: np.typing.NDArray[np.int32], n_clusters: int) -> float | None:
    n_groups = len(bureaus.vocabularies.truths.values)
    if not n_groups:
        return None
    truth = np.concatenate([bureau.tally.column("truth") for bureau in bureaus.largest_first()])
    return adjusted_rand_index(contingency(labels, truth, (n_clusters, n_groups)))
