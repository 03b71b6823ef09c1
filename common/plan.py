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
        if self.start is None and self.privacy is not None and not self.privacy.division.polish_rounds:
            msg = "a run that looks for its clusters needs at least one polishing round"
            raise ValueError(msg)
        return self

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
        return max(self.max_leaves, self.n_clusters + self.first_breadth)

    @property
    def max_leaves(self) -> int:
        """Leaves at which seeding stops splitting; 0 where a run starts from given centroids."""
        if self.start is not None:
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
