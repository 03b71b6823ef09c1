"""The model: what a run publishes and a bureau's router applies."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from common.accounting.charges import noise_multiplier, rdp_epsilon
from common.figures import figures_of, outcome_figures_of
from common.grid import from_grid
from common.plan import Plan
from common.private.asked import PrivateOutcome
from common.rounds import Outcome
from common.start import Coordinate
from common.stream.state import StreamState

MODEL_FORMAT: Literal["fedclaims/model/3"] = "fedclaims/model/3"

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


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
    """One cluster as published. What is None lies below the floor, or was not measured.

    Attributes:
        count: Claims in it, or insured persons where the plan shares weights; noisy where the plan adds noise.
        mean_square_distance: Of its claims to its mean, squared feature units.
        cost_n: Claims with a positive cost.
        cost_mean: Yuan, of costs capped as the plan says.
        cost_geometric_mean: Yuan, the same; with noise, of costs between a thousandth of the cap and the cap.
        cost_cv: Standard deviation over mean of capped cost.
    """

    model_config = _STRICT

    count: int | None
    mean_square_distance: float | None
    cost_n: int | None
    cost_mean: float | None
    cost_geometric_mean: float | None
    cost_cv: float | None


Figure = Annotated[int, Field(ge=0)] | None
"""A count that is shown, or None."""


class ClusterOutcomes(BaseModel):
    """How past claims of one cluster were decided. What is None lies below the floor.

    Attributes:
        decided: Claims with an outcome, or insured persons where the plan shares weights.
        adverse_low: Of them reduced, denied or confirmed fraud: no fewer than this.
        adverse_high: No more than this.
        fraud: Of them confirmed fraud.
        largest_provider: Claims of the provider with most of them in each bureau, added up over bureaus.
    """

    model_config = _STRICT

    decided: Figure
    adverse_low: Figure
    adverse_high: Figure
    fraud: Figure
    largest_provider: Figure

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        bounds = (self.adverse_low, self.adverse_high)
        known = [one for one in (*bounds, self.decided) if one is not None]
        if known != sorted(known) or len({one is None for one in (*bounds, self.decided)}) != 1:
            msg = "adverse outcomes lie between their bounds, and those below all that were decided"
            raise ValueError(msg)
        return self


class Outcomes(BaseModel):
    """How past claims were decided, cluster by cluster.

    Attributes:
        noise_std: Standard deviation of the noise in each kind of outcome of a cluster; ``decided`` sums four of them.
        provider_noise_std: Of the noise in ``largest_provider``.
        clusters: In the order of the model's clusters.
    """

    model_config = _STRICT

    noise_std: Annotated[float, Field(gt=0)]
    provider_noise_std: Annotated[float, Field(gt=0)]
    clusters: tuple[ClusterOutcomes, ...]


class Quality(BaseModel):
    """What the run knows of its own quality, from sums alone; noisy where the plan adds noise.

    Attributes:
        n_claims: Claims in all clusters, or insured persons where the plan shares weights.
        count_noise_std: Standard deviation of the noise in each cluster's count; 0 without noise.
        inertia: Sum of squared distances to the centroids, squared feature units.
        riv_log_cost: Share of the variance of log cost that lies between clusters; costs capped as the plan says.
        riv_cost: The same of cost itself; None where it was not measured.
        share_clusters_cv_below_1: Share of clusters whose coefficient of variation of cost is below 1, or None.
    """

    model_config = _STRICT

    n_claims: int
    count_noise_std: float
    inertia: float
    riv_log_cost: float
    riv_cost: float | None
    share_clusters_cv_below_1: float | None


class Spent(BaseModel):
    """What a protected run cost whoever is protected.

    Attributes:
        rho_billionths: Zero-concentrated differential privacy of all rounds, in billionths, as ledgers charge it.
        epsilon: The same as epsilon at the plan's delta.
        noise_multiplier: Standard deviation of the noise over sensitivity, as if it had been one release.
    """

    model_config = _STRICT

    rho_billionths: int
    epsilon: float
    noise_multiplier: float


class Model(BaseModel):
    """Centroids, plan, fingerprint, provenance. Clusters stand in falling order of size.

    Attributes:
        centroids: Grid units of ``2**-20``, one list a cluster.
        centroids_sha256: Over shape and little-endian words; equal hashes mean equal centroids, bit for bit.
        outcomes: How past claims were decided; None where the plan did not ask.
        stream: What the stream believes after the model's window, its clusters in the model's order; None where the
            plan has no window.
    """

    model_config = _STRICT

    format: Literal["fedclaims/model/3"]
    plan: Plan
    plan_fingerprint: str
    centroids: Annotated[tuple[Annotated[tuple[Coordinate, ...], FailFast()], ...], Field(min_length=1), FailFast()]
    centroids_sha256: str
    clusters: tuple[Cluster, ...]
    quality: Quality
    outcomes: Outcomes | None
    spent: Spent | None
    stream: StreamState | None
    provenance: Provenance

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        centroids = self.centroid_units()
        if self.plan_fingerprint != self.plan.fingerprint or self.centroids_sha256 != centroids_digest(centroids):
            msg = "the model's digests do not match its plan and centroids"
            raise ValueError(msg)
        n_counted = len(self.clusters) if self.outcomes is None else len(self.outcomes.clusters)
        if centroids.shape != (len(self.clusters), self.plan.features.n_features) or len(self.clusters) != n_counted:
            msg = "the model's centroids do not match its clusters and features"
            raise ValueError(msg)
        if self.stream is not None and tuple(one.centroid for one in self.stream.clusters) != self.centroids:
            msg = "the model's centroids are not those of its stream"
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


def model_of(plan: Plan, outcome: Outcome | PrivateOutcome, provenance: Provenance) -> Model:
    """The model of a finished run, largest cluster first."""
    figures = figures_of(plan, outcome)
    centroids = outcome.centroids[figures.order]
    return Model(
        format=MODEL_FORMAT,
        plan=plan,
        plan_fingerprint=plan.fingerprint,
        centroids=tuple(tuple(int(unit) for unit in row) for row in centroids),
        centroids_sha256=centroids_digest(centroids),
        clusters=tuple(Cluster.model_validate(asdict(cluster)) for cluster in figures.clusters),
        quality=Quality(
            n_claims=figures.n_claims,
            count_noise_std=figures.count_noise_std,
            inertia=figures.inertia,
            riv_log_cost=figures.riv_log_cost,
            riv_cost=figures.riv_cost,
            share_clusters_cv_below_1=figures.share_clusters_cv_below_1,
        ),
        outcomes=_outcomes(plan, outcome) if isinstance(outcome, PrivateOutcome) else None,
        spent=_spent(plan, outcome.spent) if isinstance(outcome, PrivateOutcome) else None,
        stream=_stream(outcome, figures.order),
        provenance=provenance,
    )


def _stream(outcome: Outcome | PrivateOutcome, order: npt.NDArray[np.intp]) -> StreamState | None:
    state = outcome.stream if isinstance(outcome, PrivateOutcome) else None
    return None if state is None else state.ordered(order)


def _outcomes(plan: Plan, outcome: PrivateOutcome) -> Outcomes | None:
    if outcome.outcomes is None:
        return None
    return Outcomes(
        noise_std=outcome.outcomes.noise_std,
        provider_noise_std=outcome.outcomes.provider_noise_std,
        clusters=tuple(
            ClusterOutcomes.model_validate(asdict(cluster)) for cluster in outcome_figures_of(plan, outcome)
        ),
    )


def _spent(plan: Plan, rho: int) -> Spent | None:
    if plan.privacy is None:
        return None
    epsilon = rdp_epsilon((rho,), plan.privacy.guarantee.delta)
    return Spent(rho_billionths=rho, epsilon=epsilon, noise_multiplier=noise_multiplier(rho))
