"""What the router needs of an accepted model: centroids, radii, costs, and what the blocks of a row are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from client.router.deciding.kinship import Kin, lineage_in
from client.router.deciding.streamed import Streamed
from common.features.spec import AttributeBlock, Block, FeatureSpec, NumberBlock
from common.grid import from_grid
from common.model import Cluster, Model

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RoutingModel:
    """One version of the model, ready to decide with.

    Attributes:
        features: How claims become rows.
        units: Centroids in grid units, int64 ``(K, d)``.
        clusters: As published.
        sha256: Of the model's bytes, hexadecimal.
        version: Of its publication; 0 if it was never published.
        expires: Unix seconds from which on nothing may be decided with it; None if it was never published.
        lineage: Per cluster its names through the versions of the model, the newest first; in a stream its name there,
            and what happened to it.
        streamed: What else is known where it is a stream's; None where it is not.
    """

    features: FeatureSpec
    units: npt.NDArray[np.int64]
    clusters: tuple[Cluster, ...]
    sha256: str
    version: int
    expires: int | None
    lineage: tuple[tuple[str, ...], ...]
    streamed: Streamed | None = None

    @classmethod
    def of(
        cls,
        model: Model,
        *,
        sha256: str | None = None,
        version: int = 0,
        expires: int | None = None,
    ) -> RoutingModel:
        """What the router needs of a model.

        Args:
            model: Checked by whoever accepted it.
            sha256: Of its bytes as delivered; of ``model.to_json()`` if None.
            version: Of its publication.
            expires: Of its publication.
        """
        streamed = Streamed.of(model)
        return cls(
            features=model.plan.features,
            units=model.centroid_units(),
            clusters=model.clusters,
            sha256=sha256 or hashlib.sha256(model.to_json()).hexdigest(),
            version=version,
            expires=expires,
            lineage=_lineage(model, streamed),
            streamed=streamed,
        )

    def __len__(self) -> int:
        return len(self.units)

    @cached_property
    def features_sha256(self) -> str:
        """Fingerprint of the feature specification."""
        return self.features.fingerprint

    @cached_property
    def family(self) -> str:
        """What cards, habits, calibration and counts are about: the model, or all models of its stream and features."""
        if self.streamed is None:
            return self.sha256
        return hashlib.sha256(f"stream {self.streamed.name} {self.features_sha256}".encode()).hexdigest()

    @cached_property
    def kin(self) -> tuple[Kin, ...]:
        """By which numbers clusters are known in cards, habits and counts: their identities, or their places."""
        return tuple(Kin(identity=place) for place in range(len(self))) if self.streamed is None else self.streamed.kin

    @cached_property
    def numbers(self) -> npt.NDArray[np.int64]:
        """The same number of each cluster, int64 ``(K,)``."""
        return np.array([one.identity for one in self.kin], np.int64)

    @cached_property
    def quarantined(self) -> npt.NDArray[np.bool_]:
        """Clusters that not enough bureaus have been seen in yet, bool ``(K,)``."""
        return np.zeros(len(self), np.bool_) if self.streamed is None else self.streamed.quarantined

    @property
    def weights(self) -> Floats | None:
        """Of the coordinates in each cluster's distances, float64 ``(K, d)``; None where all weigh alike."""
        return None if self.streamed is None else self.streamed.weights

    @cached_property
    def centroids(self) -> Floats:
        """In feature units, float64 ``(K, d)``; exact."""
        return np.ascontiguousarray(from_grid(self.units))

    @cached_property
    def mean_squares(self) -> Floats:
        """Released mean squared distances ``(K,)``, squared feature units; NaN where nothing was released.

        Where coordinates are weighted, so are these.
        """
        plain = _or_nan([cluster.mean_square_distance for cluster in self.clusters])
        if self.streamed is None:
            return plain
        return np.where(np.isnan(plain) | np.isnan(self.streamed.squares), plain, self.streamed.squares)

    @cached_property
    def edges(self) -> npt.NDArray[np.int64]:
        """First coordinate of each block and, at the end, the length of a row."""
        return np.array([*self.features.offsets(), self.features.n_features], np.int64)

    @cached_property
    def block_names(self) -> tuple[str, ...]:
        """What the blocks of a row are called."""
        return tuple(block_name(block) for block in self.features.blocks)


def cluster_name(model: Model, cluster: int) -> str:
    """A cluster's name for ever: the first digits of its model's centroids, and its number there."""
    return f"{model.centroids_sha256[:12]}/{cluster}"


def _lineage(model: Model, streamed: Streamed | None) -> tuple[tuple[str, ...], ...]:
    if model.stream is None or streamed is None:
        return tuple((cluster_name(model, place),) for place in range(len(model.clusters)))
    return lineage_in(model.stream, streamed.name)


def block_name(block: Block) -> str:
    """What a block is about: ``codes``, ``fees``, ``text``, or the field it reads."""
    return block.field if isinstance(block, NumberBlock | AttributeBlock) else block.kind


def _or_nan(values: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)
