"""Explaining a decision: its record from the store, decided again from what the store holds, in words and pictures."""

from __future__ import annotations

from client.claims.parsing.keys import normal_key
from client.router.bench import lot_of
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.calibration import Calibration
from client.router.deciding.cards import ClusterCards
from client.router.deciding.deciding import replay
from client.router.deciding.habits import Habits
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.models.shelf import parse_model
from client.router.store.artefacts import Kind, about_version
from common.consortium.publishing import Publication
from common.errors import InputError


def record_of(desk: Desk, name: str) -> DecisionRecord:
    """The record of a decision, or of the newest one about a claim key.

    Raises:
        InputError: If there is neither.
    """
    about = desk.store.decisions.of_claim(normal_key(name))
    kept = about[-1] if about else desk.store.decisions.by_id(name)
    return DecisionRecord.from_json(desk.store.decisions.record(kept))


def replayed(desk: Desk, record: DecisionRecord) -> DecisionRecord:
    """The decision, decided again with exactly what it was made with.

    Raises:
        InputError: If something of that is not in the store any more.
    """
    return replay(record, artefacts_of(desk, record))


def artefacts_of(desk: Desk, record: DecisionRecord) -> Artefacts:
    """What a decision was made with, from the store."""
    kept = desk.store.artefacts
    habits = None if record.habits_sha256 is None else Habits.from_json(kept.get(record.habits_sha256))
    fitted = record.calibration_sha256
    return Artefacts(
        model=_model(desk, record),
        policy=RouterPolicy.from_json(kept.get(record.policy_sha256)),
        cards=ClusterCards.from_json(kept.get(record.cards_sha256)),
        habits=habits,
        calibration=None if fitted is None else Calibration.from_json(kept.get(fitted)),
        lot=lot_of(desk.key),
    )


def _model(desk: Desk, record: DecisionRecord) -> RoutingModel:
    """The model under the publication that decided: the same bytes may have been published again since."""
    kept, published = desk.store.artefacts, _published(desk, record)
    model = parse_model(kept.get(record.model_sha256))
    return RoutingModel.of(model, sha256=record.model_sha256, version=published.version, expires=published.expires)


def _published(desk: Desk, record: DecisionRecord) -> Publication:
    """By its name; in stores of earlier versions of this program publications have none, and all are looked at."""
    kept, wanted = desk.store.artefacts, (record.model_sha256, record.model_version)
    named = kept.pointed(Kind.PUBLICATION, about_version(*wanted))
    held = kept.every(Kind.PUBLICATION) if named is None else [kept.get(named)]
    found = (one for one in map(Publication.model_validate_json, held) if (one.model_sha256, one.version) == wanted)
    published = next(found, None)
    if published is None:
        msg = "the publication of the model that decided is not in the store: restore the store from its copy"
        raise InputError(msg)
    return published
