"""One attempt of one round, replayed: masked words, survivors, confirmations, keys, and what came of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from common.consortium.identity import verify
from common.masked_messages import Confirm, Invite, Masked, Reveal, RevealRequest, Survivors, cut
from common.masking.commitments import disagreeing
from common.masking.context import Context
from common.masking.opening import CheatError, check_contribution, check_revealed, open_sum
from common.masking.participant import Contribution, Revealed, survivors_statement
from common.replay.transcript import ReplayError
from common.sealing import check_seal


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What the transcript holds of an attempt.

    Guarantees:
        * Every message is the one that its sender has signed, for this context, once, in its place.

    Attributes:
        invite: What was asked.
        context: As every bureau computes it.
        n_words: Of an answer.
        keys: Identities of the cohort, by name.
        least: Survivors that a sum needs.
        survivors: Whose words are to be opened; sorted.
        statement: What each of them signs.
        requested: Whether their keys were asked for.
        given: Masked words, by name.
        confirmed: Signatures of survivors, by name.
        revealed: Keys, by name.
    """

    invite: Invite
    context: Context
    n_words: int
    keys: dict[str, bytes]
    least: int
    survivors: tuple[str, ...] = ()
    statement: bytes = b""
    requested: bool = False
    given: dict[str, Contribution] = field(default_factory=dict)
    confirmed: dict[str, bytes] = field(default_factory=dict)
    revealed: dict[str, Revealed] = field(default_factory=dict)

    def masked(self, message: Masked) -> None:
        """A bureau's masked words; the last one counts if it sent them twice."""
        _insist(not self.survivors and message.bureau in self.keys, "was not asked for masked words here")
        check_seal(message, self.keys[message.bureau])
        same = (message.number, message.attempt) == (self.invite.number, self.invite.attempt)
        _insist(same, "answers another attempt")
        given = Contribution(
            context=message.context,
            words=message.words,
            own_commitment=message.own_commitment,
            pair_commitments=message.pair_commitments,
        )
        check_contribution(message.bureau, given, self.context.digest, self.context.cohort, self.n_words)
        self.given[message.bureau] = given

    def fixed(self, message: Survivors) -> None:
        """Whose words are to be opened: exactly those that came."""
        _insist(not self.survivors and message.context == self.context.digest, "survivors of another attempt")
        _insist(message.names == tuple(sorted(self.given)), "the survivors are not those whose words came")
        _insist(len(message.names) >= self.least, f"a sum of fewer than {self.least} bureaus was to be opened")
        _insist(not disagreeing(self._commitments(), self.context.cohort), "survivors disagree about a pair's key")
        self.survivors = message.names
        digests = tuple(hashlib.sha256(self.given[name].words).digest() for name in self.survivors)
        _insist(cut(message.digests, 32) == digests, "a digest is not of the masked words that came")
        self.statement = survivors_statement(self.context.digest, self.survivors, digests)

    def confirm(self, message: Confirm) -> None:
        """A survivor's signature."""
        here = message.context == self.context.digest and message.bureau in self.survivors and not self.requested
        _insist(here, "confirms what it was not asked for")
        verify(self.keys[message.bureau], message.signature, "confirm", self.statement)
        self.confirmed[message.bureau] = message.signature

    def request(self, message: RevealRequest) -> None:
        """Everybody has confirmed."""
        _insist(not self.requested and message.context == self.context.digest, "keys of another attempt are asked for")
        _insist(set(self.confirmed) == set(self.survivors) != set(), "keys are asked for before all have confirmed")
        shown = tuple(self.confirmed[name] for name in self.survivors)
        _insist(cut(message.confirmations, 64) == shown, "the confirmations shown are not those that came")
        self.requested = True

    def reveal(self, message: Reveal) -> None:
        """A survivor's keys."""
        _insist(self.requested and message.bureau in self.survivors, "reveals what it was not asked for")
        check_seal(message, self.keys[message.bureau])
        lost = sorted(set(self.context.cohort) - set(self.survivors))
        keys = cut(message.pair_keys, 32)
        if len(keys) != len(lost):
            raise CheatError(message.bureau, "did not reveal one key for each bureau that was lost")
        found = Revealed(context=message.context, own_key=message.own_key, pair_keys=dict(zip(lost, keys, strict=True)))
        check_revealed(message.bureau, found, self.given[message.bureau], self.context.cohort, self.survivors)
        self.revealed[message.bureau] = found

    def total(self) -> npt.NDArray[np.int64] | None:
        """The sum; None if keys are missing."""
        if not self.requested or set(self.revealed) != set(self.survivors):
            return None
        return open_sum(self.given, self.survivors, self.revealed)

    def left(self) -> frozenset[str]:
        """Who can be asked from here on.

        Raises:
            ReplayError: If the attempt was given up without a reason.
        """
        if self.requested:
            return frozenset(self.revealed)
        if self.survivors:
            _insist(set(self.confirmed) != set(self.survivors), "the attempt was given up though all had confirmed")
            return frozenset(self.confirmed)
        suspects = disagreeing(self._commitments(), self.context.cohort)
        _insist(bool(suspects), "the attempt was given up without a reason")
        return frozenset(self.given) - suspects

    def _commitments(self) -> dict[str, bytes]:
        return {name: given.pair_commitments for name, given in self.given.items()}


def _insist(holds: bool, otherwise: str) -> None:  # noqa: FBT001  a condition is what it takes
    if not holds:
        raise ReplayError(otherwise)
