"""Rosters for tests: a coordinator, some bureaus, three governance keys of which two must sign."""

from __future__ import annotations

from collections.abc import Sequence

from common.consortium.identity import Identity
from common.consortium.roster import Governance, Member, Role, Roster, Terms
from common.consortium.signed import Pin, SignedRoster

NOON = 1_700_000_000
DAY = 86_400

TERMS = Terms(min_cohort=3, honest_floor=2, colluding=1, max_rounds=200)


def identity(number: int) -> Identity:
    return Identity.of_seed(number.to_bytes(32, "big"))


GOVERNORS = tuple(sorted((identity(number) for number in (101, 102, 103)), key=lambda one: one.public))
SUCCESSORS = tuple(sorted((identity(number) for number in (201, 202)), key=lambda one: one.public))
STRANGER = identity(999)


def governance(identities: Sequence[Identity] = GOVERNORS, threshold: int = 2) -> Governance:
    return Governance(keys=tuple(one.public for one in identities), threshold=threshold)


def member(name: str, number: int, role: Role = Role.BUREAU) -> Member:
    return Member(name=name, organisation="health", role=role, public_key=identity(number).public)


MEMBERS = (member("coordinator", 1, Role.COORDINATOR), member("east", 2), member("north", 3), member("west", 4))


def roster(version: int = 1, **changes: object) -> Roster:
    fields = {
        "version": version,
        "valid_from": NOON - DAY,
        "valid_until": NOON + DAY,
        "members": MEMBERS,
        "terms": TERMS,
        "governance": governance(),
    } | changes
    return Roster.model_validate(fields)


def signed(found: Roster, *signers: Identity) -> SignedRoster:
    held = SignedRoster(roster=found)
    for one in signers:
        held = held.signed_by(one)
    return held


def whole(version: int = 1, **changes: object) -> SignedRoster:
    """Signed by as many as must."""
    return signed(roster(version, **changes), *GOVERNORS[:2])


def pin(version: int = 0) -> Pin:
    """Of somebody who has seen ``whole(version)``, or nothing yet."""
    return Pin(governance=governance(), version=version, digest=roster(version).digest if version else bytes(32))
