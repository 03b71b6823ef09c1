"""The course of a session, replayed: which question follows from which sum, and which model at its end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from common.consortium.encoding import hashed
from common.masked_messages import Invite, MaskedResult
from common.masking.context import Context
from common.messages import bytes_to_words, words_to_bytes
from common.model import Model, Provenance, model_of
from common.plan import Phase, Plan
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.lbg import after_loss, first, following
from common.private.plausible import is_plausible
from common.private.question import n_words
from common.replay.attempt import Attempt
from common.replay.transcript import ReplayError

NEAR_ENOUGH = 1
"""Grid units by which two machines' floating point may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRound:
    """A round as it went.

    Attributes:
        number: From 1.
        phase: What it was for.
        attempts: How often it was asked.
        survivors: Whose words are in the sum; of a lost round, whose were to be.
        opened: The sum, little-endian words; empty if the round was lost.
    """

    number: int
    phase: Phase
    attempts: int
    survivors: tuple[str, ...]
    opened: bytes


@dataclass(slots=True, kw_only=True)
class Course:
    """Rounds, one after another.

    Attributes:
        plan: Of the session.
        session: Its digest.
        session_id: Its number.
        keys: Identities of the members, by name.
        least: Survivors that a sum needs.
    """

    plan: Plan
    session: bytes
    session_id: bytes
    keys: dict[str, bytes]
    least: int
    attempt: Attempt | None = None
    asked: PrivateRound | None = None
    model: Model | None = None
    exact: bool = True
    rounds: list[ReplayedRound] = field(default_factory=list)

    @property
    def where(self) -> str:
        """In words, for errors."""
        return "" if self.attempt is None else f", round {self.attempt.invite.number}"

    def ask(self, invite: Invite) -> None:
        """The next attempt: of the same round, or of the one that follows.

        Raises:
            ReplayError: If it does not follow.
        """
        _insist(self.model is None, "a round after the model")
        last = self.attempt
        if last is not None and invite.number == last.invite.number:
            self._again(last.invite, invite)
            _insist(set(invite.cohort) <= last.left(), "who did not answer, or cheated, is asked again")
        else:
            self._next(invite)
        self._open(invite)

    def finish(self, result: MaskedResult, joined: frozenset[str]) -> None:
        """The model.

        Raises:
            ReplayError: If it does not follow from the last sum.
        """
        _insist(self.model is None, "a second model")
        outcome, left = self._after(result.opened, result.answered)
        if not isinstance(outcome, PrivateOutcome):
            raise ReplayError("a model is published before the last round")
        try:
            model = Model.model_validate_json(result.model)
        except ValidationError as error:
            raise ReplayError("the model cannot be read") from error
        self._check_provenance(model.provenance, left, joined)
        self._check_model(model_of(self.plan, outcome, model.provenance), model)
        self.model = model

    def _again(self, before: Invite, invite: Invite) -> None:
        changed = {"attempt": before.attempt, "cohort": before.cohort, "signature": before.signature}
        _insist(invite.model_copy(update=changed) == before, "the same round asks another question")
        _insist(invite.attempt == before.attempt + 1, "attempts do not follow one another")

    def _next(self, invite: Invite) -> None:
        if self.attempt is None:
            _insist(not invite.opened and not invite.answered, "a sum before the first round")
            expected: PrivateRound | PrivateOutcome = first(self.plan)
        else:
            expected, left = self._after(invite.opened, invite.answered)
            _insist(set(invite.cohort) <= left, "who did not answer is asked again")
        if not isinstance(expected, PrivateRound):
            raise ReplayError("a round after the last")
        _insist((invite.number, invite.attempt) == (expected.number, 1), "rounds do not follow one another")
        self.asked = self._compared(expected, invite)

    def _after(self, opened: bytes, answered: int) -> tuple[PrivateRound | PrivateOutcome, frozenset[str]]:
        """What follows from the attempt that has ended, and who is left."""
        attempt, asked = self.attempt, self.asked
        if attempt is None or asked is None or not attempt.requested:
            raise ReplayError("the round before was neither opened nor lost")
        total = attempt.total()
        possible = total is not None and is_plausible(self.plan, asked.question, total, len(attempt.survivors))
        held = words_to_bytes(total) if total is not None and possible else b""
        _insist(opened == held, "the sum is not the one that was opened")
        left = frozenset(attempt.revealed)
        _insist(answered == (len(attempt.survivors) if opened else len(left)), "another number of bureaus answered")
        self.rounds.append(
            ReplayedRound(
                number=asked.number,
                phase=asked.phase,
                attempts=attempt.invite.attempt,
                survivors=attempt.survivors,
                opened=held,
            )
        )
        if total is None or not held:
            return after_loss(self.plan, asked, answered), left
        return following(self.plan, asked, total, answered), left

    def _compared(self, expected: PrivateRound, invite: Invite) -> PrivateRound:
        """The round with the centroids that were sent."""
        shape = expected.centroids.shape
        centroids = bytes_to_words(invite.centroids, (invite.n_centroids, self.plan.features.n_features))
        radii = bytes_to_words(invite.radii, (invite.n_centroids,))
        same = (expected.phase, expected.cost, shape) == (invite.phase, invite.cost, centroids.shape)
        _insist(same, "phase, price or number of centroids do not follow from the sum")
        self._insist_near(expected.centroids, centroids, "the centroids do not follow from the sum")
        self._insist_near(expected.radii, radii, "the radii do not follow from the sum")
        return replace(expected, cells=replace(expected.cells, centroids=centroids, radii=radii))

    def _open(self, invite: Invite) -> None:
        if self.asked is None:
            raise ReplayError("nothing was asked")
        _insist(len(invite.cohort) >= self.least, f"fewer than {self.least} bureaus are asked")
        _insist(set(invite.cohort) <= set(self.keys), "a stranger is asked")
        size = n_words(self.plan, invite.phase, invite.n_centroids)
        context = Context(
            session=self.session,
            round=invite.number,
            attempt=invite.attempt,
            cohort=invite.cohort,
            model=bytes.fromhex(self.asked.question.digest()),
            parameters=hashed("parameters", self.plan.fingerprint, size),
        )
        keys = {name: self.keys[name] for name in invite.cohort}
        self.attempt = Attempt(invite=invite, context=context, n_words=size, keys=keys, least=self.least)

    def _check_provenance(self, told: Provenance, left: frozenset[str], joined: frozenset[str]) -> None:
        known = Provenance(
            session=self.session_id.hex(),
            rounds=len(self.rounds),
            cohort=told.cohort,
            lost=tuple(sorted(joined - set(told.cohort))),
            version=told.version,
        )
        _insist(
            told == known and set(told.cohort) <= left, "the model tells another session, cohort or number of rounds"
        )

    def _check_model(self, expected: Model, model: Model) -> None:
        self.exact = self.exact and expected == model
        self._insist_near(expected.centroid_units(), model.centroid_units(), "the model's centroids do not follow")
        counts = [[cluster.count for cluster in one.clusters] for one in (expected, model)]
        _insist(counts[0] == counts[1] and expected.spent == model.spent, "the model's figures do not follow")

    def _insist_near(self, expected: npt.NDArray[np.int64], found: npt.NDArray[np.int64], otherwise: str) -> None:
        near = expected.shape == found.shape and bool(np.abs(expected - found).max() <= NEAR_ENOUGH)
        _insist(near, otherwise)
        self.exact = self.exact and np.array_equal(expected, found)


def _insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  a condition is what it takes
    if not holds:
        raise ReplayError(otherwise)
