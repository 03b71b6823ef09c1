"""Serving: every request goes past the kill switch, the roster that counts now, the station, and the journal."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass

from client.deployment.arrivals import Arrivals
from client.deployment.claims import StationClaims
from client.deployment.journal import Journal
from client.deployment.logs import say
from client.deployment.offered import Offered
from client.deployment.pausing import is_paused
from client.deployment.place import Place
from client.identity.membership import ROSTER_FILE, Membership
from client.ledger.ledger import Clock, Ledger
from client.masked.desk import MaskedDesk
from client.masked.party import Party
from client.masked.terms import Consortium
from client.policy import load_policy
from client.releasing import Releases
from client.station import NO_SESSION, Station
from client.windows.account import Account
from client.windows.book import ClaimBook
from client.windows.windows import Windows
from common.consortium.identity import Identity
from common.consortium.roster import Role, Roster, RosterError
from common.errors import FedclaimsError, MessageError
from common.masked_messages import MaskedOffer
from common.messages import Offer, Published, Refusal, RefusalCode
from common.wire import AnyMessage, decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What a station process has, whatever policy and roster say.

    Attributes:
        name: Of the bureau.
        place: Its directory.
        claims: Its claims.
        ledger: Open.
        book: Open, beside the ledger.
        identity: Signs for it.
        journal: Of the process.
        clock: Says what time it is.
    """

    name: str
    place: Place
    claims: StationClaims
    ledger: Ledger
    book: ClaimBook
    identity: Identity
    journal: Journal
    clock: Clock


class Serving:
    """Answers as a station does.

    Guarantees:
        * While the station is paused nothing but refusals leaves, also of what was asked before the pause.
        * A station that has stopped, for its ledger cannot be trusted, stays stopped until the process ends.
        * A session begins under the policy file as it was read last, and under the roster that counts at that moment;
          if either cannot be used, it does not begin.
        * After a restart a session goes on without being offered again.
    """

    def __init__(self, own: Belongings) -> None:
        """Read policy and roster, and take up the session that was going on.

        Raises:
            InputError: If the policy cannot be used.
            RosterError: If a roster is there that does not count.
        """
        self._own, self._offered = own, Offered(own.place)
        self._stale = threading.Event()
        self._at_work = threading.Lock()
        self._stopped = False
        self._roster: Roster | None = None
        self._station = self._made(self._current_roster())
        self._take_up()

    def read_policy_again(self) -> None:
        """Before the next answer; until the file can be used, nothing is answered."""
        self._stale.set()

    def is_ready(self) -> bool:
        """Whether a request would be answered now: the ledger is open, nothing is paused, the policy can be used."""
        if self._stopped or is_paused(self._own.place):
            return False
        try:
            load_policy(self._own.place.policy)
        except (FedclaimsError, OSError):
            return False
        return True

    def look(self) -> None:
        """Note which claims have arrived, once a stream has begun; beside the answers, not among them."""
        if self._stopped or not self._own.book.windows:
            return
        try:
            found = self._own.claims.look()
            if found is not None:
                with self._at_work:
                    self._own.book.first_seen(found, self._own.clock())
        except FedclaimsError as error:
            say("the claims cannot be looked at", level=logging.WARNING, error=type(error).__name__)

    def answer(self, request: bytes) -> bytes:
        """The reply to a request."""
        with self._at_work:
            return self._answer(request)

    def _answer(self, request: bytes) -> bytes:
        asked = _asked(request)
        closed = self._stopped or is_paused(self._own.place)
        code = RefusalCode.STOPPED if closed else self._renewed(asked)
        if code is not None:
            return self._refuse(asked, code)
        reply = self._station.answer(request)
        if is_paused(self._own.place):
            return self._refuse(asked, RefusalCode.STOPPED)
        self._note(asked, request, reply)
        return reply

    def _renewed(self, asked: AnyMessage | None) -> RefusalCode | None:
        """Take up a policy or a roster that has changed; None, or why nothing is answered."""
        try:
            roster = self._current_roster() if isinstance(asked, Offer | MaskedOffer | Published) else self._roster
            if self._stale.is_set() or roster != self._roster:
                self._station = self._made(roster)
                self._stale.clear()
                self._take_up()
        except RosterError as error:
            say("the roster does not count", error=type(error).__name__)
            return RefusalCode.ROSTER
        except (FedclaimsError, OSError) as error:
            say("policy or roster cannot be used", error=type(error).__name__)
            return RefusalCode.STOPPED
        return None

    def _current_roster(self) -> Roster | None:
        """The roster that counts now; None as long as none was ever accepted."""
        membership = Membership(self._own.place.consortium)
        if not (membership.directory / ROSTER_FILE).exists():
            return None
        roster = membership.roster(self._own.clock())
        if membership.member(roster).role is not Role.BUREAU:
            msg = "the roster lists this name in another role"
            raise RosterError(msg)
        return roster

    def _made(self, roster: Roster | None) -> Station:
        own, policy = self._own, load_policy(self._own.place.policy)
        windows = Windows(Account(own.book, own.claims, policy, own.ledger, own.clock))
        releases = Releases(own.ledger, policy, own.claims.data_version, os.urandom, windows)
        desk = None
        if roster is not None:
            party = Party(
                name=own.name,
                consortium=Consortium(identity=own.identity, roster=roster),
                policy=policy,
                ledger=own.ledger,
                releases=releases,
                random_bytes=os.urandom,
                clock=own.clock,
            )
            desk = MaskedDesk(party, own.claims.rows_for, windows=windows)
        self._roster = roster
        version, until = (roster.version, roster.valid_until) if roster else (None, None)
        own.journal.change(roster_version=version, roster_until=until)
        say("policy and roster read", roster_version=version)
        shelve = Arrivals(own.place.models, roster, own.clock).keep if roster is not None else None
        return Station(own.name, policy, own.claims.rows_for, releases, desk, shelve=shelve, windows=windows)

    def _take_up(self) -> None:
        """Join again what was joined before the station was started; the reply is dropped."""
        request = self._offered.newest()
        if request is not None:
            asked, reply = _asked(request), _asked(self._station.answer(request))
            code = str(reply.code) if isinstance(reply, Refusal) else None
            say("session taken up", asked=_kind(asked), session=_session(asked).hex(), refused=code)

    def _refuse(self, asked: AnyMessage | None, code: RefusalCode) -> bytes:
        session = _session(asked)
        self._own.journal.refused(session.hex(), _kind(asked), code)
        return encode(Refusal(session=session, bureau=self._own.name, code=code))

    def _note(self, asked: AnyMessage | None, request: bytes, reply: bytes) -> None:
        found = decode(reply)
        if asked is None or isinstance(found, Refusal):
            code = found.code if isinstance(found, Refusal) else RefusalCode.INTERNAL
            self._stopped = self._stopped or code is RefusalCode.STOPPED
            self._own.journal.refused(found.session.hex(), _kind(asked), code)
            return
        self._offered.note(asked, request)
        self._own.journal.answered(found.session.hex(), found.kind, str(getattr(found, "fingerprint", "")))


def _asked(request: bytes) -> AnyMessage | None:
    try:
        return decode(request)
    except MessageError:
        return None


def _session(asked: AnyMessage | None) -> bytes:
    return NO_SESSION if asked is None else asked.session


def _kind(asked: AnyMessage | None) -> str:
    return "unreadable" if asked is None else asked.kind
