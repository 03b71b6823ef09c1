"""Routers' directories for tests: a roster that counts, models as published, and what belongs to them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from client.identity.membership import Membership
from client.router.claims import RoutedClaims, routed_claims
from client.router.desk import Desk
from client.router.place import RouterPlace, begin_router
from client.router.router import Router, now
from client.router.store.artefacts import Kind
from common.consortium.publishing import NONE_BEFORE, Publication, SignedPublication, sign_publication
from common.consortium.roster import Role
from common.grid import GRID_UNITS
from common.model import Model, centroids_digest
from tests.client.router.deciding.worlds import artefacts, claims, model
from tests.common.consortium.rosters import DAY, GOVERNORS, MEMBERS, governance, identity, member, roster, signed

LASTS_S = 30 * DAY
BEGUN = now()
"""One moment for all publications: the same version is the same one whenever it is made."""
AUDITED = tuple(sorted((*MEMBERS, member("auditor", 9, Role.AUDITOR)), key=lambda one: one.name))


def roster_bytes() -> bytes:
    found = roster(valid_from=now() - DAY, valid_until=now() + LASTS_S, members=AUDITED)
    return signed(found, *GOVERNORS[:2]).to_json()


@cache
def model_bytes(version: int = 1) -> bytes:
    """The same clusters; from the second version on each a little elsewhere."""
    found = model()
    if version > 1:
        units = found.centroid_units()
        units[:, 0] += version * GRID_UNITS // 1000
        held = found.model_dump() | {"centroids": units.tolist(), "centroids_sha256": centroids_digest(units)}
        found = Model.model_validate_json(json.dumps(held))
    return found.to_json()


def publication(version: int = 1, previous: str = NONE_BEFORE, **changes: object) -> SignedPublication:
    held = changes.pop("model", model_bytes(version))
    found = {
        "version": version,
        "previous": previous,
        "model_sha256": hashlib.sha256(bytes(held)).hexdigest(),  # type: ignore[call-overload]
        "plan_fingerprint": model().plan_fingerprint,
        "features_sha256": model().plan.features.fingerprint,
        "session": "c" * 32,
        "issued": BEGUN - 100,
        "expires": BEGUN + LASTS_S,
    } | changes
    return sign_publication(Publication.model_validate(found), "coordinator", identity(1))


def chain(length: int) -> list[SignedPublication]:
    found: list[SignedPublication] = []
    for version in range(1, length + 1):
        found.append(publication(version, found[-1].publication.digest if found else NONE_BEFORE))
    return found


@dataclass(frozen=True)
class Home:
    """A router's directory."""

    root: Path

    @property
    def place(self) -> RouterPlace:
        return RouterPlace(self.root)

    def begin(self) -> Home:
        """With the roster accepted, and a policy under which the small world's claims take every lane."""
        begin_router(self.root)
        self.policy(min_confidence=0.7, largest_risk_share=0.9, high_risk_share=0.8, spot_check_share=0.1)
        Membership(self.root / "consortium").accept(roster_bytes(), governance().digest, now())
        return self

    def policy(self, **changes: object) -> Home:
        text = self.place.policy.read_text()
        for name, value in changes.items():
            [line] = [line for line in text.splitlines() if line.startswith(f"{name} =")]
            text = text.replace(line, f"{name} = {json.dumps(value)}")
        self.place.policy.write_text(text)
        return self

    def configure(self, old: str, new: str) -> Home:
        text = self.place.configuration.read_text()
        assert old in text
        self.place.configuration.write_text(text.replace(old, new))
        return self

    def accept(self, version: int = 1, *, calibrated: bool = True) -> Home:
        """With a model in force and, if wanted, all that belongs to it."""
        with Desk.open(self.root) as desk:
            trust = desk.trust(now())
            held = chain(version)[-1]
            desk.shelf.receive(held.to_json(), model_bytes(version), trust, now())
            desk.shelf.accept(version, trust, now())
            if calibrated:
                belongings(desk, hashlib.sha256(model_bytes(version)).hexdigest())
        return self

    def open(self) -> Router:
        return Router.open(self.root)


def belongings(desk: Desk, model_sha256: str) -> None:
    """Cards, habits and calibration as if they had been made for this model."""
    found = artefacts()
    assert found.habits is not None
    assert found.calibration is not None
    habits = found.habits.model_copy(update={"model_sha256": model_sha256})
    made = {
        Kind.HABITS: habits.to_json(),
        Kind.CARDS: found.cards.model_copy(update={"model_sha256": model_sha256}).to_json(),
        Kind.CALIBRATION: found.calibration.model_copy(
            update={"model_sha256": model_sha256, "habits_sha256": hashlib.sha256(habits.to_json()).hexdigest()}
        ).to_json(),
    }
    for kind, held in made.items():
        desk.store.artefacts.point(kind, model_sha256, desk.store.artefacts.keep(kind, held, now()))


def some_claims(n_claims: int = 200, seed: int = 7) -> RoutedClaims:
    """Claims with keys of their own."""
    held = [
        claim.model_copy(update={"claim_key": f"{seed}-{place}"}) for place, claim in enumerate(claims(n_claims, 3))
    ]
    return routed_claims(held, np.arange(1, n_claims + 1).tolist())
