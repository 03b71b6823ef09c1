"""Cards, habits and calibration of a model from the store: its own, or those of the newest before it in its stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

from client.router.deciding.calibration import Calibration
from client.router.deciding.cards import ClusterCards, cards_of, no_cards
from client.router.deciding.clusters import counting_cards
from client.router.deciding.habits import Habits
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from client.router.store.artefacts import ArtefactStore, Kind, about_version
from common.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """What a bureau has for one model.

    Attributes:
        cards: Empty if there are none yet.
        habits: None if none were observed.
        calibration: None if none was fitted to these habits.
    """

    cards: ClusterCards
    habits: Habits | None
    calibration: Calibration | None

    def fitting(self) -> Belonging:
        """Without a calibration of other habits."""
        own = None if self.habits is None else self.habits.sha256
        fits = self.calibration is not None and self.calibration.habits_sha256 == own
        return self if fits else replace(self, calibration=None)


def about(model: RoutingModel) -> str:
    """By what the model's own belongings are found."""
    return model.sha256 if model.streamed is None else about_version(model.family, model.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What a bureau has for all models.

    Guarantees:
        * A stream's model that has none of its own takes over those of the newest version before it, but of none that
          the bureau has refused. A calibration of other habits is not taken over.

    Attributes:
        store: Where they are kept.
        refused: Versions whose belongings do not count.
    """

    store: ArtefactStore
    refused: frozenset[int] = frozenset()

    def of(self, model: RoutingModel) -> Belonging:
        """What there is for a model."""
        cards, habits, fitted = (self._held(kind, model) for kind in (Kind.CARDS, Kind.HABITS, Kind.CALIBRATION))
        found = Belonging(
            cards=no_cards(model) if cards is None else ClusterCards.from_json(cards),
            habits=None if habits is None else Habits.from_json(habits),
            calibration=None if fitted is None else Calibration.from_json(fitted),
        )
        return found if model.streamed is None else found.fitting()

    def begin(self, model: Model, routing: RoutingModel, policy: RouterPolicy, now: int) -> None:
        """Keep the cards that a model brings with it, unless it has cards; one of a stream may bring none."""
        if self.store.pointed(Kind.CARDS, about(routing)) is not None:
            return
        if routing.streamed is None or model.outcomes is not None:
            cards = first_cards(model, routing, policy, now, self.of(routing).cards)
            self.store.point(Kind.CARDS, about(routing), self.store.keep(Kind.CARDS, cards.to_json(), now))

    def _held(self, kind: Kind, model: RoutingModel) -> bytes | None:
        if model.streamed is None:
            digest = self.store.pointed(kind, about(model))
        else:
            digest = self.store.newest(kind, model.family, model.version, self.refused)
        return None if digest is None else self.store.get(digest)


def first_cards(
    model: Model, routing: RoutingModel, policy: RouterPolicy, now: int, earlier: ClusterCards | None = None
) -> ClusterCards:
    """What is known of a model's clusters before the bureau has reviewed a claim under it: what the model itself says.

    Guarantees:
        * What the bureau itself has found of the same clusters of the stream counts on; what all bureaus had said
          earlier does not, where the model says something newer.
    """
    if model.outcomes is None:
        return no_cards(routing)
    from client.router.deciding.federating import federated_cards, with_federated  # noqa: PLC0415  scipy, rarely needed

    counted = federated_cards(model, policy)
    counting = () if earlier is None or routing.streamed is None else counting_cards(routing, earlier, policy)
    known = cards_of(routing, (card for card in counting if card is not None), made_at=now)
    return with_federated(known, counted, policy)
