"""What a router works with at one moment: artefacts, rules, and a shadow. Never changed, only exchanged as a whole."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from client.router.belonging import Belonging, Belongings
from client.router.claims import SECONDS_A_DAY, RoutedClaims
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.deciding import decide
from client.router.deciding.decisions import Decisions
from client.router.deciding.distance import locate
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.remarks import remarks_of
from client.router.lone.deciding import LoneBench
from client.router.memories import Piece
from client.router.models.shelf import Held, sha256_of
from client.router.registers import Registers
from client.router.rules.evaluate import evaluate
from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.rules.rule import Assigned, Rule
from client.router.rules.table import rules_from
from client.router.rules.usual import usual_fee_shares
from client.router.store.artefacts import Kind, about_version
from common.columns import ClaimTable
from common.features.rows import Featuriser
from common.model import Model

Rows = npt.NDArray[np.float32]

_LOT = b"fedclaims router: spot checks"
_DRAFTS = b"fedclaims router: payment drafts"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One model with everything that goes with it.

    Attributes:
        artefacts: What decisions follow from.
        rules: Of the policy.
        usual: Usual fee shares per cluster, from the model; None if its features have no fees.
    """

    artefacts: Artefacts
    rules: tuple[Rule, ...]
    usual: npt.NDArray[np.float64] | None

    @cached_property
    def _featuriser(self) -> Featuriser:
        return Featuriser(self.artefacts.model.features)

    @cached_property
    def lone(self) -> LoneBench:
        """The same for single claims; for one thread at a time."""
        return LoneBench(self.artefacts, self.rules, self.usual)

    def rows(self, table: ClaimTable) -> Rows:
        """The rows of some claims under the model's features; for one thread at a time."""
        return self._featuriser.rows(table)

    def decide(self, claims: RoutedClaims, history: History, registers: Registers, now: int) -> Decisions:
        """Decide about some claims; nothing is remembered."""
        rows = self.rows(claims.table)
        assigned = None
        if self.usual is not None:
            nearest = locate(rows, self.artefacts.model).nearest.astype(np.int32)
            assigned = Assigned(cluster=nearest, usual=self.usual)
        events = events_of(claims, now // SECONDS_A_DAY)
        findings = evaluate(self.rules, claims, history, registers, events=events, assigned=assigned)
        found = decide(claims, rows, findings, self.artefacts, now)
        return replace(found, remarks=remarks_of(claims, events, history), events=events)

    def piece(self, claims: RoutedClaims, decided: Decisions) -> Piece:
        """What is remembered of claims that were decided here."""
        if decided.events is None:
            msg = "only what a bench has decided is remembered"
            raise ValueError(msg)
        model = self.artefacts.model
        return Piece.of(claims, decided.events, model.numbers[decided.weighed.places.nearest], model.family)


def lot_of(pseudonym_key: bytes) -> bytes:
    """The bureau's secret for spot checks, made of the secret it has."""
    return hmac.digest(pseudonym_key, _LOT, "sha256")


def draft_key_of(pseudonym_key: bytes) -> bytes:
    """The bureau's key for identities of payment drafts, likewise."""
    return hmac.digest(pseudonym_key, _DRAFTS, "sha256")


def set_up(held: Held, policy: RouterPolicy, belongings: Belongings, lot: bytes, now: int) -> Bench:
    """The bench for a version of the model, with what the store has for it; all of it is kept for replays.

    Guarantees:
        * Cards, habits and calibration of another model are not used, unless both are of one stream; nor is a
          calibration of other habits.
        * Every publication is kept beside the others: the same model published again changes no earlier decision.

    Args:
        held: The version.
        policy: Of the bureau.
        belongings: Of the bureau's models.
        lot: For spot checks.
        now: Unix seconds.
    """
    model, published = held.model, held.publication
    digest, artefacts = sha256_of(held), belongings.store
    artefacts.keep(Kind.MODEL, held.bytes, now)
    artefacts.keep(Kind.POLICY, policy.to_json(), now)
    kept = artefacts.keep(Kind.PUBLICATION, published.model_dump_json().encode(), now)
    named = about_version(digest, published.version)
    if artefacts.pointed(Kind.PUBLICATION, named) is None:
        artefacts.point(Kind.PUBLICATION, named, kept)
    routing = RoutingModel.of(model, sha256=digest, version=published.version, expires=published.expires)
    belongings.begin(model, routing, policy, now)
    return bench_of(model, routing, policy, belongings.of(routing), lot)


def bench_of(model: Model, routing: RoutingModel, policy: RouterPolicy, found: Belonging, lot: bytes) -> Bench:
    """The bench of a model, with its rules."""
    artefacts = Artefacts(
        model=routing,
        policy=policy,
        cards=found.cards,
        habits=found.habits,
        calibration=found.calibration,
        lot=lot,
    )
    return Bench(artefacts=artefacts, rules=rules_from(policy.rules), usual=usual_fee_shares(model))
