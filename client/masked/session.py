"""One session of masked sums at a station: joins, checks, answers under masks, confirms, reveals.

Whatever is agreed is kept before it is said, so a station that was killed at any point goes on where it was.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from client.asking import question_of
from client.ledger.release import ReleaseId
from client.masked.follows import WrongModelError, check_model, next_round
from client.masked.kept import LedgerKept, SessionFile
from client.masked.party import Party, RawWords
from client.masked.terms import (
    check_members,
    check_offer,
    offer_digest,
    session_of,
    survivors_needed,
)
from common.consortium.encoding import hashed
from common.consortium.roster import Role, RosterError
from common.errors import MessageError
from common.masked_messages import (
    Confirm,
    Invite,
    Masked,
    MaskedJoin,
    MaskedOffer,
    MaskedResult,
    Members,
    Ready,
    Reveal,
    RevealRequest,
    Survivors,
    cut,
)
from common.masking.context import Context
from common.masking.keys import SECRET_BYTES, SessionSecrets
from common.masking.participant import Membership, Participant, WrongOrderError
from common.model import Model
from common.plan import Plan
from common.private.asked import PrivateRound
from common.private.question import Question, n_words
from common.sealing import check_seal, sealed


class MaskedSession:
    """A station in one session.

    Guarantees:
        * Only the coordinator of the roster is answered, only on the terms it offered, only with members that have
          signed their joins.
        * A question is answered only if it follows from the sum opened before; the answer leaves under masks.
        * After a restart everything goes on from what was kept.
    """

    def __init__(self, party: Party, offer: MaskedOffer) -> None:
        """Use ``MaskedSession.joining``."""
        self.offer, self.plan = offer, Plan.from_canonical(offer.plan)
        self._party, self._file = party, SessionFile(party.ledger, offer.session)
        self._coordinator = b""
        self._secrets: SessionSecrets | None = None
        self._participant: Participant | None = None
        self._round: PrivateRound | None = None

    @classmethod
    def joining(cls, party: Party, offer: MaskedOffer) -> MaskedSession:
        """Join an offer, or take up again what was joined.

        Raises:
            RefusedError: If the offer is not acceptable, another one was joined under this session's number, or the
                session is over.
        """
        found, ledger = cls(party, offer), party.ledger
        place = f"joined:{offer.session.hex()}"
        if ledger.marked(place) is None:
            check_offer(offer, found.plan, party.consortium, party.clock())
            if found._file.secrets() is None:
                found._file.keep_secrets(party.random_bytes(2 * SECRET_BYTES))
            found._file.keep_offer(offer)
        ledger.mark(place, offer_digest(offer))
        found._restore()
        return found

    @classmethod
    def resumed(cls, party: Party, session: bytes) -> MaskedSession | None:
        """A session that was joined before a restart, where it was; None if there is none, or it is over."""
        offer = SessionFile(party.ledger, session).offer()
        if offer is None or party.ledger.marked(f"joined:{session.hex()}") != offer_digest(offer):
            return None
        found = cls(party, offer)
        found._restore()
        return found

    def join(self) -> MaskedJoin:
        """This bureau takes part."""
        key = self._held().public
        signature = self._party.consortium.identity.sign("join", offer_digest(self.offer), self._party.name, key)
        return MaskedJoin(
            session=self.offer.session,
            fingerprint=self.plan.fingerprint,
            bureau=self._party.name,
            exchange_key=key,
            signature=signature,
        )

    def ready(self, members: Members) -> Ready:
        """Everybody is known from here on.

        Raises:
            RefusedError: If the members are not acceptable, or others were accepted before.
        """
        self.check(members)
        participant = self._participant_among(members)
        self._party.ledger.mark(f"members:{self.offer.session.hex()}", participant.membership.session)
        self._file.keep_members(members)
        self._participant = self._participant or participant
        reply = Ready(
            session=self.offer.session,
            fingerprint=self.plan.fingerprint,
            bureau=self._party.name,
            members=self._joined().membership.session,
        )
        return sealed(reply, self._party.consortium.identity)

    def masked(self, invite: Invite, raw_words: RawWords) -> Masked:
        """Answer a question under masks.

        Raises:
            RefusedError: If it does not follow, does not fit, or is out of order.
        """
        self.check(invite)
        if invite.number > self._party.consortium.roster.terms.max_rounds:
            raise RosterError("more rounds than the consortium has agreed on")
        question = question_of(self.plan, invite)
        asked = self._asked(invite, question)
        context = self._context(invite, question)
        participant = self._joined()
        participant.check(context)
        words = self._words(invite, question, raw_words)
        self._file.keep_invite(invite, self._party.name)
        given = participant.contribute(context, words)
        self._round = asked
        reply = Masked(
            session=invite.session,
            fingerprint=invite.fingerprint,
            number=invite.number,
            attempt=invite.attempt,
            bureau=self._party.name,
            context=given.context,
            words=given.words,
            own_commitment=given.own_commitment,
            pair_commitments=given.pair_commitments,
            head=self._party.releases.head(),
        )
        return sealed(reply, self._party.consortium.identity)

    def confirm(self, survivors: Survivors) -> Confirm:
        """Sign whose words are to be opened."""
        self.check(survivors)
        signature = self._joined().confirm(survivors.context, survivors.names, cut(survivors.digests, 32))
        self._file.keep_survivors(survivors)
        return Confirm(
            session=survivors.session,
            fingerprint=survivors.fingerprint,
            bureau=self._party.name,
            context=survivors.context,
            signature=signature,
        )

    def reveal(self, request: RevealRequest) -> Reveal:
        """Open this bureau's part, once everybody has confirmed."""
        self.check(request)
        participant = self._joined()
        names, signatures = participant.survivors, cut(request.confirmations, 64)
        if len(names) != len(signatures):
            raise WrongOrderError("not every survivor has confirmed")
        revealed = participant.reveal(request.context, dict(zip(names, signatures, strict=True)))
        reply = Reveal(
            session=request.session,
            fingerprint=request.fingerprint,
            bureau=self._party.name,
            context=revealed.context,
            own_key=revealed.own_key,
            pair_keys=b"".join(revealed.pair_keys[peer] for peer in sorted(revealed.pair_keys)),
        )
        return sealed(reply, self._party.consortium.identity)

    def finish(self, result: MaskedResult, model: Model) -> None:
        """Accept a model that follows from the last sum, and destroy the session's secrets.

        Raises:
            WrongModelError: If it does not follow.
        """
        self.check(result)
        if self._round is None:
            raise WrongOrderError("a model before any round")
        if model.provenance.session != self.offer.session.hex():
            raise WrongModelError("the model is of another session")
        check_model(self.plan, self._round, model, result.opened, result.answered)
        self._file.forget()
        self._secrets = self._participant = None

    def _words(self, invite: Invite, question: Question, raw_words: RawWords) -> npt.NDArray[np.int64]:
        name = self._named(invite.number, question)
        held = self._party.releases.kept_or_new(self.plan, name, question, lambda: raw_words(question))
        return np.frombuffer(held, "<i8").astype(np.int64)

    def _asked(self, invite: Invite, question: Question) -> PrivateRound:
        """The round, which follows from the one before, or is the current one again."""
        if self._round is not None and invite.number == self._round.number:
            if question.digest() != self._round.question.digest():
                raise WrongOrderError("another question in the same round")
            return self._round
        if invite.number != (self._round.number if self._round else 0) + 1:
            raise WrongOrderError("rounds follow one after another")
        return next_round(self.plan, self._round, invite, question)

    def _context(self, invite: Invite, question: Question) -> Context:
        size = n_words(self.plan, invite.phase, invite.n_centroids)
        return Context(
            session=self._joined().membership.session,
            round=invite.number,
            attempt=invite.attempt,
            cohort=invite.cohort,
            model=bytes.fromhex(question.digest()),
            parameters=hashed("parameters", invite.fingerprint, size),
        )

    def check(self, message: Members | Invite | Survivors | RevealRequest | MaskedResult) -> None:
        """Nothing, if the coordinator of this session has sent a message.

        Raises:
            MessageError: If it belongs to another session or plan, or the coordinator has not signed it.
        """
        if message.session != self.offer.session or message.fingerprint != self.plan.fingerprint:
            raise MessageError("the message belongs to another session or plan")
        check_seal(message, self._coordinator)

    def _participant_among(self, members: Members) -> Participant:
        keys = self._party.consortium.bureau_keys()
        exchange = check_members(members, self.offer, self._party.name, self._held().public, keys)
        membership = Membership(
            name=self._party.name,
            identity=self._party.consortium.identity,
            session=session_of(self.offer, exchange),
            secrets=self._held(),
            exchange_keys=exchange,
            public_keys={name: keys[name] for name in exchange},
            threshold=survivors_needed(self.plan, self.offer, len(exchange), self._party.policy),
        )
        return Participant(membership=membership, kept=LedgerKept(self._party.ledger))

    def _restore(self) -> None:
        """Everything that was agreed before, in its order."""
        coordinator = self._party.consortium.roster.member(self.offer.coordinator, Role.COORDINATOR)
        secrets = self._file.secrets()
        if secrets is None:
            raise WrongOrderError("this session is over")
        self._coordinator, self._secrets = coordinator.public_key, secrets
        members = self._file.members()
        if members is None:
            return
        self._participant = self._participant_among(members)
        for invite in self._file.invites():
            self._round = next_round(self.plan, self._round, invite, question_of(self.plan, invite))
        self._restore_attempt(self._participant)

    def _restore_attempt(self, participant: Participant) -> None:
        """The attempt that was answered last, and whom this bureau has confirmed in it."""
        invite = self._file.last_attempt(self._round.number) if self._round else None
        words = (
            self._party.releases.kept(self._named(self._round.number, self._round.question)) if self._round else None
        )
        if self._round is None or invite is None or words is None:
            return
        context = self._context(invite, self._round.question)
        participant.contribute(context, np.frombuffer(words, "<i8").astype(np.int64))
        survivors = self._file.survivors(context.digest)
        if survivors is not None:
            participant.confirm(survivors.context, survivors.names, cut(survivors.digests, 32))

    def _named(self, number: int, question: Question) -> ReleaseId:
        return ReleaseId(
            session=self.offer.session, fingerprint=self.plan.fingerprint, round=number, question=question.digest()
        )

    def _held(self) -> SessionSecrets:
        if self._secrets is None:
            raise WrongOrderError("the session has not begun")
        return self._secrets

    def _joined(self) -> Participant:
        if self._participant is None:
            raise WrongOrderError("the members are not known yet")
        return self._participant
