"""The station's desk for masked sums: which session a message belongs to, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from client.masked.party import Party
from client.masked.session import MaskedSession
from client.masked.terms import check_terms
from client.releasing import OverPlanError
from common.errors import CohortError, MessageError, PlanError
from common.masked_messages import (
    Invite,
    MaskedMessage,
    MaskedOffer,
    MaskedResult,
    Members,
    RevealRequest,
    Survivors,
)
from common.masking.participant import WrongOrderError
from common.messages import Received
from common.model import Model
from common.plan import Plan
from common.privacy import Privacy
from common.private.question import Question
from common.wire import AnyMessage


class Rows(Protocol):
    """Rows of a bureau's claims under a plan."""

    def answer(self, question: Question, privacy: Privacy) -> npt.NDArray[np.int64]:
        """The words that answer a question, before noise."""


class WindowRows(Protocol):
    """Rows of sessions about windows of a stream; see ``client.windows``."""

    def rows(self, plan: Plan, session: bytes) -> Rows:
        """The rows of the claims that a session is about: the same for all its questions."""


class MaskedDesk:
    """Answers everything about masked sums, one session at a time.

    Guarantees:
        * A plan that the policy does not accept is not joined.
        * A session that another one has followed, or that has ended, is not taken up again.
    """

    def __init__(self, party: Party, rows_for: Callable[[Plan], Rows], *, windows: WindowRows | None = None) -> None:
        """Wait for an offer.

        Args:
            party: The bureau.
            rows_for: Makes the rows of its claims under a plan.
            windows: Chooses the claims of plans about windows of a stream; without it they are refused.
        """
        self.model: Model | None = None
        self._party, self._rows_for, self._windows = party, rows_for, windows
        self._session: MaskedSession | None = None
        self._rows: Rows | None = None

    def reply(self, message: MaskedMessage) -> AnyMessage:
        """The answer to a coordinator's message.

        Raises:
            RefusedError: If it is not answered; the class says why.
        """
        match message:
            case MaskedOffer():
                return self._join(message).join()
            case Members():
                return self._of(message).ready(message)
            case Invite():
                return self._of(message).masked(message, self._raw_words)
            case Survivors():
                return self._of(message).confirm(message)
            case RevealRequest():
                return self._of(message).reveal(message)
            case MaskedResult():
                return self._receive(message)
            case _:
                msg = "a bureau's own message came back"
                raise MessageError(msg)

    def _join(self, offer: MaskedOffer) -> MaskedSession:
        plan = Plan.from_canonical(offer.plan)
        party = self._party
        self._insist_on_policy(plan)
        if self._session is None or self._session.offer != offer:
            session = MaskedSession.joining(party, offer)
            party.ledger.sessions.forget_others(offer.session)
            self._rows, self._session = self._rows_of(plan, offer.session), session
        return self._session

    def _receive(self, result: MaskedResult) -> Received:
        session = self._of(result)
        session.check(result)
        try:
            model = Model.model_validate_json(result.model)
        except ValidationError as error:
            msg = "the model cannot be read"
            raise MessageError(msg) from error
        if model.plan_fingerprint != session.plan.fingerprint:
            msg = "the model is of another plan"
            raise PlanError(msg)
        if self.model != model:
            session.finish(result, model)
            self.model = model
        return Received(session=result.session, fingerprint=result.fingerprint, bureau=self._party.name)

    def _of(self, message: Members | Invite | Survivors | RevealRequest | MaskedResult) -> MaskedSession:
        if self._session is None or self._session.offer.session != message.session:
            resumed = MaskedSession.resumed(self._party, message.session) if self._session is None else None
            if resumed is None:
                raise WrongOrderError("no such session: it has to be offered first")
            self._insist_on_policy(resumed.plan)
            check_terms(resumed.offer, resumed.plan, self._party.consortium)
            self._rows, self._session = self._rows_of(resumed.plan, message.session), resumed
        return self._session

    def _rows_of(self, plan: Plan, session: bytes) -> Rows:
        if plan.window is None:
            return self._rows_for(plan)
        if self._windows is None:
            raise OverPlanError("this station takes part in no windows")
        return self._windows.rows(plan, session)

    def _insist_on_policy(self, plan: Plan) -> None:
        if self._party.policy.objection_to_plan(plan) is not None or self._party.releases.objects_to(plan):
            raise OverPlanError("the policy does not accept this plan")

    def _raw_words(self, question: Question) -> npt.NDArray[np.int64]:
        session, rows = self._session, self._rows
        if session is None or rows is None or session.plan.privacy is None:
            raise CohortError("no session")
        return rows.answer(question, session.plan.privacy)
