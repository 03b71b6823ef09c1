"""An honest protocol over a bad network: messages lost, late, twice, out of order, damaged; bureaus that die anywhere.

Messages are plain tuples, as they would travel; the network may do anything to them. Nothing but what the product
checks itself stands between a fault and a wrong sum: no transport signs or seals anything.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from common.errors import RefusedError
from common.masking.context import Context
from common.masking.participant import Contribution, Participant, Revealed
from tests.common.masking.bureaus import Memory, Words, memberships

N_WORDS = 3

Message: TypeAlias = tuple[Any, ...]
KINDS = (
    "loss",
    "loss of the answer",
    "delay",
    "duplicate",
    "replay",
    "corruption",
    "corruption of the answer",
    "restart",
)


class DeadError(Exception):
    """The process has died."""


@dataclass(slots=True)
class Disk(Memory):
    """What is kept; the process may die right before or right after it is."""

    dies: str = ""
    deaths: Counter[str] = field(default_factory=Counter)

    def put(self, place: str, value: bytes) -> None:
        moment = f"died {self.dies} {place.partition(':')[0]} was kept"
        if self.dies == "before":
            self.deaths[moment] += 1
            raise DeadError
        Memory.put(self, place, value)
        if self.dies == "after":
            self.deaths[moment] += 1
            raise DeadError


@dataclass(slots=True)
class Bureau:
    """A process that answers messages, and what is kept when it dies."""

    name: str
    at_least: int
    n_bureaus: int
    words: dict[int, Words] = field(default_factory=dict)
    disk: Disk = field(default_factory=Disk)
    machine: Participant | None = None
    opened: dict[int, set[bytes]] = field(default_factory=dict)
    rounds: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.disk.dies = ""
        self.machine = Participant(memberships(self.n_bureaus, self.at_least)[self.name], self.disk)

    def answer(self, message: Message) -> Message | None:
        """Nothing, if it refuses or is no message at all."""
        try:
            return getattr(self, f"_{message[0]}")(*message[1:])
        except (RefusedError, DeadError):
            return None
        finally:
            if self.disk.dies:
                self.start()

    def _invite(self, *fields: Any) -> Message:
        names = ("session", "round", "attempt", "cohort", "model", "parameters")
        context = Context(**dict(zip(names, fields, strict=True)))
        given = self.machine.contribute(context, self._words(context.round))
        self.rounds[given.context] = context.round
        return (given.context, given.words, given.own_commitment, given.pair_commitments)

    def _survivors(self, context: bytes, names: tuple[str, ...], digests: tuple[bytes, ...]) -> Message:
        return (self.machine.confirm(context, names, digests),)

    def _confirmed(self, context: bytes, names: tuple[str, ...], signatures: tuple[bytes, ...]) -> Message | None:
        if len(names) != len(signatures):
            return None
        shown = self.machine.reveal(context, dict(zip(names, signatures, strict=True)))
        self.opened.setdefault(self.rounds[context], set()).add(shown.context)
        return (shown.context, shown.own_key, *sorted(shown.pair_keys.items()))

    def _words(self, number: int) -> Words:
        """Persisted by the ledger: the same for a round, whatever dies."""
        if number not in self.words:
            drawn = random.Random(f"{self.name} {number}")  # noqa: S311  any numbers will do
            self.words[number] = np.array([drawn.getrandbits(64) - 2**63 for _ in range(N_WORDS)], np.int64)
        return self.words[number]


def contribution(message: Message) -> Contribution:
    context, words, own, pairs = message
    return Contribution(context=context, words=words, own_commitment=own, pair_commitments=pairs)


def revealed(message: Message) -> Revealed:
    context, own_key, *pairs = message
    return Revealed(context=context, own_key=own_key, pair_keys=dict(pair for pair in pairs if len(pair) == 2))


@dataclass(slots=True)
class Network:
    """Between coordinators and bureaus."""

    rng: random.Random
    bureaus: dict[str, Bureau]
    rate: float
    done: Counter[str] = field(default_factory=Counter)
    past: list[tuple[str, Message]] = field(default_factory=list)
    late: list[tuple[str, Message]] = field(default_factory=list)
    late_answers: list[tuple[str, str, Message]] = field(default_factory=list)

    def send(self, name: str, message: Message) -> list[tuple[str, str, Message]]:
        """What arrives back by now: (from, in answer to what kind, answer), late ones to others among them."""
        fault = self.rng.choice(KINDS) if self.rng.random() < self.rate else ""
        self.done.update([fault] if fault else [])
        self.past.append((name, message))
        answers = self._deliver(name, message, fault)
        if self.late and self.rng.random() < 0.3:
            answers += self._deliver(*self.late.pop(self.rng.randrange(len(self.late))))
        if self.late_answers and self.rng.random() < 0.3:
            answers.append(self.late_answers.pop(self.rng.randrange(len(self.late_answers))))
        return answers

    def shuffled(self, names: list[str]) -> list[str]:
        """In any order; that counts as one fault if it is not the given one."""
        drawn = self.rng.sample(names, len(names))
        self.done["reorder"] += drawn != names
        return drawn

    def _deliver(self, name: str, message: Message, fault: str = "") -> list[tuple[str, str, Message]]:
        if fault == "loss":
            return []
        if fault == "delay":
            return self._delayed(name, message)
        if fault == "replay":
            other = self.rng.choice(self.past)
            return [*self._answer(*other), *self._answer(name, message)]
        if fault == "duplicate":
            return [*self._answer(name, message), *self._answer(name, message)]
        if fault == "restart":
            self.bureaus[name].disk.dies = self.rng.choice(["before", "after"])
        answers = self._answer(name, corrupted(self.rng, message) if fault == "corruption" else message)
        if fault == "corruption of the answer":
            return [(name, kind, corrupted(self.rng, answer)) for name, kind, answer in answers]
        return [] if fault == "loss of the answer" else answers

    def _delayed(self, name: str, message: Message) -> list[tuple[str, str, Message]]:
        if self.rng.random() < 0.5:
            self.late.append((name, message))
        else:
            self.late_answers += self._answer(name, message)
        return []

    def _answer(self, name: str, message: Message) -> list[tuple[str, str, Message]]:
        answer = self.bureaus[name].answer(message)
        return [] if answer is None else [(name, message[0], answer)]


def corrupted(rng: random.Random, message: Message) -> Message:
    """One part of a message, changed in one place; not its kind, which is no part of what is said."""
    first = 1 if message[0] in {"invite", "survivors", "confirmed"} else 0
    place = rng.randrange(first, len(message))
    return (*message[:place], changed(rng, message[place]), *message[place + 1 :])


def changed(rng: random.Random, part: Any) -> Any:
    """Another value of the same kind: one bit of bytes, one letter of a text, one unit of a number, one of many."""
    if isinstance(part, bytes):
        place = rng.randrange(len(part)) if part else 0
        return part[:place] + bytes([part[place] ^ 1 << rng.randrange(8)]) + part[place + 1 :] if part else b"?"
    if isinstance(part, str):
        place = rng.randrange(len(part))
        return part[:place] + rng.choice("b0123456789") + part[place + 1 :]
    if isinstance(part, int):
        return part + rng.choice([-1, 1, 1000])
    if rng.random() < 0.1:
        return tuple(rng.sample(part, len(part) - 1)) if part else part
    place = rng.randrange(len(part)) if part else 0
    return (*part[:place], changed(rng, part[place]), *part[place + 1 :]) if part else part
