"""Stations for streams: real ones with ledgers and masks; their claims arrive, or are the same in every window."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.ledger.ledger import Ledger
from client.ledger.release import MAX_RHO, WindowCharge
from client.masked.desk import MaskedDesk
from client.masked.party import Party
from client.masked.terms import Consortium
from client.policy import Policy
from client.releasing import Releases
from client.rowstore import RowStore
from client.station import Station
from client.windows.account import Account, Known
from client.windows.book import ClaimBook
from client.windows.choosing import Candidates
from client.windows.tables import BOOK_FILE
from client.windows.windows import Windows
from common.plan import Plan
from simulations.consortium import simulated_consortium
from simulations.ledgers import granting_policy
from simulations.loopback import Answer
from tests.client.windows.streaming import Arriving
from tests.server.deployment.coordinators import NAMES
from tests.server.deployment.rehearsed import Clock

CLAIMS_A_WINDOW = 1000
MOST = {"epsilon_per_data_version": 100.0, "epsilon_per_year": 100.0, "releases_per_day": 1_000_000}
Floats = npt.NDArray[np.float32]


def granting(plan: Plan) -> Policy:
    """A policy that grants windows of a plan, again and again."""
    return granting_policy(plan).model_copy(update=MOST | {"windows_per_day": 1_000_000})


def rows_of(name: str, n_claims: int, width: int) -> Floats:
    """Claims about three places that all bureaus share, always the same of one name."""
    places = np.random.default_rng(1).normal(size=(3, width))
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
    rows = places[rng.integers(0, 3, n_claims)] + 0.1 * rng.normal(size=(n_claims, width))
    return (0.9 * rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def store_of(plan: Plan, rows: Floats) -> RowStore:
    """Rows under a plan; each is a person's only claim."""
    store = RowStore(plan.features.n_features, plan.cost_cap_yuan)
    store.append(rows, np.full(len(rows), 1_000_000, np.int64), np.arange(len(rows), dtype=np.uint64))
    return store


@dataclass
class Slices:
    """A bureau whose windows are about the same claims, whatever became of other windows: nothing pools."""

    store: RowStore

    def rows(self, _: Plan, __: bytes) -> RowStore:
        """See ``WindowRows``."""
        return self.store

    def charge(self, plan: Plan, _: bytes) -> WindowCharge:
        """See ``EntersClaims``."""
        assert plan.window is not None
        return WindowCharge(stream=plan.window.stream, number=plan.window.number, cap=MAX_RHO // 1000)

    def enter(self, _: Plan, __: bytes) -> None:
        """See ``EntersClaims``."""


@dataclass
class Pooling(Arriving):
    """Claims that arrive at a bureau, and stay until a window is about them."""

    width: int = 0
    plan: Plan | None = None

    def arrive(self, name: str, at: int, n_claims: int = CLAIMS_A_WINDOW) -> None:
        """So many claims arrive at a moment."""
        first, rows = len(self.keys), rows_of(f"{name} {len(self.keys)}", n_claims, self.width)
        self.keys = np.arange(first + n_claims, dtype=np.uint64)
        self.contents, self.persons = np.zeros(len(self.keys), np.uint64), self.keys
        self.arrived = np.concatenate([self.arrived, np.full(n_claims, at, np.int64)])
        self.rows = np.concatenate([self.rows.reshape(-1, self.width), rows])

    def candidates(self, plan: Plan, known: Known) -> Candidates:
        """See ``StreamClaims``."""
        places = np.flatnonzero(known.wanted(self.keys, self.contents))
        return Candidates(
            keys=self.keys[places],
            contents=self.contents[places],
            persons=self.persons[places],
            arrived=self.arrived[places],
            store=store_of(plan, self.rows[places]),
        )


@dataclass
class Bureaus:
    """The stations of a stream.

    Attributes:
        answers: By name.
        books: Claim books by name, where claims pool.
        claims: By name, likewise.
    """

    answers: Mapping[str, Answer]
    books: Mapping[str, ClaimBook] = field(default_factory=dict)
    claims: Mapping[str, Pooling] = field(default_factory=dict)

    def arrive(self, at: int) -> None:
        """Claims arrive at every bureau."""
        for name, claims in self.claims.items():
            claims.arrive(name, at)

    def entered(self, name: str) -> list[tuple[int, int]]:
        """The windows of a bureau, and how many claims entered each."""
        return [(one.name.number, one.claims) for one in self.books[name].windows]


@contextmanager
def stations(
    root: Path, plan: Plan, clock: Clock, seed_bytes: Callable[[str, int], bytes], *, pools: bool
) -> Iterator[Bureaus]:
    """A station for each bureau; ``seed_bytes`` gives a bureau's noise."""
    simulated, policy = simulated_consortium(NAMES), granting(plan)
    found = Bureaus(answers={}, books={}, claims={})
    with ExitStack() as stack:
        for name in NAMES:
            Ledger.create(root / name, clock=clock)
            ledger = stack.enter_context(Ledger.open(root / name, clock=clock))
            windows: Windows | Slices
            if pools:
                book = stack.enter_context(ClaimBook(root / name / BOOK_FILE, ledger.public_key))
                claims = Pooling(width=plan.features.n_features, plan=plan)
                found.books, found.claims = {**found.books, name: book}, {**found.claims, name: claims}
                windows = Windows(Account(book, claims, policy, ledger, clock))
            else:
                windows = Slices(store_of(plan, rows_of(name, CLAIMS_A_WINDOW, plan.features.n_features)))
            releases = Releases(ledger, policy, "v1", partial(seed_bytes, name), windows)
            party = Party(
                name=name,
                consortium=Consortium(identity=simulated.identity(name), roster=simulated.roster),
                policy=policy,
                ledger=ledger,
                releases=releases,
                random_bytes=os.urandom,
                clock=clock,
            )
            nothing = store_of(plan, rows_of(name, 0, plan.features.n_features))
            desk = MaskedDesk(party, lambda _, store=nothing: store, windows=windows)  # type: ignore[misc]
            station = Station(name, policy, lambda _, store=nothing: store, releases, desk, windows=windows)  # type: ignore[misc]
            found.answers = {**found.answers, name: station.answer}
        yield found
