"""A coordinator that plays false, with colluding bureaus that sign anything, against real participants.

It asks any cohort any question in any order, shows survivors of its choice to whom it likes, replays, restarts bureaus
and leaves the old process running next to the new one. What it could compute from all that, the oracle says.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

import numpy as np

from common.errors import RefusedError
from common.masking import participant
from common.masking.commitments import COMMITMENT_BYTES, own_commitment, pair_commitment
from common.masking.context import Context
from common.masking.participant import Contribution, Participant, Revealed
from common.masking.threshold import threshold
from tests.common.masking.bureaus import Memory, Words, identity_of, memberships
from tests.common.masking.oracle import Derived, Input, Seen, derived, leaks

STRANGER = "stranger"
"""Of no session, in the coordinator's pay."""

PUBLIC_KEY = bytes(32)
"""A key that everybody knows: a mask of it hides nothing."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is attacked: the product, or one of its mutants."""

    machine: type[Participant] = Participant
    memory: type[Memory] = Memory


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of an episode: what follows from all messages, what of it is no legitimate sum, how often bureaus obeyed."""

    sums: list[Derived]
    leaks: list[Derived]
    answered: int
    refused: int


@lru_cache(maxsize=1 << 12)
def signed_by(name: str, statement: bytes) -> bytes:
    return identity_of(name).sign("confirm", statement)


@dataclass(slots=True)
class Attack:
    """One session under attack."""

    rng: random.Random
    sides: Sides
    n_bureaus: int
    at_least: int
    colluding: frozenset[str]
    memories: dict[str, Memory] = field(default_factory=dict)
    machines: dict[str, list[Participant]] = field(default_factory=dict)
    words: dict[Input, Words] = field(default_factory=dict)
    contexts: list[tuple[bytes, Context]] = field(default_factory=list)
    given: dict[tuple[str, bytes], Contribution] = field(default_factory=dict)
    seen: dict[tuple[Input, bytes], Seen] = field(default_factory=dict)
    known: dict[bytes, bytes] = field(default_factory=dict)
    shown: dict[str, list[tuple[bytes, tuple[str, ...], bytes]]] = field(default_factory=dict)
    signed: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    answered: int = 0
    refused: int = 0

    @classmethod
    def drawn(cls, rng: random.Random, sides: Sides) -> Attack:
        """Any small session; half with the product's threshold, half with any that leaves two honest bureaus."""
        n_bureaus = rng.randint(3, 6)
        colluding = rng.choice([0, (n_bureaus - 1) // 3])
        at_least = rng.choice([threshold(n_bureaus, 2, colluding), rng.randint(colluding + 2, n_bureaus)])
        names = sorted(memberships(n_bureaus, at_least))
        return cls(rng, sides, n_bureaus, at_least, frozenset([*rng.sample(names, colluding), STRANGER]))

    def __post_init__(self) -> None:
        for name in self.honest:
            self.memories[name], self.shown[name], self.signed[name] = self.sides.memory(), [], {}
            self.machines[name] = [self._started(name)]
        self.known |= {own_commitment(PUBLIC_KEY): PUBLIC_KEY, pair_commitment(PUBLIC_KEY): PUBLIC_KEY}

    @property
    def names(self) -> list[str]:
        return list(memberships(self.n_bureaus, self.at_least))

    @property
    def honest(self) -> list[str]:
        return [name for name in self.names if name not in self.colluding]

    def invite(self, context: Context, names: Iterable[str]) -> bytes | None:
        """Ask some for masked words; how the context is called by those who answer."""
        called = None
        for name in names:
            put = Input(name, context.round, (context.model, context.parameters))
            try:
                given = self._machine(name).contribute(context, self._words(put))
            except RefusedError:
                self.refused += 1
                continue
            called = given.context
            self._note(put, given, context)
        if called and (called, context) not in self.contexts:
            self.contexts.append((called, context))
        return called

    def show(self, called: bytes, survivors: Sequence[str], digests: Sequence[bytes], names: Iterable[str]) -> None:
        """Have some confirm survivors."""
        statement = participant.survivors_statement(called, survivors, digests)
        for name in names:
            try:
                signature = self._machine(name).confirm(called, survivors, digests)
            except RefusedError:
                self.refused += 1
                continue
            self.answered += 1
            self.shown[name].append((called, tuple(survivors), statement))
            self.signed[name][statement] = signature

    def ask(self, called: bytes, name: str, confirmed: tuple[bytes, tuple[str, ...], bytes]) -> None:
        """Have one bureau reveal, with the best confirmations there are for what it has confirmed."""
        _, survivors, statement = confirmed
        signatures = {peer: self._signature(peer, statement) for peer in survivors}
        if b"" in signatures.values() and self.rng.random() < 0.7:
            return
        try:
            revealed = self._machine(name).reveal(called, signatures)
        except RefusedError:
            self.refused += 1
            return
        self.answered += 1
        self._learn(revealed)

    def restart(self, names: Iterable[str]) -> None:
        """New processes over what is kept; now and then the old one lives on."""
        for name in names:
            self.memories[name] = self.memories[name].after_restart()
            alive = self.machines[name][-1:] if self.rng.random() < 0.2 else []
            self.machines[name] = [*alive, self._started(name)]

    def outcome(self) -> Outcome:
        found = derived(list(self.seen.values()), self.known)
        honest = self.at_least - len(self.colluding - {STRANGER})
        return Outcome(found, leaks(found, honest), self.answered, self.refused)

    def digests(self, called: bytes, survivors: Sequence[str]) -> list[bytes]:
        """Of the masked words that were seen; of colluders, any."""
        return [sha256(self._held(name, called)).digest() for name in survivors]

    def _held(self, name: str, called: bytes) -> bytes:
        given = self.given.get((name, called))
        return given.words if given else b""

    def _started(self, name: str) -> Participant:
        member = memberships(self.n_bureaus, self.at_least)[name]
        return self.sides.machine(member, self.memories[name])

    def _machine(self, name: str) -> Participant:
        return self.rng.choice(self.machines[name])

    def _words(self, put: Input) -> Words:
        if put not in self.words:
            self.words[put] = np.array([self.rng.getrandbits(64) - 2**63], np.int64)
        return self.words[put]

    def _signature(self, peer: str, statement: bytes) -> bytes:
        if peer in self.colluding:
            return signed_by(peer, statement)
        mine = self.signed[peer]
        return mine.get(statement) or (
            self.rng.choice(list(mine.values())) if mine and self.rng.random() < 0.5 else b""
        )

    def _note(self, put: Input, given: Contribution, context: Context) -> None:
        """One more equation; masks are called by the commitments to their keys."""
        self.answered += 1
        self.given[put.bureau, given.context] = given
        masks = {given.own_commitment: 1}
        peers = [peer for peer in context.cohort if peer != put.bureau]
        for place, peer in enumerate(peers):
            name = given.pair_commitments[COMMITMENT_BYTES * place :][:COMMITMENT_BYTES]
            masks[name] = 1 if put.bureau < peer else -1
            if peer in self.colluding:
                self.known.setdefault(name, b"")
        self.seen[put, given.words] = Seen(put, masks)

    def _learn(self, revealed: Revealed) -> None:
        self.known[own_commitment(revealed.own_key)] = revealed.own_key
        self.known |= {pair_commitment(key): key for key in revealed.pair_keys.values()}
