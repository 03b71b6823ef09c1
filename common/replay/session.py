"""A whole session, replayed: who joined, each attempt, each opened sum, each next question, the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from common.consortium.encoding import hashed
from common.consortium.identity import verify
from common.consortium.roster import Role, Roster
from common.errors import FedclaimsError
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
)
from common.masking.keys import session_digest
from common.masking.threshold import threshold
from common.messages import Received
from common.model import Model
from common.plan import Plan, Protection
from common.replay.attempt import Attempt
from common.replay.following import Course, ReplayedRound
from common.replay.transcript import ReplayError
from common.sealing import check_seal
from common.wire import AnyMessage, decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A session that went by the rules.

    Attributes:
        members: Bureaus that joined, sorted.
        rounds: Each round, in order.
        model: What came out.
        exact: Whether every question and the model are those computed here, bit for bit; if not, none is further off
            than another machine's floating point may be.
    """

    members: tuple[str, ...]
    rounds: tuple[ReplayedRound, ...]
    model: Model
    exact: bool


def replayed(messages: Iterable[bytes], roster: Roster) -> Replayed:
    """Go through a transcript.

    Guarantees:
        * Ends without an error only if every message is signed by whom it is from, in its place, and complete enough
          to compute every opened sum, bit for bit, and from them every next question and the model.

    Args:
        messages: In order.
        roster: Whose members may speak; its own signatures are checked by the caller.

    Raises:
        ReplayError: If not; the text names the message, the round and the bureau.
    """
    replay = _Replay(roster=roster)
    for place, held in enumerate(messages, 1):
        where = f"message {place}{replay.where}"
        try:
            message = decode(held)
            where += f", {_sender(message)}"
            replay.take(message)
        except (FedclaimsError, ValueError) as error:
            msg = f"{where}: {error}"
            raise ReplayError(msg) from error
    return replay.ended()


