"""On which terms a bureau joins a session of masked sums, and with whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from client.policy import Policy
from common.consortium.encoding import hashed
from common.consortium.identity import Identity, verify
from common.consortium.roster import Role, Roster, RosterError
from common.errors import CohortError, MessageError, RefusedError
from common.masked_messages import MaskedOffer, Members, cut
from common.masking.keys import KEY_BYTES, session_digest
from common.masking.threshold import threshold
from common.plan import Plan, Protection
from common.sealing import check_seal
from common.wire import encode

SIGNATURE_BYTES = 64


class ExpiredError(RefusedError):
    """The offer has expired, by this bureau's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consortium:
    """Who this bureau is, and whom it knows.

    Attributes:
        identity: Signs for this bureau.
        roster: Whom it knows; checked, and current.
    """

    identity: Identity
    roster: Roster

    def bureau_keys(self) -> dict[str, bytes]:
        """Public keys of all bureaus, by name."""
        return {member.name: member.public_key for member in self.roster.of_role(Role.BUREAU)}


def offer_digest(offer: MaskedOffer) -> bytes:
    """What an offer is called in every join: all of it, signature included."""
    return hashed("offer", encode(offer))


def check_offer(offer: MaskedOffer, plan: Plan, consortium: Consortium, now: int) -> None:
    """Nothing, if a bureau of this consortium may join on these terms.

    Raises:
        RosterError: If the coordinator or the roster is not known, or the terms are weaker than the roster's.
        SignatureError: If the coordinator has not signed it.
        ExpiredError: If it is too old.
    """
    coordinator = consortium.roster.member(offer.coordinator, Role.COORDINATOR)
    check_seal(offer, coordinator.public_key)
    if offer.roster != consortium.roster.digest:
        raise RosterError("the offer names another roster: both sides need the newest version")
    if now > offer.expires:
        raise ExpiredError("the offer has expired")
    check_terms(offer, plan, consortium)


def check_terms(offer: MaskedOffer, plan: Plan, consortium: Consortium) -> None:
    """Nothing, if the terms are no weaker than those of the roster.

    Raises:
        RosterError: If they are.
    """
    least, privacy = consortium.roster.terms, plan.privacy
    if plan.protection is not Protection.SECURE or privacy is None:
        raise RosterError("masked sums need a plan with secure protection")
    if (
        plan.min_cohort < least.min_cohort
        or privacy.honest_floor < least.honest_floor
        or offer.colluding < least.colluding
    ):
        raise RosterError("the plan asks for a smaller cohort, floor or number of colluding bureaus than was agreed")


def check_members(
    members: Members, offer: MaskedOffer, name: str, own_key: bytes, keys: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Public session keys by name, if everybody has joined this very offer.

    Args:
        members: As the coordinator tells; its seal is checked by the caller.
        offer: Which was joined.
        name: Of this bureau.
        own_key: Its session key.
        keys: Identities of the bureaus in the roster.

    Raises:
        CohortError: If a stranger is among them, this bureau is not, or a list does not fit.
        SignatureError: If one has not signed its join.
    """
    exchange, signatures = cut(members.exchange_keys, KEY_BYTES), cut(members.signatures, SIGNATURE_BYTES)
    sorted_once = tuple(sorted(set(members.names))) == members.names
    if (
        not sorted_once
        or not len(members.names) == len(exchange) == len(signatures)
        or not set(members.names) <= set(keys)
    ):
        raise CohortError("the members are not a list of bureaus of the roster, each once")
    found = dict(zip(members.names, exchange, strict=True))
    if found.get(name) != own_key:
        raise CohortError("this bureau is not among the members with its session key")
    for member, key, signature in zip(members.names, exchange, signatures, strict=True):
        verify(keys[member], signature, "join", offer_digest(offer), member, key)
    return found


def session_of(offer: MaskedOffer, exchange_keys: Mapping[str, bytes]) -> bytes:
    """Digest of a session."""
    return session_digest(offer_digest(offer), exchange_keys)


def survivors_needed(plan: Plan, offer: MaskedOffer, n_members: int, policy: Policy) -> int:
    """The threshold of a session; never below this bureau's own smallest cohort, nor the plan's.

    Raises:
        MessageError: If the plan has no protection.
    """
    if plan.privacy is None:
        raise MessageError("the plan has no protection")
    return max(threshold(n_members, plan.privacy.honest_floor, offer.colluding), policy.min_cohort, plan.min_cohort)
