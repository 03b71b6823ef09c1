"""NVFlare's k-means recipe in its simulator: ten sites, a seeding round and ten more."""

import sys
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import numpy as np
from nvflare.app_opt.sklearn import KMeansFedAvgRecipe  # type: ignore[import-not-found]  # in its own environment
from nvflare.recipe import SimEnv  # type: ignore[import-not-found]

SITES, CLUSTERS, ROUNDS = 10, 16, 11


def main(path: str, folder: str) -> None:
    """Run the job in ``folder`` and print the inertia around the centroids it leaves there."""
    recipe = KMeansFedAvgRecipe(
        name="kmeans",
        min_clients=SITES,
        num_rounds=ROUNDS,
        n_clusters=CLUSTERS,
        train_script=str(Path(__file__).with_name("nvflare_site.py")),
        train_args=path,
    )
    recipe.execute(SimEnv(num_clients=SITES, workspace_root=folder)).get_result()
    centroids = joblib.load(next(Path(folder).rglob("*.joblib")))["center"]
    rows = np.load(path).astype(np.float64)
    nearest = ((centroids**2).sum(axis=1) - 2.0 * rows @ centroids.T).min(axis=1)
    print(nearest.sum() + (rows**2).sum())


if __name__ == "__main__":
    main(*sys.argv[1:3])
