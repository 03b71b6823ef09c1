"""The station: answers a coordinator's requests about this bureau's claims, or refuses them.

A pure state machine: bytes in, bytes out, no clock, no network. Whatever goes wrong inside, the answer is a refusal
with a code, never an exception text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from client.asking import centroids_asked, question_of
from client.ledger.errors import BrokenLedgerError
from client.ledger.release import ReleaseId
from client.masked.desk import MaskedDesk
from client.policy import Policy
from client.refusing import code_of
from client.releasing import Releases
from common.masked_messages import MaskedMessage
from common.messages import (
    Join,
    Offer,
    Published,
    Received,
    Refusal,
    RefusalCode,
    Result,
    RoundReply,
    RoundRequest,
    is_bureau_name,
    words_to_bytes,
)
from common.model import Model
from common.plan import Phase, Plan, Protection
from common.privacy import Privacy
from common.private.question import Question
from common.summary import Summary
from common.wire import AnyMessage, decode, digest, encode

_LOG = logging.getLogger(__name__)

NO_SESSION = bytes(16)


class BureauRows(Protocol):
    """Rows of a bureau's claims under one plan."""

    def __len__(self) -> int:
        """How many claims there are."""

    def summarise(self, centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
        """The summary of all rows around some centroids."""

    def answer(self, question: Question, privacy: Privacy) -> npt.NDArray[np.int64]:
        """The words that answer a private question, before noise."""


class WindowRows(Protocol):
    """Rows of sessions about windows of a stream; see ``client.windows``."""

    def rows(self, plan: Plan, session: bytes) -> BureauRows:
        """The rows of the claims that a session is about: the same for all its questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """What a station remembers of a session."""

    session: bytes
    plan: Plan
    rows: BureauRows
    cohort: frozenset[str] | None = None
    last: tuple[int, int] = (0, 0)
    request: str = ""
    reply: bytes = b""


class _RefusedError(Exception):
    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


class Station:
    """Answers for one bureau.

    Guarantees:
        * ``answer`` returns a message whatever it is given, and never raises.
        * A summary leaves only for the plan this station joined, for a cohort that includes this bureau, is no
          smaller than policy and plan demand, and never grew within the session, in rising order of rounds.
          A session that another one has followed is over.
        * The same request again gets the same bytes again; nothing is computed or counted twice.
        * Under a protected plan what leaves has gone through ``client.releasing``, and nothing leaves any more once
          the ledger cannot be trusted.
    """

    def __init__(
        self,
        bureau: str,
        policy: Policy,
        rows_for: Callable[[Plan], BureauRows],
        releases: Releases | None = None,
        desk: MaskedDesk | None = None,
        *,
        shelve: Callable[[Published], None] | None = None,
        windows: WindowRows | None = None,
    ) -> None:
        """Wait for an offer.

        Args:
            bureau: This bureau's name in every message.
            policy: Its limits.
            rows_for: Makes the rows of this bureau's claims under a plan.
            releases: Pays for answers and adds their noise; without it protected plans are refused.
            desk: For masked sums; without it they are refused.
            shelve: Checks and keeps a published model; without it they are refused.
            windows: Chooses the claims of plans about windows of a stream; without it they are refused.

        Raises:
            ValueError: If no message can carry the name.
        """
        if not is_bureau_name(bureau):
            msg = "a bureau's name has 1 to 64 characters, none of them a control character"
            raise ValueError(msg)
        self.bureau = bureau
        self.model: Model | None = None
        self._policy = policy
        self._rows_for = rows_for
        self._releases, self._desk, self._shelve, self._windows = releases, desk, shelve, windows
        self._stopped = False
        self._state: _Session | None = None
        self._over: set[bytes] = set()

    def answer(self, request: bytes) -> bytes:
        """The reply to a request, as bytes."""
        session = NO_SESSION
        try:
            self._insist(RefusalCode.STOPPED if self._stopped else None)
            message = decode(request)
            session = message.session
            if isinstance(message, RoundRequest):
                return self._round(message, request)
            return encode(self._reply(message))
        except Exception as error:  # noqa: BLE001  an exception text could carry a claim's value out of the building
            code = self._code_of(error)
        return encode(Refusal(session=session, bureau=self.bureau, code=code))

    def _code_of(self, error: Exception) -> RefusalCode:
        """What is told of an error: a code. The log gets its class, and the station stops if its ledger is broken."""
        self._stopped = self._stopped or isinstance(error, BrokenLedgerError)
        if isinstance(error, _RefusedError):
            return error.code
        code = code_of(error)
        level = logging.ERROR if code in {RefusalCode.INTERNAL, RefusalCode.STOPPED} else logging.WARNING
        _LOG.log(level, "request refused: %s, %s", code, type(error).__name__)
        return code

    def _reply(self, message: AnyMessage) -> AnyMessage:
        match message:
            case Offer():
                return self._join(message)
            case Result():
                return self._receive(message)
            case Published():
                return self._keep(message)
            case Join() | RoundRequest() | RoundReply() | Received() | Refusal():
                raise _RefusedError(RefusalCode.BAD_MESSAGE)
            case _:
                return self._masked(message)

    def _masked(self, message: MaskedMessage) -> AnyMessage:
        if self._desk is None:
            raise _RefusedError(RefusalCode.POLICY)
        reply = self._desk.reply(message)
        self.model = self._desk.model or self.model
        return reply

    def _join(self, offer: Offer) -> Join:
        plan = Plan.from_canonical(offer.plan)
        self._insist(self._policy.objection_to_plan(plan))
        if plan.protection is Protection.SECURE:
            raise _RefusedError(RefusalCode.POLICY)
        if plan.privacy is not None and (self._releases is None or self._releases.objects_to(plan)):
            raise _RefusedError(RefusalCode.POLICY)
        if offer.session in self._over:
            raise _RefusedError(RefusalCode.WRONG_SESSION)
        if self._state is None or self._state.session != offer.session:
            self._begin(_Session(session=offer.session, plan=plan, rows=self._rows_of(plan, offer.session)))
        elif self._state.plan != plan:
            raise _RefusedError(RefusalCode.WRONG_PLAN)
        return Join(session=offer.session, fingerprint=plan.fingerprint, bureau=self.bureau)

    def _rows_of(self, plan: Plan, session: bytes) -> BureauRows:
        if plan.window is None:
            return self._rows_for(plan)
        if self._windows is None:
            raise _RefusedError(RefusalCode.POLICY)
        return self._windows.rows(plan, session)

    def _begin(self, state: _Session) -> None:
        """Start a session; what was agreed in the one before is never forgotten while it could be asked again."""
        if self._state is not None:
            self._over.add(self._state.session)
        self._state = state

    def _round(self, request: RoundRequest, held: bytes) -> bytes:
        state = self._session_of(request)
        seen = digest(held)
        if seen == state.request:
            return state.reply
        self._check_cohort(state, request)
        if (request.number, request.attempt) <= state.last:
            raise _RefusedError(RefusalCode.WRONG_ORDER)
        summary = self._summary(state, request)
        reply = encode(
            RoundReply(
                session=request.session,
                fingerprint=request.fingerprint,
                number=request.number,
                attempt=request.attempt,
                bureau=self.bureau,
                request=seen,
                summary=summary,
                head=self._releases.head() if self._releases and state.plan.privacy else "",
            )
        )
        last = (request.number, request.attempt)
        self._state = replace(state, cohort=frozenset(request.cohort), last=last, request=seen, reply=reply)
        return reply

    def _summary(self, state: _Session, request: RoundRequest) -> bytes:
        """What leaves: an open summary's words, or a noisy one's."""
        if state.plan.privacy is not None:
            return self._released(state, request, question_of(state.plan, request), state.plan.privacy)
        centroids = centroids_asked(state.plan, request)
        summary = state.rows.summarise(centroids, with_costs=request.phase is Phase.MEASURE)
        return words_to_bytes(summary.to_vector())

    def _released(self, state: _Session, request: RoundRequest, question: Question, privacy: Privacy) -> bytes:
        if self._releases is None:
            raise _RefusedError(RefusalCode.POLICY)
        name = ReleaseId(
            session=request.session,
            fingerprint=request.fingerprint,
            round=request.number,
            question=question.digest(),
        )
        return self._releases.kept_or_new(state.plan, name, question, lambda: state.rows.answer(question, privacy))

    def _session_of(self, message: RoundRequest | Result) -> _Session:
        if self._state is None or self._state.session != message.session:
            raise _RefusedError(RefusalCode.WRONG_SESSION)
        if self._state.plan.fingerprint != message.fingerprint:
            raise _RefusedError(RefusalCode.WRONG_PLAN)
        return self._state

    def _check_cohort(self, state: _Session, request: RoundRequest) -> None:
        sorted_once = tuple(sorted(set(request.cohort))) == request.cohort
        grew = state.cohort is not None and not state.cohort.issuperset(request.cohort)
        if not sorted_once or self.bureau not in request.cohort or grew:
            raise _RefusedError(RefusalCode.WRONG_COHORT)
        self._insist(self._policy.objection_to_cohort(request.cohort, state.plan))

    def _receive(self, result: Result) -> Received:
        state = self._session_of(result)
        try:
            model = Model.model_validate_json(result.model)
        except ValidationError as error:
            raise _RefusedError(RefusalCode.BAD_MESSAGE) from error
        if model.plan_fingerprint != state.plan.fingerprint:
            raise _RefusedError(RefusalCode.WRONG_PLAN)
        self.model = model
        return Received(session=result.session, fingerprint=result.fingerprint, bureau=self.bureau)

    def _keep(self, published: Published) -> Received:
        if self._shelve is None:
            raise _RefusedError(RefusalCode.POLICY)
        self._shelve(published)
        return Received(session=published.session, fingerprint=published.fingerprint, bureau=self.bureau)

    def _insist(self, objection: RefusalCode | None) -> None:
        if objection is not None:
            raise _RefusedError(objection)
