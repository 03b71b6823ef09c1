"""The plan that counts how past claims were decided around the clusters of a model that is in force."""

from __future__ import annotations

import numpy as np

from common.errors import PlanError
from common.grid import to_grid
from common.model import Model
from common.plan import Plan
from common.start import Start

MEASURE, OUTCOMES = 100, 800
"""Per mille; with one round each and no polishing, what counts is their proportion."""

REACH = 3.0
"""Root mean squared distances that a cluster's squares are bounded to; clusters whose spread is hidden: everywhere."""


def counting_plan(model: Model, epsilon_thousandths: int) -> Plan:
    """A plan of two rounds: the clusters' figures once more, and their past outcomes.

    Guarantees:
        * It asks about the model's own centroids, and moves none of them.
        * Whom it protects, and on which terms, is what the model's own plan said, at another epsilon.

    Args:
        model: In force; of a protected plan.
        epsilon_thousandths: Of the whole run.

    Raises:
        PlanError: If the model's plan protected nobody: then nobody has agreed on terms.
    """
    plan = model.plan
    if plan.privacy is None:
        raise PlanError("outcomes are counted under a protected plan: make a model with --protection secure or noise")
    centroids = model.centroid_units()
    spread = [cluster.mean_square_distance for cluster in model.clusters]
    radii = np.clip([2.0 if one is None else REACH * float(np.sqrt(one)) for one in spread], 0.001, 2.0)
    division = {"seeding": 50, "measure": MEASURE, "outcomes": OUTCOMES, "polish_rounds": 0}
    privacy = plan.privacy.model_dump() | {"epsilon_thousandths": epsilon_thousandths, "division": division}
    changes = {
        "name": f"{plan.name[:39]}-outcomes",
        "privacy": privacy,
        "n_clusters": len(centroids),
        "start": Start.of(centroids, to_grid(radii)).model_dump(),
    }
    return Plan.model_validate(plan.model_dump() | changes)
