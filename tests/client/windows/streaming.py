"""A bureau in a stream: a real ledger, a real claim book, and claims that arrive, change and belong to persons."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.ledger.ledger import Ledger
from client.policy import Policy
from client.releasing import Releases, whole_cost
from client.station import Station
from client.windows.account import Account, Known
from client.windows.book import ClaimBook
from client.windows.choosing import Candidates
from client.windows.tables import BOOK_FILE
from client.windows.windows import Windows
from common.kernel import Rows
from common.messages import Offer, Refusal, RoundReply, RoundRequest, words_to_bytes
from common.noise.randomness import AesStream, RandomBytes
from common.plan import Phase, Plan
from common.stream.window import Window
from common.wire import AnyMessage, decode, encode
from simulations.ledgers import granting_policy
from tests.client.ledger.releases import Clock
from tests.client.test_releasing import CENTROIDS, COHORT, RADII
from tests.common.private_run import private_plan
from tests.parties import N_FEATURES, bureau_rows, store_of

STREAM = "5e" * 16
QUARTER = 900
Ids = npt.NDArray[np.uint64]


def window_plan(number: int, closes: int, *, stream: str = STREAM, **terms: object) -> Plan:
    """A plan about a window; persons are its unit, and their claims share a weight."""
    persons = {"unit": "person", "weighting": "shared"} | terms
    window = Window(stream=stream, number=number, closes=closes)
    return private_plan(N_FEATURES, persons, n_clusters=3, min_cohort=2, window=window)


@dataclass
class Arriving:
    """Claims that a bureau has: each has a key, a content, a person, a row and a time of arrival."""

    keys: Ids = field(default_factory=lambda: np.zeros(0, np.uint64))
    contents: Ids = field(default_factory=lambda: np.zeros(0, np.uint64))
    persons: Ids = field(default_factory=lambda: np.zeros(0, np.uint64))
    arrived: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: Rows = field(default_factory=lambda: np.zeros((0, N_FEATURES), np.float32))

    def add(self, persons: list[int], at: int) -> list[int]:
        """Claims of some persons arrive; their keys."""
        keys = np.arange(len(self.keys), len(self.keys) + len(persons), dtype=np.uint64)
        self.keys = np.concatenate([self.keys, keys])
        self.contents = np.concatenate([self.contents, np.zeros(len(keys), np.uint64)])
        self.persons = np.concatenate([self.persons, np.array(persons, np.uint64)])
        self.arrived = np.concatenate([self.arrived, np.full(len(keys), at, np.int64)])
        self.rows = np.concatenate([self.rows, bureau_rows(len(self.keys), len(keys))])
        return [int(key) for key in keys]

    def edit(self, key: int) -> None:
        """A claim is changed."""
        self.contents[key] += 1

    def candidates(self, plan: Plan, known: Known) -> Candidates:
        """See ``StreamClaims``."""
        assert plan.features.n_features == N_FEATURES
        places = np.flatnonzero(known.wanted(self.keys, self.contents))
        store = store_of(self.rows[places])
        store._persons = type(store._persons)()
        store._persons.append(self.persons[places])
        return Candidates(
            keys=self.keys[places],
            contents=self.contents[places],
            persons=self.persons[places],
            arrived=self.arrived[places],
            store=store,
        )


@dataclass
class Streaming:
    """A station in a directory, which may be started again."""

    directory: Path
    claims: Arriving
    clock: Clock
    policy: Policy
    seeds: int = 0

    def begin(self) -> Streaming:
        Ledger.create(self.directory, clock=self.clock)
        return self.start()

    def start(self, seed_bytes: RandomBytes | None = None, windows: type[Windows] = Windows) -> Streaming:
        self.ledger = Ledger.open(self.directory, clock=self.clock)
        self.book = ClaimBook(self.directory / BOOK_FILE, self.ledger.public_key)
        self.account = Account(self.book, self.claims, self.policy, self.ledger, self.clock)
        self.windows = windows(self.account)
        releases = Releases(self.ledger, self.policy, "v1", seed_bytes or self._seed, self.windows)
        self.station = Station(
            "north", self.policy, lambda _: store_of(self.claims.rows), releases, windows=self.windows
        )
        return self

    def stop(self) -> None:
        self.book.close()
        self.ledger.close()

    def restart(self, **how: object) -> None:
        self.stop()
        self.start(**how)  # type: ignore[arg-type]

    def offer(self, plan: Plan, session: int) -> AnyMessage:
        return decode(self.station.answer(encode(Offer(session=session.to_bytes(16, "big"), plan=plan.canonical()))))

    def ask(self, plan: Plan, session: int, number: int = 1, cost: int | None = None, attempt: int = 1) -> AnyMessage:
        return decode(self.station.answer(encode(asking(plan, session, number, cost, attempt))))

    def tick(self, plan: Plan, session: int) -> AnyMessage:
        """Offer a window and ask its one question."""
        joined = self.offer(plan, session)
        return joined if isinstance(joined, Refusal) else self.ask(plan, session)

    def entered(self, session: int) -> set[int]:
        """Keys of what a session entered."""
        held = self.book.window_of(session.to_bytes(16, "big"))
        if held is None:
            return set()
        mine = self.book.entered.windows == held.id
        return {int(key) for key in self.book.entered.keys[mine]}

    def _seed(self, n_bytes: int, /) -> bytes:
        self.seeds += 1
        return AesStream(self.seeds.to_bytes(32, "big"))(n_bytes)


def asking(plan: Plan, session: int, number: int = 1, cost: int | None = None, attempt: int = 1) -> RoundRequest:
    """A question; without a cost it takes all of the plan's."""
    assert plan.privacy is not None
    return RoundRequest(
        session=session.to_bytes(16, "big"),
        fingerprint=plan.fingerprint,
        number=number,
        attempt=attempt,
        phase=Phase.LLOYD,
        cohort=COHORT,
        n_centroids=len(CENTROIDS),
        centroids=words_to_bytes(CENTROIDS),
        radii=words_to_bytes(RADII),
        cost=whole_cost(plan, plan.privacy) if cost is None else cost,
    )


def streaming(directory: Path, plan: Plan, clock: Clock | None = None, **limits: object) -> Streaming:
    """A station that has begun, under a policy that grants a plan."""
    policy = Policy.model_validate(granting_policy(plan).model_dump() | limits)
    return Streaming(directory, Arriving(), clock or Clock(), policy).begin()


def words(reply: AnyMessage) -> bytes:
    """Of an answer that must not be a refusal."""
    assert isinstance(reply, RoundReply), reply
    return reply.summary
