"""Playing whole sessions of masked sums over scripted transports, and what is true of every one that ends well."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from common.masked_messages import (
    Invite,
    MaskedOffer,
    MaskedResult,
    Members,
    RevealRequest,
    Survivors,
)
from common.replay.session import replayed
from common.wire import AnyMessage, decode
from server.masked.run import MaskedRun
from server.masked.session import run_masked_session
from server.session import SessionReport
from simulations.consortium import simulated_consortium
from tests.client.masked.parties import SEVEN, Bureau, bureaus_of, opened_sums, plain_sum, terms_of
from tests.server.scripted import Post, Scripted

REQUESTS = MaskedOffer | Members | Invite | Survivors | RevealRequest | MaskedResult
Play = Callable[[str, AnyMessage, bytes], Iterable[Post]]


@dataclass
class Played:
    """A session that has ended well, and what can be said about it."""

    bureaus: dict[str, Bureau]
    transport: Scripted
    transcript: list[bytes] = field(default_factory=list)
    run: MaskedRun = field(init=False)
    report: SessionReport = field(init=False)

    def __post_init__(self) -> None:
        self.run = MaskedRun(terms_of(tuple(self.bureaus)))
        self.report = run_masked_session(self.run, self.transport, record=self.transcript.append)

    @property
    def cohort(self) -> tuple[str, ...]:
        return self.report.model.provenance.cohort

    def sums_are_exact(self) -> dict[int, tuple[tuple[str, ...], bytes]]:
        """The sums that were opened, each compared with the plain sum of its survivors' words."""
        sums = opened_sums(self.transcript)
        for number, (names, held) in sums.items():
            assert held == plain_sum(self.bureaus, number, names)
            assert len(names) >= self.run.threshold
        found = replayed(iter(self.transcript), simulated_consortium(tuple(self.bureaus)).roster)
        assert {one.number: (one.survivors, one.opened) for one in found.rounds if one.opened} == sums
        assert found.model == self.report.model
        return sums

    def charges(self, name: str) -> list[int]:
        """The rounds that a bureau has paid for."""
        return [charge.round for charge in self.bureaus[name].ledger._book.charges]

    def asked(self, kind: type[Any], number: int) -> list[Any]:
        """The requests of a kind in a round, as they went out, each once."""
        found, at = [], 0
        for message in map(decode, self.transcript):
            at = message.number if isinstance(message, Invite) else at
            found += [message] if isinstance(message, kind) and at == number else []
        return found


def arrives(node: str, _: AnyMessage, reply: bytes) -> Iterable[Post]:
    return [(node, reply)]


def node_of(name: str) -> str:
    """Where a bureau sits: not under its name."""
    return f"@{name}"


class When:
    """Something happens to replies of some bureaus to one kind of request, in one round, so often."""

    def __init__(self, names: Iterable[str], kind: type[Any], then: Play, number: int = 2, times: int = 99) -> None:
        self.nodes, self.kind, self.then = {node_of(name) for name in names}, kind, then
        self.number, self.times, self.at = number, dict.fromkeys(self.nodes, times), 0

    def __call__(self, node: str, message: AnyMessage, reply: bytes) -> Iterable[Post]:
        self.at = message.number if isinstance(message, Invite) else self.at
        outside = isinstance(message, MaskedOffer | Members | MaskedResult)
        here = node in self.nodes and isinstance(message, self.kind) and (outside or self.at == self.number)
        if not here or not self.times[node]:
            return [(node, reply)]
        self.times[node] -= 1
        return self.then(node, message, reply)


def silence(_: str, __: AnyMessage, ___: bytes) -> Iterable[Post]:
    return []


def played(script: Play = arrives, names: tuple[str, ...] = SEVEN, order: Any = list, before: Any = None) -> Any:
    """A context in which a session has been played to its end."""
    return _Playing(script, names, order, before)


class _Playing:
    def __init__(self, script: Play, names: tuple[str, ...], order: Any, before: Any) -> None:
        self.script, self.order, self.before = script, order, before
        self.context = bureaus_of(names)

    def __enter__(self) -> Played:
        bureaus = self.context.__enter__()
        if self.before is not None:
            self.before(bureaus)
        stations = {node_of(name): bureau.answer for name, bureau in bureaus.items()}
        try:
            return Played(bureaus, Scripted(stations, self.script, self.order))
        except BaseException:
            self.context.__exit__(None, None, None)
            raise

    def __exit__(self, *_: object) -> None:
        self.context.__exit__(None, None, None)
