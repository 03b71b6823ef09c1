"""A simulated consortium: identities and a roster for everybody on this machine.

A simulation plays all parties, so identities follow from names: they show that signatures are made and checked, and
protect nothing. Session keys, masks and noise are as secret as in a real run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from common.consortium.identity import Identity
from common.consortium.publishing import NONE_BEFORE, Publication, SignedPublication, sign_publication
from common.consortium.roster import Governance, Member, Role, Roster, Terms
from common.consortium.signed import SignedRoster
from common.errors import InputError
from common.model import Model

COORDINATOR = "coordinator"
COLLUDING = 1
FOREVER = 4_102_444_800
MODEL_LASTS_S = 90 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedConsortium:
    """Everybody's identity.

    Attributes:
        roster: Of coordinator and bureaus.
        coordinator: Identity of the coordinator.
    """

    roster: Roster
    coordinator: Identity

    def identity(self, bureau: str) -> Identity:
        """Of a bureau."""
        return _identity(f"bureau {bureau}")


@lru_cache(maxsize=8)
def simulated_consortium(names: tuple[str, ...]) -> SimulatedConsortium:
    """The consortium of bureaus with these names.

    Raises:
        InputError: If a name cannot stand in a roster.
    """
    coordinator = _identity("coordinator")
    try:
        members = [_member(name, Role.BUREAU, _identity(f"bureau {name}")) for name in names]
        members.append(_member(_coordinator_name(names), Role.COORDINATOR, coordinator))
        roster = Roster(
            version=1,
            valid_from=0,
            valid_until=FOREVER,
            members=tuple(sorted(members, key=lambda member: member.name)),
            terms=Terms(min_cohort=3, honest_floor=2, colluding=COLLUDING, max_rounds=1000),
            governance=Governance(keys=(_identity("governance").public,), threshold=1),
        )
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        msg = f"the bureaus' names cannot stand in a roster: {first['msg'].lower()}"
        raise InputError(msg) from None
    return SimulatedConsortium(roster=roster, coordinator=coordinator)


def signed_roster(names: tuple[str, ...]) -> SignedRoster:
    """The consortium's roster as a file holds it, with its governance's signature."""
    return SignedRoster(roster=simulated_consortium(names).roster).signed_by(_identity("governance"))


def published(names: tuple[str, ...], model: Model, now: int) -> SignedPublication:
    """A simulated run's model as the first version that the consortium's coordinator publishes.

    Args:
        names: Of the bureaus.
        model: Whose bytes are ``model.to_json()``.
        now: Unix seconds.
    """
    found = simulated_consortium(names)
    publication = Publication(
        version=1,
        previous=NONE_BEFORE,
        model_sha256=hashlib.sha256(model.to_json()).hexdigest(),
        plan_fingerprint=model.plan_fingerprint,
        features_sha256=model.plan.features.fingerprint,
        session=model.provenance.session,
        issued=now,
        expires=now + MODEL_LASTS_S,
    )
    return sign_publication(publication, _coordinator_name(names), found.coordinator)


def _coordinator_name(names: Iterable[str]) -> str:
    """A name that no bureau has."""
    taken = {name.casefold() for name in names}
    return next(name for name in (COORDINATOR, f"{COORDINATOR} of the simulation") if name not in taken)


def _member(name: str, role: Role, identity: Identity) -> Member:
    return Member(name=name, organisation=name, role=role, public_key=identity.public)


def _identity(of: str) -> Identity:
    return Identity.of_seed(hashlib.sha256(f"fedclaims simulated identity of {of}".encode()).digest())
