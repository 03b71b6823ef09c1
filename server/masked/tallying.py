"""One attempt of one round at the coordinator: masked words come in, survivors are fixed, keys come in, a sum opens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from common.consortium.identity import verify
from common.masked_messages import Confirm, Masked, Reveal, cut
from common.masking.commitments import disagreeing
from common.masking.context import Context
from common.masking.opening import CheatError, check_contribution, check_revealed, open_sum
from common.masking.participant import Contribution, Revealed, survivors_statement
from common.sealing import check_seal


@dataclass(slots=True, kw_only=True)
class Tally:
    """What an attempt has brought so far.

    Guarantees:
        * Every message counts only with its bureau's signature over it, for this very context, once.

    Attributes:
        context: Of the attempt.
        n_words: Of every answer.
        keys: Identities of the members, by name.
        given: Contributions so far.
        heads: Heads of ledgers that came with them.
        confirmations: Signatures of the survivors so far.
        revealed: Keys so far.
        survivors: Fixed once masked words have come in; sorted.
        digests: SHA-256 of the survivors' masked words.
        statement: What every survivor is to sign.
    """

    context: Context
    n_words: int
    keys: dict[str, bytes]
    given: dict[str, Contribution] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    confirmations: dict[str, bytes] = field(default_factory=dict)
    revealed: dict[str, Revealed] = field(default_factory=dict)
    survivors: tuple[str, ...] = ()
    digests: tuple[bytes, ...] = ()
    statement: bytes = b""

    def take_masked(self, message: Masked) -> None:
        """A bureau's masked words.

        Raises:
            MessageError: If they are not this bureau's to this question.
        """
        check_seal(message, self.keys[message.bureau])
        given = Contribution(
            context=message.context,
            words=message.words,
            own_commitment=message.own_commitment,
            pair_commitments=message.pair_commitments,
        )
        check_contribution(message.bureau, given, self.context.digest, self.context.cohort, self.n_words)
        self.given[message.bureau] = given
        self.heads[message.bureau] = message.head

    def suspects(self) -> frozenset[str]:
        """Who did not commit to the same pair keys as the others."""
        held = {name: given.pair_commitments for name, given in self.given.items()}
        return disagreeing(held, self.context.cohort)

    def fix_survivors(self) -> None:
        """Whoever has sent masked words is in the sum."""
        self.survivors = tuple(sorted(self.given))
        self.digests = tuple(hashlib.sha256(self.given[name].words).digest() for name in self.survivors)
        self.statement = survivors_statement(self.context.digest, self.survivors, self.digests)

    def take_confirm(self, message: Confirm) -> None:
        """A survivor's confirmation.

        Raises:
            SignatureError: If it has not signed these survivors.
        """
        verify(self.keys[message.bureau], message.signature, "confirm", self.statement)
        self.confirmations[message.bureau] = message.signature

    def take_reveal(self, message: Reveal) -> None:
        """A survivor's keys.

        Raises:
            CheatError: If they are not those it committed to.
            SignatureError: If it has not signed them.
        """
        check_seal(message, self.keys[message.bureau])
        lost = sorted(set(self.context.cohort) - set(self.survivors))
        keys = cut(message.pair_keys, 32)
        if len(keys) != len(lost):
            raise CheatError(message.bureau, "did not reveal one key for each bureau that was lost")
        found = Revealed(context=message.context, own_key=message.own_key, pair_keys=dict(zip(lost, keys, strict=True)))
        check_revealed(message.bureau, found, self.given[message.bureau], self.context.cohort, self.survivors)
        self.revealed[message.bureau] = found

    def total(self) -> npt.NDArray[np.int64]:
        """The opened sum.

        Raises:
            RoundLostError: If keys are missing.
        """
        return open_sum(self.given, self.survivors, self.revealed)
