"""Stations of masked sums over real ledgers, and a coordinator whose every request can be bent before it is signed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from client.ledger.ledger import Ledger
from client.ledger.release import ReleaseId
from client.masked.desk import MaskedDesk
from client.masked.party import Party
from client.masked.terms import Consortium
from client.policy import Policy
from client.releasing import Releases
from client.station import Station
from common.consortium.roster import Role
from common.errors import MessageError
from common.kernel import Rows
from common.masked_messages import Invite, MaskedOffer, MaskedResult, Survivors
from common.messages import Refusal, RefusalCode
from common.noise.randomness import AesStream
from common.plan import Plan
from common.privacy import Division
from common.private.question import Question
from common.sealing import sealed
from common.wire import AnyMessage, decode, encode
from server.masked.run import MaskedRun
from server.masked.steps import Step
from server.masked.terms import Terms
from simulations.consortium import SimulatedConsortium, simulated_consortium
from simulations.ledgers import granting_policy, in_memory
from tests.common.private_run import private_plan
from tests.parties import N_FEATURES, SESSION, bureau_rows, store_of

NOW = 1_800_000_000
THREE = ("east", "north", "south")
SEVEN = ("east", "far", "mid", "north", "ocean", "south", "west")
Words = npt.NDArray[np.int64]


def secure_plan(**terms: object) -> Plan:
    """A plan of seven rounds: root, radius, two levels, two polishing rounds, measure."""
    division = Division(passes_per_level=1, polish_rounds=2)
    most = {"epsilon_thousandths": 50_000, "leaves_per_cluster": 1, "reduction_restarts": 1, "division": division}
    return private_plan(N_FEATURES, most | terms, protection="secure", n_clusters=3, min_cohort=3)


PLAN = secure_plan()


class Remembering(Releases):
    """Releases that tell what they released."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.released: dict[int, bytes] = {}

    def kept_or_new(self, plan: Plan, release: ReleaseId, question: Question, raw_words: Callable[[], Words]) -> bytes:
        self.released[release.round] = super().kept_or_new(plan, release, question, raw_words)
        return self.released[release.round]


class Bureau:
    """One bureau: its ledger stays, its station may be started again."""

    def __init__(self, name: str, root: Path, consortium: SimulatedConsortium, plan: Plan = PLAN) -> None:
        self.name, self.directory, self.now = name, root / name, NOW
        self.rows: Rows = bureau_rows(sum(name.encode()))
        self.policy: Policy = granting_policy(plan)
        self.roster, self.identity = consortium.roster, consortium.identity(name)
        self.released: dict[int, bytes] = {}
        self._seed = AesStream(name.encode().ljust(32))
        Ledger.create(self.directory, clock=lambda: self.now)
        self.start()

    def start(self, seed_bytes: Callable[[int], bytes] | None = None) -> None:
        self.ledger = Ledger.open(self.directory, clock=lambda: self.now)
        releases = Remembering(self.ledger, self.policy, "v1", seed_bytes or self._seed)
        releases.released = self.released
        party = Party(
            name=self.name,
            consortium=Consortium(identity=self.identity, roster=self.roster),
            policy=self.policy,
            ledger=self.ledger,
            releases=releases,
            random_bytes=self._seed,
            clock=lambda: self.now,
        )
        store = store_of(self.rows)
        self.desk = MaskedDesk(party, lambda _: store)
        self.station = Station(self.name, self.policy, lambda _: store, releases, self.desk)

    def restart(self) -> None:
        """The process dies and comes again."""
        self.ledger.close()
        self.start()

    def answer(self, request: bytes) -> bytes:
        return self.station.answer(request)

    @property
    def spent(self) -> int:
        return self.ledger.spending.total

    def refuses(self, request: bytes, code: RefusalCode) -> None:
        """Refuses, for this reason, and pays nothing."""
        before, reply = self.spent, decode(self.answer(request))
        assert isinstance(reply, Refusal), reply.kind
        assert reply.code is code
        assert self.spent == before

    def accepts(self, request: bytes) -> bytes:
        reply = self.answer(request)
        found = decode(reply)
        assert not isinstance(found, Refusal), found.code
        return reply


