"""What refinement gains and costs: inertia over the pooled reference, and rounds, with and without it.

Run ``python -m benchmarks.refinement`` from the project's root; it needs the real inpatient claims in
``../shared/data`` and says so where they are absent.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from client.rowstore import RowStore
from common.features.default import default_spec
from common.plan import Phase, Plan, Protection
from common.rounds import Outcome, Round, first_round, next_round
from common.summary import inertia
from simulations.bureaus import FileClaims, gather_bureaus

CLAIMS = Path(__file__).parents[2] / "shared" / "data" / "claims" / "sih_sus.parquet"


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=8)
    options.add_argument("--clusters", type=int, nargs="+", default=[8, 16, 32, 64])
    chosen = options.parse_args()
    if not CLAIMS.exists():
        print("the real claims are not here; nothing was measured")
        return
    spec = default_spec("icd10", "sigtap")
    claims = FileClaims(paths=[str(CLAIMS)], mapping_name="sih_sus", bureau_column=None, n_bureaus=1, seed=0)
    (bureau,) = gather_bureaus(claims, spec, 200_000).by_name.values()
    rows = np.concatenate([chunk.rows for chunk in bureau.store.chunks()])
    print("| K | refinement | inertia / reference: median | worst | rounds: median |\n|---|---|---|---|---|")
    with threadpool_limits(1, user_api="blas"):
        for n_clusters in chosen.clusters:
            reference = reference_inertia(rows, n_clusters)
            for breadth in (0, 50):
                plans = [
                    Plan(
                        features=spec,
                        protection=Protection.NONE,
                        n_clusters=n_clusters,
                        refining_breadth=breadth,
                        seed=seed,
                        min_cohort=1,
                    )
                    for seed in range(chosen.seeds)
                ]
                found = [outcome_of(plan, bureau.store) for plan in plans]
                ratios = [inertia(one.summary, one.centroids) / reference for one in found]
                rounds = statistics.median(one.rounds for one in found)
                print(
                    f"| {n_clusters} | {'on' if breadth else 'off'} | {statistics.median(ratios):.4f} "
                    f"| {max(ratios):.4f} | {rounds:.0f} |",
                    flush=True,
                )


def reference_inertia(rows: npt.NDArray[np.float32], n_clusters: int) -> float:
    """Scikit-learn's k-means++ on the pooled rows, best of ten."""
    return float(KMeans(n_clusters, n_init=10, random_state=0).fit(rows).inertia_)


def outcome_of(plan: Plan, store: RowStore) -> Outcome:
    """The end of a run over one bureau's rows."""
    asked: Round | Outcome = first_round(plan)
    while isinstance(asked, Round):
        summary = store.summarise(asked.centroids, with_costs=asked.phase is Phase.MEASURE)
        asked = next_round(plan, asked, summary)
    return asked


if __name__ == "__main__":
    main()
