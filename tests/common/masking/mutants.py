"""The protocol with one guard taken out: what the oracle must find, and what it cannot find because nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest

from common.consortium.encoding import hashed
from common.masking import participant
from common.masking.context import Context
from common.masking.keys import own_key, pair_key
from common.masking.participant import Contribution, Participant, Revealed, survivors_statement
from tests.common.masking.adversary import PUBLIC_KEY, STRANGER, Sides
from tests.common.masking.bureaus import Memory, identity_of, remembered

ANYWHERE = b"anywhere"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A name that says what is missing, the sides that miss it, and functions that stand in for the product's."""

    name: str
    machine: type[Participant] = Participant
    memory: type[Memory] = Memory
    instead: Mapping[str, Callable[..., object]] = ()  # type: ignore[assignment]

    @contextmanager
    def planted(self) -> Iterator[Sides]:
        with remembered() as patch, pytest.MonkeyPatch.context() as context:
            for name, function in dict(self.instead).items():
                place = context if name == "digest" else patch
                place.setattr(Context if name == "digest" else participant, name, _as_member(name, function))
            yield Sides(self.machine, self.memory)


def _as_member(name: str, function: Callable[..., object]) -> object:
    return property(function) if name == "digest" else function


def digest_without(*missing: str) -> Callable[[Context], bytes]:
    """The context's digest, blind to some of its fields."""
    kept = [name for name in ("session", "round", "attempt", "cohort", "model", "parameters") if name not in missing]
    return lambda context: hashed("context", *(getattr(context, name) for name in kept))


@dataclass(slots=True)
class ManySurvivors(Memory):
    def put(self, place: str, value: bytes) -> None:
        if not place.startswith("confirmed"):
            Memory.put(self, place, value)


@dataclass(slots=True)
class ManyOpenings(Memory):
    def put(self, place: str, value: bytes) -> None:
        if not place.startswith("opened"):
            Memory.put(self, place, value)


@dataclass(slots=True)
class ManyWords(Memory):
    """Without it, a context that means too much is noticed: other words would be masked in it."""

    def put(self, place: str, value: bytes) -> None:
        if not place.startswith("masked"):
            Memory.put(self, place, value)


@dataclass(slots=True)
class ForgetsConfirmed(Memory):
    def after_restart(self) -> ForgetsConfirmed:
        return ForgetsConfirmed(
            {place: value for place, value in self.places.items() if not place.startswith("confirmed")}
        )


@dataclass(slots=True)
class ForgetsOpened(Memory):
    def after_restart(self) -> ForgetsOpened:
        return ForgetsOpened({place: value for place, value in self.places.items() if not place.startswith("opened")})


class TooFewSurvivors(Participant):
    def _check_survivors(
        self, attempt: participant._Attempt, survivors: Sequence[str], digests: Sequence[bytes]
    ) -> None:
        whole, self.membership = self.membership, replace(self.membership, threshold=1)
        try:
            Participant._check_survivors(self, attempt, survivors, digests)
        finally:
            self.membership = whole


class TooSmallCohort(Participant):
    def _check_cohort(self, context: Context) -> None:
        whole, self.membership = self.membership, replace(self.membership, threshold=1)
        try:
            Participant._check_cohort(self, context)
        finally:
            self.membership = whole


class NoThreshold(TooFewSurvivors, TooSmallCohort):
    pass


class NotAmongSurvivors(Participant):
    """Confirms survivors without itself; then it counts itself among the lost, to whom it has no key."""

    def _check_survivors(
        self, attempt: participant._Attempt, survivors: Sequence[str], digests: Sequence[bytes]
    ) -> None:
        if self.membership.name in survivors:
            Participant._check_survivors(self, attempt, survivors, digests)
        self._pairs[self.membership.name] = PUBLIC_KEY


class StaleSurvivors(Participant):
    def contribute(self, context: Context, words: npt.NDArray[np.int64]) -> Contribution:
        before = self._attempt
        given = Participant.contribute(self, context, words)
        if before is not None and self._attempt is not None:
            self._attempt = replace(self._attempt, survivors=before.survivors, statement=before.statement)
        return given


class AnyContextRevealed(Participant):
    def reveal(self, context: bytes, confirmations: Mapping[str, bytes]) -> Revealed:
        if self._attempt is not None:
            self._attempt = replace(self._attempt, digest=context)
        return Participant.reveal(self, context, confirmations)


class OldAttempts(Participant):
    def contribute(self, context: Context, words: npt.NDArray[np.int64]) -> Contribution:
        self._last = (0, 0)
        return Participant.contribute(self, context, words)


class OpensAllPairs(Participant):
    def reveal(self, context: bytes, confirmations: Mapping[str, bytes]) -> Revealed:
        shown = Participant.reveal(self, context, confirmations)
        name = self.membership.name
        keys = {peer: participant.pair_key(self._pairs[peer], name, peer, context) for peer in self._pairs}
        return Revealed(context=context, own_key=shown.own_key, pair_keys=keys)