@dataclass(slots=True, kw_only=True)
class _Replay:
    """What is known so far."""

    roster: Roster
    offer: MaskedOffer | None = None
    plan: Plan | None = None
    coordinator: bytes = b""
    joins: dict[str, MaskedJoin] = field(default_factory=dict)
    session: bytes = b""
    ready: set[str] = field(default_factory=set)
    course: Course | None = None
    received: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """In words, for errors."""
        return "" if self.course is None else self.course.where

    def take(self, message: AnyMessage) -> None:
        if isinstance(message, MaskedOffer):
            self._begin(message)
            return
        self._insist_of_this_session(message)
        match message:
            case MaskedJoin():
                self._join(message)
            case Members():
                self._members(message)
            case Ready():
                self._ready(message)
            case _:
                self._in_course(message)

    def _in_course(self, message: AnyMessage) -> None:
        match message:
            case Invite():
                self._invite(message)
            case MaskedResult():
                check_seal(message, self.coordinator)
                self._course().finish(message, frozenset(self.joins))
            case Received():
                self._received(message)
            case _:
                self._within(message)

    def ended(self) -> Replayed:
        if self.course is None or self.course.model is None:
            raise ReplayError("the transcript ends before a model was published")
        return Replayed(
            members=tuple(sorted(self.joins)),
            rounds=tuple(self.course.rounds),
            model=self.course.model,
            exact=self.course.exact,
        )

    def _begin(self, offer: MaskedOffer) -> None:
        _insist(self.offer is None, "a second offer")
        self.coordinator = self.roster.member(offer.coordinator, Role.COORDINATOR).public_key
        check_seal(offer, self.coordinator)
        _insist(offer.roster == self.roster.digest, "the offer names another roster: give the one it was made under")
        self.offer, self.plan = offer, Plan.from_canonical(offer.plan)
        least, privacy = self.roster.terms, self.plan.privacy
        _insist(privacy is not None and self.plan.protection is Protection.SECURE, "the plan's sums are not secure")
        enough = self.plan.min_cohort >= least.min_cohort and offer.colluding >= least.colluding
        floor = privacy is not None and privacy.honest_floor >= least.honest_floor
        _insist(enough and floor, "the terms are weaker than the roster's")

    def _join(self, join: MaskedJoin) -> None:
        _insist(not self.session and join.bureau not in self.joins, "a join out of its place")
        key = self.roster.member(join.bureau, Role.BUREAU).public_key
        verify(key, join.signature, "join", self._offer_digest(), join.bureau, join.exchange_key)
        self.joins[join.bureau] = join

    def _members(self, members: Members) -> None:
        _insist(not self.session, "a second list of members")
        check_seal(members, self.coordinator)
        names = tuple(sorted(self.joins))
        joins = [self.joins[name] for name in names]
        same = (members.names, members.exchange_keys, members.signatures) == (
            names,
            b"".join(join.exchange_key for join in joins),
            b"".join(join.signature for join in joins),
        )
        _insist(same, "the members are not those who joined")
        self.session = session_digest(self._offer_digest(), {join.bureau: join.exchange_key for join in joins})

    def _ready(self, ready: Ready) -> None:
        first = bool(self.session) and self.course is None
        _insist(first and ready.bureau in self.joins and ready.bureau not in self.ready, "a ready out of its place")
        check_seal(ready, self.roster.member(ready.bureau, Role.BUREAU).public_key)
        _insist(ready.members == self.session, "knows other members")
        self.ready.add(ready.bureau)

    def _invite(self, invite: Invite) -> None:
        check_seal(invite, self.coordinator)
        if self.course is None:
            _insist(
                bool(self.session) and invite.cohort == tuple(sorted(self.ready)), "not all who were ready are asked"
            )
            self.course = self._new_course()
        _insist(invite.number <= self.roster.terms.max_rounds, "more rounds than the consortium has agreed on")
        self.course.ask(invite)

    def _new_course(self) -> Course:
        offer, plan = self.offer, self.plan
        if offer is None or plan is None or plan.privacy is None:
            raise ReplayError("no offer came before")
        least = max(threshold(len(self.joins), plan.privacy.honest_floor, offer.colluding), plan.min_cohort)
        keys = {name: self.roster.member(name, Role.BUREAU).public_key for name in self.joins}
        return Course(plan=plan, session=self.session, session_id=offer.session, keys=keys, least=least)

    def _within(self, message: AnyMessage) -> None:
        attempt = self._course().attempt
        if attempt is None:
            raise ReplayError("nothing was asked")
        if isinstance(message, Survivors | RevealRequest):
            check_seal(message, self.coordinator)
        _taken(attempt, message)

    def _received(self, message: Received) -> None:
        model = self._course().model
        here = model is not None and message.bureau in model.provenance.cohort and message.bureau not in self.received
        _insist(here, "received what it was not sent")
        self.received.add(message.bureau)

    def _insist_of_this_session(self, message: AnyMessage) -> None:
        if self.offer is None or self.plan is None:
            raise ReplayError("the transcript does not begin with an offer")
        fingerprint = getattr(message, "fingerprint", self.plan.fingerprint)
        same = (message.session, fingerprint) == (self.offer.session, self.plan.fingerprint)
        _insist(same, "of another session or plan")

    def _course(self) -> Course:
        if self.course is None:
            raise ReplayError("nothing was asked")
        return self.course

    def _offer_digest(self) -> bytes:
        return hashed("offer", encode(self.offer)) if self.offer is not None else b""


def _taken(attempt: Attempt, message: AnyMessage) -> None:
    match message:
        case Masked():
            attempt.masked(message)
        case Survivors():
            attempt.fixed(message)
        case Confirm():
            attempt.confirm(message)
        case RevealRequest():
            attempt.request(message)
        case Reveal():
            attempt.reveal(message)
        case _:
            raise ReplayError("no message of a session of masked sums")


def _sender(message: AnyMessage) -> str:
    return f"bureau {message.bureau}" if hasattr(message, "bureau") else "the coordinator"


def _insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  a condition is what it takes
    if not holds:
        raise ReplayError(otherwise)
