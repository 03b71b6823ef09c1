"""The inside view: assigns every claim to the final clusters and describes them as no coordinator could.

Only a simulation can do this for all bureaus at once; a real bureau can do it for its own claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES
from common.features.spec import PER_MILLE, FeatureSpec, FeesBlock
from common.kernel import e_step
from common.model import Model
from common.summary import Shape, Summary
from simulations.agreement import contingency
from simulations.bureaus import Bureau, Bureaus
from simulations.story import FLOOR
from simulations.tally import Details

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Sums over all claims, per cluster.

    Attributes:
        inertia: Of the rows of these bureaus, claims weighted as the plan weights them.
        summary: Exact, with costs, of the bureaus whose claims are in the model.
        bureau_counts: ``(K, n_bureaus)``, bureaus largest first.
        diagnoses: ``(K, n_codes)``, claims by main diagnosis.
        operations: ``(K, n_codes)``, claims by main operation.
        truths: ``(K, n_groups)``, claims by known group; no columns where none is known.
        fee_shares: ``(K, 14)``, mean fee shares; zeros where the plan has no fee block.
        stay_days: ``(K,)``, mean of claims with a stay; NaN with fewer than ``FLOOR``.
        age_years: ``(K,)``, mean of claims with an age; NaN with fewer than ``FLOOR``.
    """

    inertia: float
    summary: Summary
    bureau_counts: Counts
    diagnoses: Counts
    operations: Counts
    truths: Counts
    fee_shares: Floats
    stay_days: Floats
    age_years: Floats


def look_inside(bureaus: Bureaus, model: Model) -> Inside:
    """Assign all claims of all bureaus to the model's clusters and add up what the tallies hold."""
    words = bureaus.vocabularies
    k = len(model.clusters)
    sums = {
        "diagnosis": np.zeros((k, len(words.diagnoses.values)), np.int64),
        "operation": np.zeros((k, len(words.operations.values)), np.int64),
        "truth": np.zeros((k, len(words.truths.values)), np.int64),
    }
    means = {"stay_days": np.zeros((k, 2)), "age_years": np.zeros((k, 2))}
    fees = np.zeros((k, len(FEE_CATEGORIES)))
    columns = []
    for bureau in bureaus.largest_first():
        labels = _labels_and_fees(bureau, model, fees)
        columns.append(np.bincount(labels, minlength=k))
        _add_details(labels, bureau, sums, means)
    counts = np.stack(columns, axis=1)
    return Inside(
        inertia=_inertia(bureaus, model),
        summary=_summary(bureaus, model),
        bureau_counts=counts,
        diagnoses=sums["diagnosis"],
        operations=sums["operation"],
        truths=sums["truth"],
        fee_shares=fees / np.maximum(counts.sum(axis=1), 1)[:, None],
        stay_days=_mean(means["stay_days"]),
        age_years=_mean(means["age_years"]),
    )


def _inertia(bureaus: Bureaus, model: Model) -> float:
    """Squared distances to the model's centroids, weighted."""
    centroids, exact, total = model.centroid_units(), model.centroid_values(), 0.0
    for name in set(bureaus.by_name).intersection(model.provenance.cohort):
        store, start = bureaus.by_name[name].store, 0
        weights = store.weights(model.plan.privacy) if model.plan.privacy else np.ones(len(store))
        for chunk in store.chunks():
            labels = e_step(chunk.rows, chunk.norms, centroids, store.n_threads).labels
            squares = ((chunk.rows - exact[labels]) ** 2).sum(axis=1)
            total += float(squares @ weights[start : start + len(squares)])
            start += len(squares)
    return total


def _summary(bureaus: Bureaus, model: Model) -> Summary:
    total = Summary.zeros(Shape(len(model.clusters), model.plan.features.n_features, with_costs=True))
    for name in set(bureaus.by_name).intersection(model.provenance.cohort):
        total += bureaus.by_name[name].store.summarise(model.centroid_units(), with_costs=True)
    return total


def _labels_and_fees(bureau: Bureau, model: Model, fees: Floats) -> npt.NDArray[np.int32]:
    """Labels of a bureau's claims; adds the fee shares that its rows hold as squares to ``fees``."""
    columns, per_share = _fee_columns(model.plan.features)
    centroids = model.centroid_units()
    found = [np.zeros(0, np.int32)]
    for chunk in bureau.store.chunks():
        labels = e_step(chunk.rows, chunk.norms, centroids, bureau.store.n_threads).labels
        if columns is not None:
            np.add.at(fees, labels, chunk.rows[:, columns].astype(np.float64) ** 2 * per_share)
        found.append(labels)
    return np.concatenate(found)


def _fee_columns(spec: FeatureSpec) -> tuple[slice | None, float]:
    for block, offset in zip(spec.blocks, spec.offsets(), strict=True):
        if isinstance(block, FeesBlock):
            return slice(offset, offset + len(FEE_CATEGORIES)), PER_MILLE / block.share
    return None, 0.0


def _add_details(
    labels: npt.NDArray[np.int32], bureau: Bureau, sums: dict[str, Counts], means: dict[str, Floats]
) -> None:
    start = 0
    for piece in bureau.tally.pieces():
        part = labels[start : start + len(piece.diagnosis)]
        start += len(piece.diagnosis)
        for name, table in sums.items():
            np.add(table, contingency(part, getattr(piece, name), table.shape), out=table)
        for name, sum_and_n in means.items():
            _add_to_mean(part, piece, name, sum_and_n)


def _add_to_mean(labels: npt.NDArray[np.int32], piece: Details, name: str, sum_and_n: Floats) -> None:
    values = getattr(piece, name)
    given = values >= 0
    k = len(sum_and_n)
    sum_and_n[:, 0] += np.bincount(labels[given], values[given], minlength=k)
    sum_and_n[:, 1] += np.bincount(labels[given], minlength=k)


def _mean(sum_and_n: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(sum_and_n[:, 1] >= FLOOR, sum_and_n[:, 0] / np.maximum(sum_and_n[:, 1], 1), np.nan)
