"""The product's own schedule on rows in memory, without bureaus or a transport: sums do not depend on either."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from common.features.rows import Rows
from common.features.spec import FeatureSpec
from common.kernel import e_step, row_norms
from common.plan import Phase, Plan, Protection
from common.rounds import Outcome, first_round, next_round
from common.summary import Summary


def fit_rows(
    rows: Rows, spec: FeatureSpec, n_clusters: int, seed: int = 0, smallest_cluster: int = 11
) -> npt.NDArray[np.int32]:
    """Labels of the rows after a whole run, int32 ``(n_rows,)``."""
    plan = Plan(
        features=spec, protection=Protection.NONE, n_clusters=n_clusters, seed=seed, smallest_cluster=smallest_cluster
    )
    norms, current = row_norms(rows), first_round(plan)
    with threadpool_limits(1, user_api="blas"):
        while True:
            step = e_step(rows, norms, current.centroids)
            costs = np.zeros((len(current.centroids), 5 if current.phase is Phase.MEASURE else 0), np.int64)
            summary = Summary(counts=step.counts, sums=step.sums, squares=step.squares, costs=costs)
            following = next_round(plan, current, summary)
            if isinstance(following, Outcome):
                return step.labels
            current = following
