"""One site of NVFlare's scikit-learn k-means, as in its example: local k-means++, then one mini-batch step a round."""

import sys
from typing import Any

import numpy as np
import nvflare.client as flare  # type: ignore[import-not-found]  # in its own environment
from nvflare.app_common.abstract.fl_model import FLModel, ParamsType  # type: ignore[import-not-found]
from sklearn.cluster import MiniBatchKMeans, kmeans_plusplus

SITES, CLUSTERS = 10, 16


def main(path: str) -> None:
    """Answer rounds until the job ends."""
    flare.init()
    site = int(flare.get_site_name().rpartition("-")[2]) - 1
    rows = np.array_split(np.load(path), SITES)[site]
    while flare.is_running():
        model = flare.receive()
        params = _params(rows, model.params if model.current_round else None)
        flare.send(FLModel(params_type=ParamsType.FULL, params=params, metrics={"metrics": 0.0}))


def _params(rows: Any, given: dict[str, Any] | None) -> dict[str, Any]:
    if not given:
        return {"center": kmeans_plusplus(rows, n_clusters=CLUSTERS, random_state=0)[0], "count": None}
    fitted = MiniBatchKMeans(
        CLUSTERS, batch_size=len(rows), max_iter=1, init=given["center"], n_init=1, reassignment_ratio=0, random_state=0
    ).fit(rows)
    return {"center": fitted.cluster_centers_, "count": fitted._counts}


if __name__ == "__main__":
    main(sys.argv[1])
