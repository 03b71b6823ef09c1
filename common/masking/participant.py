"""A bureau's side of one session: masks, confirms and reveals, each once and only as agreed.

A state machine without clock, network or files. What must never be contradicted, not even after a crash, goes through
``Kept``, which is durable before this module returns anything that could be sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from common.consortium.encoding import hashed
from common.consortium.identity import Identity, verify
from common.errors import CohortError, RefusedError
from common.masking.commitments import own_commitment, pair_commitments
from common.masking.context import Context
from common.masking.keys import SessionSecrets, own_key, pair_key, pair_secret
from common.masking.masks import masked


class WrongOrderError(RefusedError):
    """A step that does not follow from the steps before, or contradicts one: never retry it."""


class Kept(Protocol):
    """What a bureau will never contradict: a value for each place, durable before it counts."""

    def get(self, place: str) -> bytes | None:
        """What was put there, or None."""

    def put(self, place: str, value: bytes) -> None:
        """Put a value there; the same again changes nothing.

        Raises:
            RefusedError: If another value is there.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A bureau in a session.

    Attributes:
        name: Of this bureau.
        identity: Signs for it.
        session: Digest of the session.
        secrets: Of this bureau in this session.
        exchange_keys: Public session key of each member, by name, this one included.
        public_keys: Identity of each member, by name, as the roster has it.
        threshold: Survivors that an opened sum needs.
    """

    name: str
    identity: Identity
    session: bytes
    secrets: SessionSecrets
    exchange_keys: Mapping[str, bytes]
    public_keys: Mapping[str, bytes]
    threshold: int

    def __post_init__(self) -> None:
        """Refuse what is no membership.

        Raises:
            ValueError: If the bureau is no member, a member has no identity, or a sum would need no survivors.
        """
        known = self.name in self.exchange_keys and set(self.exchange_keys) <= set(self.public_keys)
        if not known or self.threshold < 1:
            msg = "a member of a session has an identity and a session key, and sums have survivors"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What a bureau sends of its words in one attempt.

    Attributes:
        context: Digest.
        words: Masked, little-endian 64-bit.
        own_commitment: To the key of its own mask.
        pair_commitments: To the keys of its pairs, in the order of the peers' names.
    """

    context: bytes
    words: bytes
    own_commitment: bytes
    pair_commitments: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """The keys that open an attempt.

    Attributes:
        context: Digest.
        own_key: Of the bureau's own mask.
        pair_keys: Of the masks shared with those who were lost, by name.
    """

    context: bytes
    own_key: bytes
    pair_keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    context: Context
    digest: bytes
    words_digest: bytes
    survivors: tuple[str, ...] = ()
    statement: bytes = b""


