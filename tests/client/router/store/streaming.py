"""A router's directory that follows a stream: versions of its model, received, accepted, and what belongs to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from client.router.belonging import about
from client.router.deciding.cards import ClusterCards
from client.router.deciding.model import RoutingModel
from client.router.desk import Desk
from client.router.models.shelf import parse_model
from client.router.router import Router, now
from client.router.store.artefacts import Kind
from common.consortium.publishing import NONE_BEFORE, SignedPublication
from common.model import Model
from tests.client.router.homes import Home, publication
from tests.client.router.streams import with_stream


@dataclass
class StreamHome:
    """A home, and the publications of a stream."""

    home: Home
    signed: list[SignedPublication] = field(default_factory=list)
    models: list[bytes] = field(default_factory=list)

    @classmethod
    def begin(cls, root: Path) -> StreamHome:
        return cls(Home(root).begin())

    def publish(self, model: Model) -> int:
        """The next version, not received yet."""
        held, version = model.to_json(), len(self.signed) + 1
        previous = self.signed[-1].publication.digest if self.signed else NONE_BEFORE
        plan = model.plan
        changes = {"plan_fingerprint": plan.fingerprint, "features_sha256": plan.features.fingerprint}
        self.signed.append(publication(version, previous, model=held, **changes))
        self.models.append(held)
        return version

    def receive(self, model: Model) -> int:
        version = self.publish(model)
        with Desk.open(self.home.root) as desk:
            desk.shelf.receive(self.signed[-1].to_json(), self.models[-1], desk.trust(now()), now())
        return version

    def accept(self, model: Model) -> int:
        version = self.receive(model)
        with Desk.open(self.home.root) as desk:
            desk.shelf.accept(version, desk.trust(now()), now())
        return version

    def routing(self, version: int) -> RoutingModel:
        held = self.models[version - 1]
        return RoutingModel.of(parse_model(held), sha256=hashlib.sha256(held).hexdigest(), version=version)

    def settle(self, version: int, kinds: Sequence[Kind] = (Kind.CARDS, Kind.HABITS, Kind.CALIBRATION)) -> ClusterCards:
        """Cards, habits and calibration of the small world, made for a version."""
        model = self.routing(version)
        found = with_stream(model)
        assert found.calibration is not None
        assert model.streamed is not None
        cards = found.cards.model_copy(update={"version": version, "window": model.streamed.window})
        made = {Kind.CARDS: cards, Kind.HABITS: found.usual, Kind.CALIBRATION: found.calibration}
        with Desk.open(self.home.root) as desk:
            for kind in kinds:
                digest = desk.store.artefacts.keep(kind, made[kind].to_json(), now())  # type: ignore[attr-defined]
                desk.store.artefacts.point(kind, about(model), digest)
        return cards

    def open(self) -> Router:
        return self.home.open()
