"""The model: what a run publishes and a bureau's router applies."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.grid import GRID_UNITS, from_grid
from common.kernel import MAX_CENTROID_NORM
from common.plan import Plan
from common.quality import cv_of_cost, riv_of_cost, riv_of_log_cost, share_with_cv_below_one
from common.rounds import Outcome
from common.summary import cell_inertia, inertia

MODEL_FORMAT: Literal["fedclaims/model/1"] = "fedclaims/model/1"

_FARTHEST = int(MAX_CENTROID_NORM) * GRID_UNITS
_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

Coordinate = Annotated[int, Field(ge=-_FARTHEST, le=_FARTHEST)]
"""Grid units; no centroid that a run can have reaches further."""


class Provenance(BaseModel):
    """Where a model comes from.

    Attributes:
        session: Hexadecimal identity of the run.
        rounds: How many rounds it took.
        cohort: Bureaus whose claims are in it.
        lost: Bureaus that joined and were lost on the way; their claims are not in it.
        version: Of the software that made it.
    """

    model_config = _STRICT

    session: str
    rounds: int
    cohort: tuple[str, ...]
    lost: tuple[str, ...] = ()
    version: str


class Cluster(BaseModel):
    """One cluster as published.

    Attributes:
        count: Claims in it.
        mean_square_distance: Of its claims to its mean, squared feature units.
        cost_n: Claims with a positive cost.
        cost_mean: Yuan, of costs capped as the plan says; 0 where no claim has a cost.
        cost_cv: Standard deviation over mean of capped cost; None where no claim has a cost.
    """

    model_config = _STRICT

    count: int
    mean_square_distance: float
    cost_n: int
    cost_mean: float
    cost_cv: float | None


class Quality(BaseModel):
    """What the run knows of its own quality, from sums alone.

    Attributes:
        n_claims: Claims in all clusters.
        inertia: Sum of squared distances to the centroids, squared feature units.
        riv_log_cost: Share of the variance of log cost that lies between clusters; costs capped as the plan says.
        riv_cost: The same of cost itself.
        share_clusters_cv_below_1: Share of clusters whose coefficient of variation of cost is below 1.
    """

    model_config = _STRICT

    n_claims: int
    inertia: float
    riv_log_cost: float
    riv_cost: float
    share_clusters_cv_below_1: float


class Model(BaseModel):
    """Centroids, plan, fingerprint, provenance. Clusters stand in falling order of size.

    Attributes:
        centroids: Grid units of ``2**-20``, one list a cluster.
        centroids_sha256: Over shape and little-endian words; equal hashes mean equal centroids, bit for bit.
    """

    model_config = _STRICT

    format: Literal["fedclaims/model/1"]
    plan: Plan
    plan_fingerprint: str
    centroids: Annotated[tuple[tuple[Coordinate, ...], ...], Field(min_length=1)]
    centroids_sha256: str
    clusters: tuple[Cluster, ...]
    quality: Quality
    provenance: Provenance

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        centroids = self.centroid_units()
        if self.plan_fingerprint != self.plan.fingerprint or self.centroids_sha256 != centroids_digest(centroids):
            msg = "the model's digests do not match its plan and centroids"
            raise ValueError(msg)
        if centroids.shape != (len(self.clusters), self.plan.features.n_features):
            msg = "the model's centroids do not match its clusters and features"
            raise ValueError(msg)
        return self

    def centroid_units(self) -> npt.NDArray[np.int64]:
        """Centroids in grid units, int64 ``(K, d)``."""
        return np.array(self.centroids, np.int64).reshape(len(self.centroids), -1)

    def centroid_values(self) -> npt.NDArray[np.float64]:
        """Centroids in feature units, float64 ``(K, d)``."""
        return from_grid(self.centroid_units())

    def to_json(self) -> bytes:
        """As written to ``model.json`` and sent to bureaus."""
        return self.model_dump_json(indent=1).encode()


def centroids_digest(centroids: npt.NDArray[np.int64]) -> str:
    """SHA-256 over ``KxD`` and the little-endian words, hexadecimal."""
    return hashlib.sha256(
        f"{len(centroids)}x{centroids.shape[1]}:".encode() + centroids.astype("<i8").tobytes()
    ).hexdigest()


def model_of(plan: Plan, outcome: Outcome, provenance: Provenance) -> Model:
    """The model of a finished run, largest cluster first."""
    order = np.argsort(-outcome.summary.counts, kind="stable")
    centroids, summary = outcome.centroids[order], outcome.summary.select(order)
    spread = cell_inertia(summary) / np.maximum(summary.counts, 1)
    cvs = cv_of_cost(summary.costs)
    clusters = tuple(
        Cluster(
            count=int(summary.counts[k]),
            mean_square_distance=float(spread[k]),
            cost_n=int(summary.costs[k, 0]),
            cost_mean=float(summary.costs[k, 3] / max(summary.costs[k, 0], 1)),
            cost_cv=None if np.isnan(cvs[k]) else float(cvs[k]),
        )
        for k in range(len(centroids))
    )
    return Model(
        format=MODEL_FORMAT,
        plan=plan,
        plan_fingerprint=plan.fingerprint,
        centroids=tuple(tuple(int(unit) for unit in row) for row in centroids),
        centroids_sha256=centroids_digest(centroids),
        clusters=clusters,
        quality=Quality(
            n_claims=summary.n_rows,
            inertia=inertia(summary, centroids),
            riv_log_cost=riv_of_log_cost(summary.costs),
            riv_cost=riv_of_cost(summary.costs),
            share_clusters_cv_below_1=share_with_cv_below_one(summary.costs),
        ),
        provenance=provenance,
    )
