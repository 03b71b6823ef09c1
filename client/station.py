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

from client.policy import Policy
from common.errors import FedclaimsError, MessageError, PlanError
from common.grid import from_grid
from common.kernel import MAX_CENTROID_NORM
from common.messages import (
    Join,
    Message,
    Offer,
    Received,
    Refusal,
    RefusalCode,
    Result,
    RoundReply,
    RoundRequest,
    bytes_to_words,
    is_bureau_name,
    words_to_bytes,
)
from common.model import Model
from common.plan import Phase, Plan
from common.summary import Summary
from common.wire import decode, digest, encode

_LOG = logging.getLogger(__name__)

NO_SESSION = bytes(16)


class BureauRows(Protocol):
    """Rows of a bureau's claims under one plan."""

    def __len__(self) -> int:
        """How many claims there are."""

    def summarise(self, centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
        """The summary of all rows around some centroids."""


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
    """

    def __init__(self, bureau: str, policy: Policy, rows_for: Callable[[Plan], BureauRows]) -> None:
        """Wait for an offer.

        Args:
            bureau: This bureau's name in every message.
            policy: Its limits.
            rows_for: Makes the rows of this bureau's claims under a plan.

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
        self._state: _Session | None = None
        self._over: set[bytes] = set()

    def answer(self, request: bytes) -> bytes:
        """The reply to a request, as bytes."""
        session = NO_SESSION
        try:
            message = decode(request)
            session = message.session
            return (
                encode(self._reply(message)) if not isinstance(message, RoundRequest) else self._round(message, request)
            )
        except _RefusedError as refused:
            code = refused.code
        except MessageError:
            code = RefusalCode.BAD_MESSAGE
        except PlanError:
            code = RefusalCode.WRONG_PLAN
        except FedclaimsError as error:
            _LOG.warning("request refused: %s", type(error).__name__)
            code = RefusalCode.NO_CLAIMS
        except Exception as error:  # noqa: BLE001  an exception text could carry a claim's value out of the building
            _LOG.error("request failed: %s", type(error).__name__)
            code = RefusalCode.INTERNAL
        return encode(Refusal(session=session, bureau=self.bureau, code=code))

    def _reply(self, message: Message) -> Message:
        match message:
            case Offer():
                return self._join(message)
            case Result():
                return self._receive(message)
            case _:
                raise _RefusedError(RefusalCode.BAD_MESSAGE)

    def _join(self, offer: Offer) -> Join:
        plan = Plan.from_canonical(offer.plan)
        self._insist(self._policy.objection_to_plan(plan))
        if offer.session in self._over:
            raise _RefusedError(RefusalCode.WRONG_SESSION)
        if self._state is None or self._state.session != offer.session:
            self._begin(_Session(session=offer.session, plan=plan, rows=self._rows_for(plan)))
        elif self._state.plan != plan:
            raise _RefusedError(RefusalCode.WRONG_PLAN)
        return Join(session=offer.session, fingerprint=plan.fingerprint, bureau=self.bureau)

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
        centroids = self._centroids(state.plan, request)
        summary = state.rows.summarise(centroids, with_costs=request.phase is Phase.MEASURE)
        reply = encode(
            RoundReply(
                session=request.session,
                fingerprint=request.fingerprint,
                number=request.number,
                attempt=request.attempt,
                bureau=self.bureau,
                request=seen,
                summary=words_to_bytes(summary.to_vector()),
            )
        )
        last = (request.number, request.attempt)
        self._state = replace(state, cohort=frozenset(request.cohort), last=last, request=seen, reply=reply)
        return reply

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

    def _centroids(self, plan: Plan, request: RoundRequest) -> npt.NDArray[np.int64]:
        if request.n_centroids > plan.max_centroids:
            raise _RefusedError(RefusalCode.WRONG_SHAPE)
        try:
            centroids = bytes_to_words(request.centroids, (request.n_centroids, plan.features.n_features))
        except MessageError as error:
            raise _RefusedError(RefusalCode.WRONG_SHAPE) from error
        if float((from_grid(centroids) ** 2).sum(axis=1).max()) > MAX_CENTROID_NORM**2:
            raise _RefusedError(RefusalCode.WRONG_SHAPE)
        return centroids

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

    def _insist(self, objection: RefusalCode | None) -> None:
        if objection is not None:
            raise _RefusedError(objection)
