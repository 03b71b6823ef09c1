"""Whether what the router thinks strange points at providers that a third party labelled: DE-SynPUF, weak labels.

The claims are synthetic and the labels follow size: the number of claims alone ranks providers well. So every score
stands beside that baseline, and is measured a second time among providers of like size, where size says little.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.private_data import CLAIMS
from benchmarks.routing_data import private_model, routed
from client.claims.mapping import load_mapping
from client.router.claims import RoutedClaims
from client.router.deciding.artefacts import LOT_BYTES
from client.router.deciding.distance import locate
from client.router.deciding.inputs import columns_of
from client.router.deciding.model import RoutingModel
from client.router.deciding.observing import observe
from client.router.deciding.scoring import MILLION, score
from common.features.rows import Featuriser

CLUSTERS, QUICK = 32, 40_000
TENTHS = 10
FOLDS, DRAWS = 5, 500

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def main(arguments: list[str] | None = None) -> None:
    """Print one table."""
    chosen = options(__doc__).parse_args(arguments)
    files = [CLAIMS / "synpuf2009.parquet", CLAIMS / "synpuf2009_provider_labels.parquet"]
    for missing in (path for path in files if not path.is_file()):
        print(f"skipped: this needs ../shared/data/claims/{missing.name}")
        return
    show_machine("fedclaims", "numpy", "scikit-learn")
    table, labels = (pq.read_table(path) for path in files)
    names, totals, strange = _strangeness(table.slice(0, QUICK) if chosen.quick else table)
    scores, truth = _scores(names, totals, strange, labels)
    print(f"{len(truth):,} labelled providers, {truth.mean():.0%} of them positive\n")
    show_heading(
        ["provider score", "AUC", "standard error", "less the claim count's", "standard error", "of like size"]
    )
    for name, values in scores.items():
        show_row([name, *_measured(values, scores["claim count"], truth)])


def _strangeness(table: pa.Table) -> tuple[npt.NDArray[np.str_], Floats, Floats]:
    """Provider, amount paid and strangeness of each claim: each division is a bureau with habits of its own."""
    mapping = load_mapping("de_synpuf")
    places = table["division"].cast(pa.string()).to_numpy()
    tables = {str(name).replace(" ", "-"): table.filter(pa.array(places == name)) for name in sorted(set(places))}
    model = private_model(tables, mapping, CLUSTERS, seed=0)
    routing, featuriser = RoutingModel.of(model), Featuriser(model.plan.features)
    claims = [routed(one, mapping) for one in tables.values()]
    coded = [(held.table.attributes["fixmedins_code"], held.table.total) for held in claims]
    names = np.concatenate([np.array(column.values)[column.indices] for column, _ in coded])
    totals = np.concatenate([total for _, total in coded]).astype(np.float64)
    return names, totals, np.concatenate([_scored(held, routing, featuriser) for held in claims])


def _scored(claims: RoutedClaims, model: RoutingModel, featuriser: Featuriser) -> Floats:
    """Strangeness of a bureau's claims beside its own habits."""
    places = locate(featuriser.rows(claims.table), model)
    habits = observe(claims.table, places.nearest, model, now=0)
    columns = columns_of(claims, bytes(LOT_BYTES))
    scores = score(columns, places.nearest, places.square, model, habits).scores / MILLION
    return np.asarray(1 / scores - 1)


def _scores(
    names: npt.NDArray[np.str_], totals: Floats, strange: Floats, labels: pa.Table
) -> tuple[Mapping[str, Floats], npt.NDArray[np.bool_]]:
    """Of the labelled providers, and their labels."""
    given = dict(zip(labels["provider_id"].to_pylist(), labels["label"].to_pylist(), strict=True))
    providers, places = np.unique(names, return_inverse=True)
    known = np.array([name in given for name in providers])
    truth = np.array([given[str(name)] == 1 for name in providers[known]])
    counts, paid = np.bincount(places).astype(np.float64), np.bincount(places, totals)
    sums, far = np.bincount(places, strange), strange > np.quantile(strange, 0.6)
    means = sums / counts
    size = np.log(np.stack([counts, paid + 1], axis=1))[known]
    both = np.column_stack([size, means[known], (np.bincount(places, far) / counts)[known]])
    return {
        "claim count": counts[known],
        "amount paid": paid[known],
        "router: mean strangeness of its claims": means[known],
        "router: share of its claims outside the most routine 60 %": (np.bincount(places, far) / counts)[known],
        "router: number of its claims outside them": np.bincount(places, far).astype(np.float64)[known],
        "router: sum of strangeness": sums[known],
        "learnt from labels: count and amount": _learnt(size, truth),
        "learnt from labels: these and the router's means": _learnt(both, truth),
    }, truth


def _learnt(columns: Floats, truth: npt.NDArray[np.bool_]) -> Floats:
    """Logistic regression, each fifth of the providers by the others."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return np.asarray(cross_val_predict(model, columns, truth, cv=folds, method="predict_proba")[:, 1])


def _measured(values: Floats, counts: Floats, truth: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    """AUC, and how far it lies above the claim count's, both with standard errors from drawing providers again."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(truth), len(truth)) for _ in range(DRAWS)]
    aucs = np.array([roc_auc_score(truth[rows], values[rows]) for rows in drawn])
    gains = aucs - np.array([roc_auc_score(truth[rows], counts[rows]) for rows in drawn])
    auc = float(roc_auc_score(truth, values))
    gain = auc - float(roc_auc_score(truth, counts))
    return auc, float(aucs.std()), gain, float(gains.std()), _among_like(values, counts, truth)


def _among_like(values: Floats, counts: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """AUC over pairs of providers in the same tenth by claim count."""
    tenths = np.digitize(counts, np.quantile(counts, np.arange(1, TENTHS) / TENTHS))
    right, pairs = 0.0, 0
    for tenth in np.unique(tenths):
        mine = tenths == tenth
        here = int(truth[mine].sum()) * int((~truth[mine]).sum())
        if here:
            right += here * float(roc_auc_score(truth[mine], values[mine]))
            pairs += here
    return right / pairs


if __name__ == "__main__":
    main()
