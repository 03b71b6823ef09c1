"""Releasing: the one way an answer leaves a bureau when a plan protects it.

bound -> (reserve in the ledger, durable) -> (enter a window's claims, durable) -> noise -> persist -> send. The
mechanisms do not know each other; here they are put in order, and what they guarantee together is said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from client.ledger.ledger import Ledger
from client.ledger.release import Charge, ReleaseId, WindowCharge
from client.ledger.spending import Limits
from client.policy import Policy
from common.accounting.charges import budget
from common.accounting.guarantee import Guarantee, Neighbouring, Unit
from common.errors import RefusedError
from common.messages import words_to_bytes
from common.noise.randomness import SEED_BYTES, AesStream, RandomBytes
from common.plan import Plan
from common.privacy import Privacy
from common.private.budget import LEAST_COST, allotment
from common.private.noising import noised, refuse_impossible_noise
from common.private.question import Question, blocks, counted_on


class OverPlanError(RefusedError):
    """A question costs more than is left of its session's plan: never retry it."""


class EntersClaims(Protocol):
    """What keeps account of which claims have been in a window; see ``client.windows``."""

    def charge(self, plan: Plan, session: bytes) -> WindowCharge:
        """What the ledger is told of a release about a window."""

    def enter(self, plan: Plan, session: bytes) -> None:
        """Enter the session's claims, durably, before noise is drawn."""


class Releases:
    """What has left this bureau, and the way to let more leave.

    Guarantees:
        * An answer is charged, durably, before its noise is drawn; the noised words are durable before they are sent.
        * The same round of the same session gets the same bytes for ever, and is charged once.
        * All answers of a session together cost no more than its plan says, and no limit of the policy is exceeded.
        * Every answer has noise of its own, from a seed that is used once.
        * The claims of a window have entered it, durably, before any noise is drawn for them.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        data_version: str,
        seed_bytes: RandomBytes,
        windows: EntersClaims | None = None,
    ) -> None:
        """Release from one version of the claims.

        Args:
            ledger: Open, of this bureau.
            policy: Its limits.
            data_version: The bureau's own name for the claims; it changes whenever they do.
            seed_bytes: Where seeds of the noise come from: ``os.urandom``; tests give their own.
            windows: For plans about windows of a stream; without it they are refused.
        """
        self._ledger, self._policy = ledger, policy
        self._data_version, self._seed_bytes, self._windows = data_version, seed_bytes, windows

    def objects_to(self, plan: Plan) -> bool:
        """Whether the policy forbids what this plan promises, or what it would show."""
        if plan.privacy is None or self._policy.objection_to_floor(plan) is not None:
            return True
        if plan.window is not None and self._windows is None:
            return True
        return self._policy.objection_to_guarantee(plan.privacy.guarantee) is not None

    def fits(self, plan: Plan, session: bytes, question: Question) -> bool:
        """Whether a question's cost is within what is left of its session's plan."""
        if plan.privacy is None or question.cost < LEAST_COST:
            return False
        spent = self._ledger.spending.by_session[session.hex()]
        return spent + question.cost <= whole_cost(plan, plan.privacy)

    def kept(self, release: ReleaseId) -> bytes | None:
        """What was released before under this name, or None.

        Raises:
            ReleaseError: If this round answered another question.
            BrokenLedgerError: If the kept bytes were changed.
        """
        return self._ledger.vector_of(release)

    def kept_or_new(
        self, plan: Plan, release: ReleaseId, question: Question, raw_words: Callable[[], npt.NDArray[np.int64]]
    ) -> bytes:
        """What was released before under this name, or a new answer that fits the plan's budget.

        Raises:
            OverPlanError: If a new answer would cost more than is left of the plan.
            RefusedError: As ``answer``; or if this round answered another question.
            BrokenLedgerError: If the kept bytes were changed.
        """
        kept = self._ledger.vector_of(release)
        if kept is not None:
            return kept
        if not self.fits(plan, release.session, question):
            raise OverPlanError("the question costs more than is left of the plan")
        return self.answer(plan, release, question, raw_words)

    def answer(
        self, plan: Plan, release: ReleaseId, question: Question, raw_words: Callable[[], npt.NDArray[np.int64]]
    ) -> bytes:
        """Pay for an answer, add its noise, keep it, and return its bytes.

        Args:
            plan: Of the session; protected.
            release: What the answer is called.
            question: What was asked.
            raw_words: Computes the answer without noise; called before anything is paid, for it may fail.

        Raises:
            BudgetError: If it does not fit the policy's limits; nothing was charged.
            ReleaseError: If this round was charged before, or other claims have entered a window meanwhile.
            LocalNoiseTooSmallError: If the noise would be too small to be exact; nothing was charged.
        """
        privacy = _privacy(plan)
        n_centroids, n_features = question.centroids.shape
        parts = blocks(privacy, question.phase, n_centroids, n_features, question.cost)
        refuse_impossible_noise(parts, counted_on(plan))
        words = raw_words()
        if words.shape != (sum(part.n_words for part in parts),):
            msg = "the answer does not fit the question"
            raise ValueError(msg)
        reservation = self._ledger.reserve(release, self._charge(plan, release, question), self._limits)
        if plan.window is not None:
            self._entering().enter(plan, release.session)
        noisy = noised(words, parts, counted_on(plan), AesStream(self._seed_bytes(SEED_BYTES)))
        held = words_to_bytes(noisy.words)
        reservation.persist(held)
        return held

    def _charge(self, plan: Plan, release: ReleaseId, question: Question) -> Charge:
        window = None if plan.window is None else self._entering().charge(plan, release.session)
        return Charge(
            rho=question.cost,
            unit=_privacy(plan).unit,
            neighbouring=Neighbouring.ADD_OR_REMOVE_ONE,
            data_version=self._data_version if window is None else window.data_version,
            window=window,
        )

    def _entering(self) -> EntersClaims:
        if self._windows is None:
            raise OverPlanError("this station takes part in no windows")
        return self._windows

    def head(self) -> str:
        """Of the ledger, for others to keep."""
        return str(self._ledger.head())

    @cached_property
    def _limits(self) -> Limits:
        """In the ledger's currency; searching for them takes a moment, once."""
        return self._policy.limits(rho_within)


def whole_cost(plan: Plan, privacy: Privacy) -> int:
    """What all answers of a session may cost together, units of 1e-9 rho."""
    return allotment(privacy, plan.max_leaves).total


def _privacy(plan: Plan) -> Privacy:
    if plan.privacy is None:
        msg = "a plan without protection releases nothing here"
        raise ValueError(msg)
    return plan.privacy


@lru_cache(maxsize=32)
def rho_within(epsilon: float, delta: float) -> int:
    """The largest sum of charges that stays within an epsilon; the same for persons and claims."""
    return budget(Guarantee(epsilon=epsilon, delta=delta, unit=Unit.PERSON))
