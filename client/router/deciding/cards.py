"""Cluster cards: what a bureau knows of each cluster besides the model. With the policy they give lanes per cluster.

A card is made from counts (``client.router.deciding.carding``): of the bureau's own reviewed claims, or of all bureaus'
with noise in them. A cluster without a card, or with too little behind it, has no support: its claims go to a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from client.router.deciding.lanes import Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from common.errors import InputError

CARDS_FORMAT: Literal["fedclaims/cluster-cards/1"] = "fedclaims/cluster-cards/1"
PER_MILLE = 1000

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Provider = tuple[str, Annotated[int, Field(ge=0, le=PER_MILLE)]]


class ClusterCard(BaseModel):
    """One cluster.

    Attributes:
        cluster: Its number in the model; in a stream its identity.
        source: Whose reviewed claims were counted: ``local`` or ``federated``.
        reviewed: Reviewed claims; noisy if ``noise_std`` is positive.
        adverse: Improper ones among them: reduced, denied, or confirmed fraud; likewise.
        noise_std: Standard deviation of the noise in each of the two; 0 without noise.
        lower: The share of improper claims is surely no smaller.
        upper: And surely no larger.
        certainty: Of these bounds.
        recent: The bureau's own recent claims in the cluster.
        providers: Those of whom most of them are, and what share each has, per mille.
        cost_cv: Standard deviation over mean of cost, as the model released it; None if it did not.
    """

    model_config = _STRICT

    cluster: Count
    source: Literal["local", "federated"]
    reviewed: int
    adverse: int
    noise_std: Annotated[float, Field(ge=0)]
    lower: Share
    upper: Share
    certainty: Share
    recent: Count
    providers: Annotated[tuple[Annotated[Provider, Field(strict=False)], ...], Field(strict=False)] = ()
    cost_cv: float | None = None

    def objection(self, policy: RouterPolicy) -> Reason | None:
        """Why claims of this cluster do not pass by themselves, or None."""
        if self.lower > policy.high_risk_share:
            return Reason.HIGH_RISK_CLUSTER
        reach = 2.0 * self.noise_std
        if self.reviewed - reach < policy.min_cluster_reviewed or self.upper > policy.largest_risk_share:
            return Reason.UNSUPPORTED_CLUSTER
        return None


class ClusterCards(BaseModel):
    """The cards of one model's clusters, or of those of a stream.

    Attributes:
        model_sha256: Of the model whose clusters these are; of a stream ``RoutingModel.family``.
        made_at: Unix seconds.
        version: Of the publication whose clusters were counted; said of a stream's alone.
        window: The last one in that model: what happened to clusters until then is in the counts; likewise.
        cards: At most one a cluster, in the order of their numbers.
    """

    model_config = ConfigDict(**_STRICT)

    format: Literal["fedclaims/cluster-cards/1"] = CARDS_FORMAT
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    made_at: Count
    version: Count | None = None
    window: Count | None = None
    cards: Annotated[tuple[ClusterCard, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _names_each_cluster_once(self) -> Self:
        numbers = [card.cluster for card in self.cards]
        if numbers != sorted(set(numbers)):
            msg = "cards stand in the order of their clusters, one each"
            raise ValueError(msg)
        return self

    @model_serializer(mode="wrap")
    def _say(self, spelled: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what there is to say: cards of a model without a stream keep the digest they always had."""
        held: dict[str, Any] = spelled(self)
        for name in ("version", "window"):
            if getattr(self, name) is None:
                held.pop(name, None)
        return held

    def to_json(self) -> bytes:
        """Their one spelling."""
        held = self.model_dump(mode="json")
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, held: bytes) -> Self:
        """The cards in some bytes.

        Raises:
            InputError: If they are none.
        """
        try:
            return cls.model_validate_json(held)
        except ValidationError:
            msg = "these are no cluster cards; make them again from the reviewed claims"
            raise InputError(msg) from None

    @property
    def sha256(self) -> str:
        """Of their one spelling, hexadecimal."""
        return hashlib.sha256(self.to_json()).hexdigest()


def no_cards(model: RoutingModel) -> ClusterCards:
    """Of a bureau that knows nothing of a model's clusters: none passes by itself."""
    return cards_of(model, (), made_at=0)


def cards_of(model: RoutingModel, cards: Iterable[ClusterCard], *, made_at: int) -> ClusterCards:
    """Cards about a model's clusters, in their order."""
    streamed = model.streamed
    return ClusterCards(
        model_sha256=model.family,
        made_at=made_at,
        version=None if streamed is None else model.version,
        window=None if streamed is None else streamed.window,
        cards=tuple(sorted(cards, key=lambda card: card.cluster)),
    )