class OwnConfirmationOnly(Participant):
    """Content with its own signature, whoever else is missing."""

    def reveal(self, context: bytes, confirmations: Mapping[str, bytes]) -> Revealed:
        mine = {self.membership.name: confirmations[self.membership.name]}
        attempt = self._current(context)
        self._attempt = replace(attempt, survivors=(self.membership.name,) if attempt.survivors else ())
        try:
            Participant.reveal(self, context, mine)
        finally:
            self._attempt = attempt
        lost = [peer for peer in attempt.context.cohort if peer not in attempt.survivors]
        keys = {peer: pair_key(self._pairs[peer], self.membership.name, peer, context) for peer in lost}
        own = own_key(self.membership.secrets, self.membership.name, context)
        return Revealed(context=context, own_key=own, pair_keys=keys)


class Strangers(Participant):
    """Takes whoever is named for a member, with whatever key."""

    def __post_init__(self) -> None:
        Participant.__post_init__(self)
        self._pairs[STRANGER] = PUBLIC_KEY
        keys = dict(self.membership.public_keys) | {STRANGER: identity_of(STRANGER).public}
        exchange_keys = dict(self.membership.exchange_keys) | {STRANGER: PUBLIC_KEY}
        self.membership = replace(self.membership, public_keys=keys, exchange_keys=exchange_keys)


FOUND = (
    Mutant("no confirmation is checked", instead={"verify": lambda *_: None}),
    Mutant("its own confirmation is enough", OwnConfirmationOnly),
    Mutant("several sets of survivors are signed", memory=ManySurvivors),
    Mutant("a round is opened again after a retry", memory=ManyOpenings),
    Mutant("what was confirmed is forgotten at a restart", memory=ForgetsConfirmed),
    Mutant("what was opened is forgotten at a restart", memory=ForgetsOpened),
    Mutant("there is no own mask", instead={"own_key": lambda *_: PUBLIC_KEY}),
    Mutant("pairs mask with a key that all know", instead={"pair_key": lambda *_: PUBLIC_KEY}),
    Mutant("too few survivors are confirmed", TooFewSurvivors),
    Mutant("there is no threshold at all", NoThreshold),
    Mutant("it reveals where it does not survive", NotAmongSurvivors),
    Mutant("a new attempt keeps the survivors of the one before", StaleSurvivors),
    Mutant("any context is revealed with these survivors", AnyContextRevealed),
    Mutant("the keys of all pairs are revealed", OpensAllPairs),
    Mutant("strangers count as members", Strangers),
    Mutant("the context leaves out the round", memory=ManyWords, instead={"digest": digest_without("round")}),
    Mutant("the context leaves out the cohort", memory=ManyWords, instead={"digest": digest_without("cohort")}),
    Mutant("the context leaves out the model", memory=ManyWords, instead={"digest": digest_without("model")}),
    Mutant("the context leaves out the parameters", memory=ManyWords, instead={"digest": digest_without("parameters")}),
    Mutant(
        "an own key is the same in every context",
        instead={"own_key": lambda secrets, name, _: own_key(secrets, name, ANYWHERE)},
    ),
    Mutant(
        "a pair's key is the same in every context",
        instead={"pair_key": lambda secret, one, other, _: pair_key(secret, one, other, ANYWHERE)},
    ),
    Mutant(
        "a confirmation holds for any survivors",
        instead={"survivors_statement": lambda context, *_: hashed("survivors", context)},
    ),
    Mutant(
        "a confirmation names no survivors",
        instead={"survivors_statement": lambda context, _, digests: survivors_statement(context, [], digests)},
    ),
    Mutant(
        "a confirmation holds in every context",
        instead={"survivors_statement": lambda _, names, __: hashed("survivors", list(names))},
    ),
)
"""Each must be found as a leak."""

EQUIVALENT = (
    # Survivors are counted when they are confirmed, and they are of the cohort: in too small a cohort nothing opens.
    Mutant("too small a cohort is answered", TooSmallCohort),
    # A restart forgets the last attempt, too: what keeps an old context shut is its own mask and what is kept.
    Mutant("old attempts are answered", OldAttempts),
    # Words are the same in every attempt of a round: two attempts that are alike otherwise are one, bit for bit.
    Mutant("the context leaves out the attempt", instead={"digest": digest_without("attempt")}),
    # Masked words follow from the context; each bureau compares its own. The digests serve whoever checks the sum.
    Mutant(
        "a confirmation names no words",
        instead={"survivors_statement": lambda context, names, _: survivors_statement(context, names, [])},
    ),
)
"""Without these guards nothing is leaked: they keep sums right, or a second line."""
