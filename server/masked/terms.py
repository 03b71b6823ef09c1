"""On which terms a session of masked sums runs, and the messages that the coordinator signs in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.consortium.encoding import hashed
from common.consortium.identity import Identity
from common.masked_messages import (
    Invite,
    MaskedJoin,
    MaskedOffer,
    MaskedResult,
    Members,
    RevealRequest,
    Survivors,
)
from common.masking.context import Context
from common.masking.keys import session_digest
from common.masking.threshold import threshold
from common.messages import words_to_bytes
from common.model import Model
from common.plan import Plan
from common.private.asked import PrivateRound
from common.private.question import n_words
from common.sealing import sealed
from common.wire import encode
from server.masked.tallying import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a session runs.

    Attributes:
        plan: Protected by secure sums.
        session: 16 bytes that no other run has.
        version: Of the software, for the model's provenance.
        coordinator: Name in the roster.
        identity: Signs for it.
        roster: Digest of the roster.
        bureau_keys: Identities of the bureaus in the roster, by name.
        colluding: Bureaus that may side with whoever runs this.
        expires: Seconds since 1970.
    """

    plan: Plan
    session: bytes
    version: str
    coordinator: str
    identity: Identity
    roster: bytes
    bureau_keys: Mapping[str, bytes]
    colluding: int
    expires: int

    def threshold(self, n_members: int) -> int:
        """Survivors that every sum needs."""
        floor = self.plan.privacy.honest_floor if self.plan.privacy else 0
        return max(threshold(n_members, floor, self.colluding), self.plan.min_cohort)

    def offer(self) -> MaskedOffer:
        """What every node is sent first."""
        offer = MaskedOffer(
            session=self.session,
            plan=self.plan.canonical(),
            roster=self.roster,
            coordinator=self.coordinator,
            colluding=self.colluding,
            expires=self.expires,
        )
        return sealed(offer, self.identity)

    @property
    def offer_digest(self) -> bytes:
        """What joins sign."""
        return hashed("offer", encode(self.offer()))

    def session_of(self, joins: Mapping[str, MaskedJoin]) -> bytes:
        """Digest of the session that these joins make."""
        return session_digest(self.offer_digest, {name: join.exchange_key for name, join in joins.items()})

    def members(self, joins: Mapping[str, MaskedJoin]) -> Members:
        """Everybody who joined."""
        names = tuple(sorted(joins))
        members = Members(
            session=self.session,
            fingerprint=self.plan.fingerprint,
            names=names,
            exchange_keys=b"".join(joins[name].exchange_key for name in names),
            signatures=b"".join(joins[name].signature for name in names),
        )
        return sealed(members, self.identity)

    def tally(self, session: bytes, asked: PrivateRound, attempt: int, cohort: tuple[str, ...]) -> Tally:
        """A fresh attempt of a round."""
        size = n_words(self.plan, asked.phase, len(asked.centroids))
        context = Context(
            session=session,
            round=asked.number,
            attempt=attempt,
            cohort=cohort,
            model=bytes.fromhex(asked.question.digest()),
            parameters=hashed("parameters", self.plan.fingerprint, size),
        )
        return Tally(context=context, n_words=size, keys={name: self.bureau_keys[name] for name in cohort})

    def invite(self, asked: PrivateRound, attempt: int, cohort: tuple[str, ...], previous: tuple[bytes, int]) -> Invite:
        """A question, with the sum from which it follows."""
        invite = Invite(
            session=self.session,
            fingerprint=self.plan.fingerprint,
            number=asked.number,
            attempt=attempt,
            phase=asked.phase,
            cohort=cohort,
            n_centroids=len(asked.centroids),
            centroids=words_to_bytes(asked.centroids),
            radii=words_to_bytes(asked.radii),
            cost=asked.cost,
            opened=previous[0],
            answered=previous[1],
        )
        return sealed(invite, self.identity)

    def survivors(self, context: bytes, names: tuple[str, ...], digests: Sequence[bytes]) -> Survivors:
        """Whose words are to be opened."""
        survivors = Survivors(
            session=self.session,
            fingerprint=self.plan.fingerprint,
            context=context,
            names=names,
            digests=b"".join(digests),
        )
        return sealed(survivors, self.identity)

    def reveal_request(self, context: bytes, confirmations: Sequence[bytes]) -> RevealRequest:
        """Everybody has confirmed."""
        request = RevealRequest(
            session=self.session,
            fingerprint=self.plan.fingerprint,
            context=context,
            confirmations=b"".join(confirmations),
        )
        return sealed(request, self.identity)

    def result(self, model: Model, previous: tuple[bytes, int]) -> MaskedResult:
        """The model, with the sum from which it follows."""
        result = MaskedResult(
            session=self.session,
            fingerprint=self.plan.fingerprint,
            model=model.to_json(),
            opened=previous[0],
            answered=previous[1],
        )
        return sealed(result, self.identity)
