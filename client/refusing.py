"""What is told of an error: a code. Its text stays here."""

from __future__ import annotations

from client.asking import WrongShapeError
from client.ledger.errors import BrokenLedgerError, BudgetError, ReleaseError
from client.masked.follows import WrongModelError
from client.masked.terms import ExpiredError
from client.releasing import OverPlanError
from common.consortium.identity import SignatureError
from common.consortium.publishing import PublicationError, PublicationTimeError, UnsignedPublicationError
from common.consortium.roster import RosterError
from common.errors import CohortError, EngineError, FedclaimsError, MessageError, PlanError, RoundLostError
from common.masking.participant import WrongOrderError
from common.messages import RefusalCode
from common.noise.local_noise import LocalNoiseTooSmallError

CODES: dict[type[Exception], RefusalCode] = {
    WrongShapeError: RefusalCode.WRONG_SHAPE,
    RosterError: RefusalCode.ROSTER,
    ExpiredError: RefusalCode.EXPIRED,
    SignatureError: RefusalCode.SIGNATURE,
    WrongModelError: RefusalCode.WRONG_MODEL,
    WrongOrderError: RefusalCode.WRONG_ORDER,
    CohortError: RefusalCode.WRONG_COHORT,
    MessageError: RefusalCode.BAD_MESSAGE,
    PlanError: RefusalCode.WRONG_PLAN,
    BudgetError: RefusalCode.POLICY,
    OverPlanError: RefusalCode.POLICY,
    UnsignedPublicationError: RefusalCode.SIGNATURE,
    PublicationTimeError: RefusalCode.EXPIRED,
    PublicationError: RefusalCode.WRONG_MODEL,
    LocalNoiseTooSmallError: RefusalCode.POLICY,
    ReleaseError: RefusalCode.WRONG_ORDER,
    BrokenLedgerError: RefusalCode.STOPPED,
    RoundLostError: RefusalCode.WRONG_ORDER,
    EngineError: RefusalCode.INTERNAL,
    FedclaimsError: RefusalCode.NO_CLAIMS,
}
"""The first class that an error belongs to says what is told of it."""


def code_of(error: Exception) -> RefusalCode:
    """The code of an error; ``INTERNAL`` for what is none of ours."""
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), RefusalCode.INTERNAL)