@dataclass(slots=True)
class Participant:
    """One bureau in one session.

    Guarantees:
        * Words leave under a mask of this bureau alone and one for each other bureau of the attempt's cohort, all
          derived from the session's secrets and the whole context; no key is used in two contexts.
        * In a context the same words are masked and at most one set of survivors is confirmed, in a round at most one
          context is opened; also after a crash, as long as what was kept is not rolled back.
        * An own mask is revealed only when every survivor has signed the same survivors and the same masked words.
        * A new attempt forgets the survivors of the one before.
    """

    membership: Membership
    kept: Kept
    _pairs: dict[str, bytes] = field(init=False, repr=False)
    _last: tuple[int, int] = (0, 0)
    _attempt: _Attempt | None = None

    def __post_init__(self) -> None:
        """Agree on a secret with every other member.

        Raises:
            MessageError: If a member's session key is none.
        """
        member = self.membership
        self._pairs = {
            peer: pair_secret(member.secrets, public, member.session)
            for peer, public in member.exchange_keys.items()
            if peer != member.name
        }

    def contribute(self, context: Context, words: npt.NDArray[np.int64]) -> Contribution:
        """Mask this bureau's noised words for an attempt.

        Args:
            context: Of the attempt.
            words: Noised, int64 ``(n_words,)``; the same in every attempt of a round.

        Raises:
            CohortError: If the cohort is not of members, without this bureau, or too small.
            WrongOrderError: If the attempt is old, or the round was opened in another context.
            RefusedError: If other words were masked in this context before.
            ValueError: If the words are no vector of int64.
        """
        self.check(context)
        if words.ndim != 1 or words.dtype != np.int64:
            msg = "words are a vector of int64"
            raise ValueError(msg)
        member, digest = self.membership, context.digest
        pairs = {peer: pair_key(self._pairs[peer], member.name, peer, digest) for peer in self._others(context)}
        own = own_key(member.secrets, member.name, digest)
        held = masked(words, member.name, own, pairs).astype("<u8").tobytes()
        words_digest = hashlib.sha256(held).digest()
        self.kept.put(f"masked:{digest.hex()}", words_digest)
        self._last = (context.round, context.attempt)
        self._attempt = _Attempt(context=context, digest=digest, words_digest=words_digest)
        return Contribution(
            context=digest, words=held, own_commitment=own_commitment(own), pair_commitments=pair_commitments(pairs)
        )

    def check(self, context: Context) -> None:
        """Nothing, if this bureau may contribute to an attempt; asks, and changes nothing.

        Raises:
            CohortError: As ``contribute``.
            WrongOrderError: As ``contribute``.
        """
        self._check_cohort(context)
        again = self._attempt is not None and self._attempt.digest == context.digest
        if (context.round, context.attempt) <= self._last and not again:
            raise WrongOrderError("this attempt is older than one that was answered")
        if self.kept.get(self._round_place(context.round)) not in {None, context.digest}:
            raise WrongOrderError("this round was opened in another attempt")

    @property
    def survivors(self) -> tuple[str, ...]:
        """Whom this bureau has confirmed in the current attempt; empty before it has."""
        return self._attempt.survivors if self._attempt is not None else ()

    def confirm(self, context: bytes, survivors: Sequence[str], digests: Sequence[bytes]) -> bytes:
        """Sign whose masked words are to be opened.

        Args:
            context: Digest of the attempt.
            survivors: Sorted names.
            digests: SHA-256 of the masked words of each.

        Returns:
            The signature, for every survivor to see.

        Raises:
            CohortError: If they are too few, not of the cohort, or without this bureau.
            WrongOrderError: If this is not the current attempt, or this bureau's words were changed.
            RefusedError: If other survivors were confirmed in this context.
        """
        attempt = self._current(context)
        self._check_survivors(attempt, survivors, digests)
        statement = survivors_statement(context, survivors, digests)
        self.kept.put(f"confirmed:{context.hex()}", statement)
        self._attempt = _Attempt(
            context=attempt.context,
            digest=attempt.digest,
            words_digest=attempt.words_digest,
            survivors=tuple(survivors),
            statement=statement,
        )
        return self.membership.identity.sign("confirm", statement)

    def reveal(self, context: bytes, confirmations: Mapping[str, bytes]) -> Revealed:
        """Open this bureau's own mask, and the masks it shares with those who were lost.

        Args:
            context: Digest of the attempt.
            confirmations: The signature of every survivor, by name.

        Raises:
            SignatureError: If one is not valid.
            WrongOrderError: If this bureau has not confirmed survivors in this attempt, or one of them has not signed.
            RefusedError: If the round was opened in another context.
        """
        attempt = self._current(context)
        if not attempt.survivors or tuple(sorted(confirmations)) != attempt.survivors:
            raise WrongOrderError("not every survivor has confirmed, or nothing was confirmed in this attempt")
        for name, signature in confirmations.items():
            verify(self.membership.public_keys[name], signature, "confirm", attempt.statement)
        self.kept.put(self._round_place(attempt.context.round), context)
        member = self.membership
        lost = [name for name in attempt.context.cohort if name not in attempt.survivors]
        return Revealed(
            context=context,
            own_key=own_key(member.secrets, member.name, context),
            pair_keys={peer: pair_key(self._pairs[peer], member.name, peer, context) for peer in lost},
        )

    def _check_cohort(self, context: Context) -> None:
        member = self.membership
        inside = member.name in context.cohort and set(context.cohort) <= set(member.exchange_keys)
        if not inside or len(context.cohort) < member.threshold or context.session != member.session:
            msg = f"the cohort is not of this session's members, lacks this bureau, or is below {member.threshold}"
            raise CohortError(msg)

    def _check_survivors(self, attempt: _Attempt, survivors: Sequence[str], digests: Sequence[bytes]) -> None:
        member = self.membership
        sorted_once = list(survivors) == sorted(set(survivors)) and len(digests) == len(survivors)
        inside = member.name in survivors and set(survivors) <= set(attempt.context.cohort)
        if not sorted_once or not inside or len(survivors) < member.threshold:
            msg = f"the survivors are not of this attempt's cohort, lack this bureau, or are below {member.threshold}"
            raise CohortError(msg)
        if digests[list(survivors).index(member.name)] != attempt.words_digest:
            raise WrongOrderError("this bureau's masked words are not those it sent")

    def _current(self, context: bytes) -> _Attempt:
        if self._attempt is None or self._attempt.digest != context:
            raise WrongOrderError("this is not the current attempt")
        return self._attempt

    def _others(self, context: Context) -> list[str]:
        return [peer for peer in context.cohort if peer != self.membership.name]

    def _round_place(self, number: int) -> str:
        return f"opened:{self.membership.session.hex()}:{number}"


def survivors_statement(context: bytes, survivors: Sequence[str], digests: Sequence[bytes]) -> bytes:
    """Whose masked words, and which, are to be opened in a context: what every survivor signs."""
    return hashed("survivors", context, list(survivors), list(digests))
