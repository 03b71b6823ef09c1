"""The plan: everything about a run that is public and frozen. Its fingerprint stands in every message.

Numbers in a plan are integers, so that its canonical form has one spelling on every machine.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.errors import PlanError
from common.features.spec import FeatureSpec, NamedText
from common.privacy import Privacy
from common.start import Start
from common.stream.state import MOST_SCOUTS, StreamState
from common.stream.window import Window
from common.summary import Shape

PROTOCOL_VERSION = 3


class Protection(StrEnum):
    """What stands between a bureau's summary and the coordinator.

    Noise: every bureau adds the whole noise, and need trust nobody. Secure: every bureau adds its part of the noise,
    which is enough once only the sum of all bureaus can be seen. None: for generated or public claims.
    """

    NONE = "none"
    NOISE = "noise"
    SECURE = "secure"


class Phase(StrEnum):
    """What a round is for."""

    SEEDING = "seeding"
    RADIUS = "radius"
    LLOYD = "lloyd"
    REFINING = "refining"
    MEASURE = "measure"
    OUTCOMES = "outcomes"
    WINDOW = "window"


class Plan(BaseModel):
    """A frozen, public description of one clustering run.

    Attributes:
        name: For people.
        features: How a claim becomes a row.
        n_clusters: Clusters asked for.
        leaves_per_cluster: Seeding splits to this many leaves a cluster before it reduces them; a protected run
            takes the number in its privacy section.
        fewest_leaves: However few clusters are asked for, seeding splits to at least this many leaves.
        passes_per_level: Lloyd passes after each doubling of the leaves.
        reduction_restarts: Restarts of weighted k-means++ over the leaves, at the coordinator, from sums alone; a
            protected run takes the number in its privacy section.
        max_rounds: Upper limit; a run measures and ends when it is reached.
        stop_per_million: Rounds stop when inertia falls by less than this in a round; 0 waits for a standstill.
        refining_breadth: Clusters split at once in the first refinement, per hundred clusters; 0 for no refinement.
        smallest_cluster: A cluster with fewer claims is re-seated or dropped, never published.
        cost_cap_yuan: The declared trimming of costs.
        min_cohort: Bureaus without which the run does not start; a bureau's own policy may ask for more.
        protection: What protects a summary on its way.
        privacy: What a protected run guarantees; None where there is no protection.
        start: Centroids to begin with, in the place of seeding; None to look for clusters.
        window: The slice of a stream of claims that is asked about; None for all claims.
        seed: For directions of splits and the reduction; never for anything private.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: NamedText = "clusters"
    features: FeatureSpec
    n_clusters: Annotated[int, Field(ge=1, le=1024)] = 32
    leaves_per_cluster: Annotated[int, Field(ge=1, le=8)] = 3
    fewest_leaves: Annotated[int, Field(ge=2, le=1024)] = 128
    passes_per_level: Annotated[int, Field(ge=1, le=10)] = 3
    reduction_restarts: Annotated[int, Field(ge=1, le=100)] = 20
    max_rounds: Annotated[int, Field(ge=4, le=1000)] = 150
    stop_per_million: Annotated[int, Field(ge=0, le=10_000)] = 10
    refining_breadth: Annotated[int, Field(ge=0, le=100)] = 25
    smallest_cluster: Annotated[int, Field(ge=1, le=10_000)] = 11
    cost_cap_yuan: Annotated[int, Field(ge=1_000, le=1_000_000)] = 200_000
    min_cohort: Annotated[int, Field(ge=1, le=10_000)] = 3
    protection: Annotated[Protection, Field(strict=False)]
    privacy: Privacy | None = None
    start: Start | None = None
    window: Window | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    @model_validator(mode="after")
    def _says_what_it_protects(self) -> Self:
        if (self.protection is Protection.NONE) is not (self.privacy is None):
            msg = "a protected plan needs its privacy section, and a plan without protection has none"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _starts_with_its_own_shape(self) -> Self:
        if self.start is not None and (self.n_clusters, self.features.n_features) != (
            len(self.start.centroids),
            len(self.start.centroids[0]),
        ):
            msg = "the start must have the plan's number of clusters and of features"
            raise ValueError(msg)
        looks = self.start is None and self.goes_on is None
        if looks and self.privacy is not None and not self.privacy.division.polish_rounds:
            msg = "a run that looks for its clusters needs at least one polishing round"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _goes_on_with_its_own_shape(self) -> Self:
        state = None if self.window is None else self.window.state
        if self.window is None or (self.privacy is not None and self.start is None and state is None):
            return self
        if self.privacy is None or self.start is not None or state is None:
            msg = "a window needs a protected plan, and goes on from its own state instead of a start"
            raise ValueError(msg)
        if self.window.number <= state.window or len(state.clusters[0].centroid) != self.features.n_features:
            msg = "a window comes after those of its state, and has the plan's features"
            raise ValueError(msg)
        if self.goes_on is not None and (len(state.clusters), 0) != (
            self.n_clusters,
            self.privacy.division.polish_rounds,
        ):
            msg = "a window that goes on has the clusters of its state, and one round alone"
            raise ValueError(msg)
        return self

    @property
    def goes_on(self) -> StreamState | None:
        """What a run of one round goes on from; None where clusters are looked for, or started with."""
        return None if self.window is None else self.window.goes_on

    def canonical(self) -> bytes:
        """The one spelling of this plan: JSON, sorted keys, no blanks, integers and ASCII text only."""
        held = {"protocol": PROTOCOL_VERSION, **self.model_dump(mode="json")}
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical form, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def summary_shape(self, phase: Phase, n_clusters: int) -> Shape:
        """The shape of a summary in a round of this phase with so many centroids."""
        return Shape(n_clusters, self.features.n_features, phase is Phase.MEASURE)

    @property
    def first_breadth(self) -> int:
        """Clusters split at once in the first refinement."""
        return -(-self.n_clusters * self.refining_breadth // 100)

    @property
    def max_centroids(self) -> int:
        """The most centroids any round may carry."""
        return max(self.max_leaves, self.n_clusters + max(self.first_breadth, MOST_SCOUTS))

    @property
    def max_leaves(self) -> int:
        """Leaves at which seeding stops splitting; 0 where a run starts from given centroids, or goes on from some."""
        if self.start is not None or self.goes_on is not None:
            return 0
        if self.privacy is not None:
            return self.n_clusters * self.privacy.leaves_per_cluster
        return max(self.n_clusters * self.leaves_per_cluster, self.fewest_leaves)

    @classmethod
    def from_canonical(cls, held: bytes) -> Plan:
        """The plan of a canonical form.

        Raises:
            PlanError: If it is not one, byte for byte, of this protocol version.
        """
        try:
            fields = json.loads(held)
            version = fields.pop("protocol")
            plan = cls.model_validate_json(json.dumps(fields))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            msg = "the plan cannot be read: ask the coordinator for the plan of this protocol version"
            raise PlanError(msg) from error
        if version != PROTOCOL_VERSION or plan.canonical() != held:
            msg = f"the plan is not in canonical form of protocol version {PROTOCOL_VERSION}"
            raise PlanError(msg)
        return plan