@contextmanager
def bureaus_of(names: Sequence[str] = THREE, plan: Plan = PLAN) -> Iterator[dict[str, Bureau]]:
    """Bureaus with new ledgers, in memory where the system has such a place."""
    consortium = simulated_consortium(tuple(names))
    with tempfile.TemporaryDirectory(dir=in_memory()) as root:
        found = {name: Bureau(name, Path(root), consortium, plan) for name in names}
        yield found
        for one in found.values():
            one.ledger.close()


def terms_of(names: Sequence[str], plan: Plan = PLAN, **changes: object) -> Terms:
    """On which a coordinator of these bureaus runs."""
    simulated = simulated_consortium(tuple(names))
    (coordinator,) = simulated.roster.of_role(Role.COORDINATOR)
    held: dict[str, Any] = {
        "plan": plan,
        "session": SESSION,
        "version": "1",
        "coordinator": coordinator.name,
        "identity": simulated.coordinator,
        "roster": simulated.roster.digest,
        "bureau_keys": {member.name: member.public_key for member in simulated.roster.of_role(Role.BUREAU)},
        "colluding": 1,
        "expires": NOW + 3600,
    }
    return Terms(**(held | changes))


@dataclass
class Table:
    """The coordinator's own steps, one at a time, with bureaus that answer at once."""

    bureaus: dict[str, Bureau]
    plan: Plan = PLAN
    run: MaskedRun = field(init=False)
    asked: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run = MaskedRun(terms_of(tuple(self.bureaus), self.plan))

    @property
    def offer(self) -> bytes:
        """What the session began with."""
        return (self.asked or [self.run.request])[0]

    def step(self, without: Collection[str] = ()) -> None:
        """Ask everybody but some, and go on."""
        self.asked.append(self.run.request)
        names = self.bureaus if self.run.step is Step.OFFER else self.run.awaited
        for name in sorted(set(names) - set(without)):
            try:
                self.run.accept(name, self.bureaus[name].answer(self.run.request))
            except MessageError as error:
                self.run.refused.append(str(error))
        self.run.advance()

    def until(self, step: Step, number: int = 1) -> Table:
        """Go on until this is asked in this round."""
        while self.run.step is not step or (self.number is not None and self.number < number):
            self.step()
        return self

    @property
    def number(self) -> int | None:
        """Of the current round."""
        invites = [found for held in [*self.asked, self.run.request] if isinstance(found := decode(held), Invite)]
        return invites[-1].number if invites else None

    def message(self) -> Any:
        """What is asked now."""
        return decode(self.run.request)

    def bent(self, **changes: object) -> bytes:
        """What is asked now, with other fields, signed again."""
        message = self.message()
        return signed(type(message).model_validate(message.model_dump() | changes), self.run.terms)

    def say(self, message: AnyMessage) -> bytes:
        """A message with the coordinator's signature."""
        return signed(message, self.run.terms)


def signed(message: Any, terms: Terms) -> bytes:
    return encode(sealed(message, terms.identity))


def opened_sums(transcript: Sequence[bytes]) -> dict[int, tuple[tuple[str, ...], bytes]]:
    """Survivors and sum of every round that was opened, as the coordinator told them."""
    found: dict[int, tuple[tuple[str, ...], bytes]] = {}
    number, survivors = 0, tuple[str, ...]()
    for message in map(decode, transcript):
        if isinstance(message, Invite | MaskedResult) and message.opened:
            found[number] = survivors, message.opened
        if isinstance(message, Invite):
            number = message.number
        if isinstance(message, Survivors):
            survivors = message.names
    return found


def plain_sum(bureaus: dict[str, Bureau], number: int, names: Sequence[str]) -> bytes:
    """The whole-number sum of what these bureaus released in a round, without any mask."""
    total = sum(np.frombuffer(bureaus[name].released[number], "<i8").astype(object) for name in names)
    return np.array(total, np.int64).astype("<i8").tobytes()


def offered(table: Table, **changes: object) -> bytes:
    """The offer with other fields, signed again."""
    message = decode(table.offer)
    assert isinstance(message, MaskedOffer)
    return signed(MaskedOffer.model_validate(message.model_dump() | changes), table.run.terms)
