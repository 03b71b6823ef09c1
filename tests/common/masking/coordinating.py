"""An honest coordinator over a bad network, step by step, so that two of them can take turns."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from common.consortium.identity import SignatureError, verify
from common.errors import FedclaimsError
from common.masking.context import Context
from common.masking.opening import CheatError, check_contribution, check_revealed, open_sum
from common.masking.participant import Contribution, Revealed, survivors_statement
from tests.common.masking.bureaus import Words, memberships
from tests.common.masking.faults import N_WORDS, Bureau, Message, Network, contribution, revealed


@dataclass(slots=True)
class Coordinator:
    """Asks rounds until each is opened or given up; checks what the product checks, nothing more."""

    rng: random.Random
    network: Network
    at_least: int
    checks: bool = True
    answers: dict[tuple[str, str], list[Message]] = field(default_factory=dict)
    sums: list[tuple[int, tuple[str, ...], Words]] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)

    def rounds(self, n_rounds: int) -> Iterator[None]:
        for number in range(1, n_rounds + 1):
            for attempt in range(1, 5):
                yield from self._attempt(number, attempt)
                if any(opened == number for opened, _, _ in self.sums):
                    break
            else:
                self.count["lost rounds"] += 1

    def _attempt(self, number: int, attempt: int) -> Iterator[None]:
        names = sorted(self.network.bureaus)
        member = memberships(len(names), self.at_least)[names[0]]
        cohort = tuple(names if self.rng.random() < 0.7 else sorted(self.rng.sample(names, self.at_least)))
        context = Context(
            session=member.session, round=number, attempt=attempt, cohort=cohort, model=b"m", parameters=b"p"
        )
        given: dict[str, Contribution] = {}
        yield from self._ask(cohort, ("invite", member.session, number, attempt, cohort, b"m", b"p"))
        self._take(given, "invite", cohort, lambda name, each: self._contribution(name, each, context))
        survivors = tuple(sorted(given))
        if len(survivors) < self.at_least:
            return
        digests = tuple(sha256(given[name].words).digest() for name in survivors)
        statement, signed = survivors_statement(context.digest, survivors, digests), dict[str, bytes]()
        yield from self._ask(survivors, ("survivors", context.digest, survivors, digests))
        self._take(signed, "survivors", survivors, lambda name, each: self._confirmation(name, each, statement))
        if len(signed) < len(survivors):
            return
        shown: dict[str, Revealed] = {}
        signatures = tuple(signed[name] for name in survivors)
        yield from self._ask(survivors, ("confirmed", context.digest, survivors, signatures))
        self._take(
            shown, "confirmed", survivors, lambda name, each: self._revealed(name, each, given, cohort, survivors)
        )
        self._open(number, given, survivors, shown)

    def _ask(self, names: tuple[str, ...], message: Message) -> Iterator[None]:
        """Twice whoever has not answered the first time."""
        for _ in range(2):
            for name in self.network.shuffled(list(names)):
                for sender, kind, answer in self.network.send(name, message):
                    self.answers.setdefault((sender, kind), []).append(answer)
                yield
            names = tuple(name for name in names if (name, message[0]) not in self.answers)

    def _take(
        self, held: dict[str, Any], kind: str, asked: tuple[str, ...], checked: Callable[[str, Message], object]
    ) -> None:
        """The first answer of each bureau asked that passes; whatever is left over is dropped."""
        for name in [name for name, answered in self.answers if answered == kind]:
            for answer in self.answers.pop((name, kind)):
                try:
                    if name in asked:
                        held.setdefault(name, checked(name, answer))
                except (CheatError, SignatureError):
                    self.count["answers rejected"] += 1

    def _contribution(self, name: str, answer: Message, context: Context) -> Contribution:
        given = contribution(answer)
        if self.checks:
            check_contribution(name, given, context.digest, context.cohort, N_WORDS)
        return given

    def _confirmation(self, name: str, answer: Message, statement: bytes) -> bytes:
        verify(
            memberships(len(self.network.bureaus), self.at_least)[name].public_keys[name],
            answer[0],
            "confirm",
            statement,
        )
        return answer[0]

    def _revealed(
        self,
        name: str,
        answer: Message,
        given: dict[str, Contribution],
        cohort: tuple[str, ...],
        survivors: tuple[str, ...],
    ) -> Revealed:
        shown = revealed(answer)
        if self.checks:
            check_revealed(name, shown, given[name], cohort, survivors)
        return shown

    def _open(
        self, number: int, given: dict[str, Contribution], survivors: tuple[str, ...], shown: dict[str, Revealed]
    ) -> None:
        try:
            self.sums.append((number, survivors, open_sum(given, survivors, shown)))
        except FedclaimsError:
            self.count["openings that failed"] += 1

    def wrong(self) -> int:
        """Sums that are not those of their survivors' words, in plain whole numbers modulo 2^64."""
        return sum(not np.array_equal(total, plain(self.network.bureaus, at, names)) for at, names, total in self.sums)


def plain(bureaus: dict[str, Bureau], number: int, names: tuple[str, ...]) -> Words:
    columns = zip(*(bureaus[name].words[number].tolist() for name in names), strict=True)
    return np.array([(sum(column) + 2**63) % 2**64 - 2**63 for column in columns], np.int64)
