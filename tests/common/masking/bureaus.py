"""The bureaus of one session, for tests: keys from their names, what they keep in memory, an attempt step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import sha256
from typing import Self

import numpy as np
import numpy.typing as npt
import pytest

from common.consortium.encoding import hashed
from common.consortium.identity import Identity, verify
from common.errors import RefusedError
from common.masking import participant
from common.masking.context import Context
from common.masking.keys import SessionSecrets, pair_secret, session_digest
from common.masking.opening import check_contribution, check_revealed, open_sum
from common.masking.participant import Contribution, Membership, Participant, Revealed
from common.masking.threshold import threshold

Words = npt.NDArray[np.int64]


@dataclass(slots=True)
class Memory:
    """What a bureau keeps; it survives a restart."""

    places: dict[str, bytes] = field(default_factory=dict)

    def get(self, place: str) -> bytes | None:
        return self.places.get(place)

    def put(self, place: str, value: bytes) -> None:
        if self.places.setdefault(place, value) != value:
            raise RefusedError("another value is kept there")

    def after_restart(self) -> Self:
        return self


@cache
def identity_of(name: str) -> Identity:
    return Identity.of_seed(hashed("test-identity", name))


@cache
def secrets_of(name: str) -> SessionSecrets:
    return SessionSecrets(hashed("test-exchange", name), hashed("test-own", name))


@cache
def memberships(n_bureaus: int, at_least: int | None = None) -> dict[str, Membership]:
    """Of bureaus b000, b001, ... in a session of their own."""
    names = [f"b{number:03}" for number in range(n_bureaus)]
    exchange_keys = {name: secrets_of(name).public for name in names}
    public_keys = {name: identity_of(name).public for name in names}
    session = session_digest(b"offer", exchange_keys)
    return {
        name: Membership(
            name=name,
            identity=identity_of(name),
            session=session,
            secrets=secrets_of(name),
            exchange_keys=exchange_keys,
            public_keys=public_keys,
            threshold=at_least or threshold(n_bureaus, 2, 1),
        )
        for name in names
    }


def bureaus(n_bureaus: int, at_least: int | None = None) -> dict[str, Participant]:
    return {name: Participant(member, Memory()) for name, member in memberships(n_bureaus, at_least).items()}


def context_of(machines: Mapping[str, Participant], **changes: object) -> Context:
    """The first attempt of the first round with all bureaus, but for ``changes``."""
    session = next(iter(machines.values())).membership.session
    fields = {"session": session, "round": 1, "attempt": 1, "cohort": tuple(sorted(machines))}
    return Context(**(fields | {"model": b"model", "parameters": b"parameters"} | changes))  # type: ignore[arg-type]


def words_of(machines: Mapping[str, Participant], n_words: int = 5, seed: int = 0) -> dict[str, Words]:
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-(2**40), 2**40, n_words) for name in machines}


def contributions(
    machines: Mapping[str, Participant], context: Context, words: Mapping[str, Words]
) -> dict[str, Contribution]:
    return {name: machines[name].contribute(context, words[name]) for name in context.cohort}


def digests_of(given: Mapping[str, Contribution], survivors: Sequence[str]) -> list[bytes]:
    return [sha256(given[name].words).digest() for name in survivors]


def confirmations(
    machines: Mapping[str, Participant], context: Context, given: Mapping[str, Contribution], survivors: Sequence[str]
) -> dict[str, bytes]:
    digests = digests_of(given, survivors)
    return {name: machines[name].confirm(context.digest, survivors, digests) for name in survivors}


def reveals(machines: Mapping[str, Participant], context: Context, signed: Mapping[str, bytes]) -> dict[str, Revealed]:
    return {name: machines[name].reveal(context.digest, signed) for name in signed}


def sum_of(
    machines: Mapping[str, Participant], context: Context, words: Mapping[str, Words], survivors: Sequence[str]
) -> Words:
    """A whole attempt, checked at every step."""
    given = contributions(machines, context, words)
    shown = reveals(machines, context, confirmations(machines, context, given, survivors))
    for name in survivors:
        check_contribution(name, given[name], context.digest, context.cohort, len(words[name]))
        check_revealed(name, shown[name], given[name], context.cohort, survivors)
    return open_sum(given, survivors, shown)


@lru_cache(maxsize=1 << 17)
def _agreed(secrets: SessionSecrets, peer_public: bytes, session: bytes) -> bytes:
    return pair_secret(secrets, peer_public, session)


@lru_cache(maxsize=1 << 12)
def _verified(public: bytes, signature: bytes, purpose: str, statement: bytes) -> None:
    verify(public, signature, purpose, statement)


@contextmanager
def remembered() -> Iterator[pytest.MonkeyPatch]:
    """The same exchange and the same signature are computed once: thousands of sessions a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(participant, "pair_secret", _agreed)
        patch.setattr(participant, "verify", _verified)
        yield patch
