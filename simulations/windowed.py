"""Stations of simulated bureaus that stay for a whole stream: claims arrive, and each enters one window."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.ledger.ledger import Clock, Ledger
from client.masked.desk import MaskedDesk
from client.masked.party import Party
from client.masked.terms import Consortium
from client.memory_share import MemoryShare
from client.policy import Policy
from client.releasing import Releases
from client.rowstore import RowStore
from client.station import Station
from client.windows.account import Account, Known
from client.windows.book import ClaimBook
from client.windows.choosing import Candidates
from client.windows.digests import ClaimDigester
from client.windows.odometer import Odometer, read_odometer
from client.windows.tables import BOOK_FILE
from client.windows.windows import Windows
from common.accounting.charges import rdp_epsilon
from common.columns import ClaimTable
from common.errors import PlanError
from common.features.rows import Featuriser
from common.noise.randomness import RandomBytes
from common.plan import Plan, Protection
from simulations.consortium import simulated_consortium
from simulations.ledgers import granting_policy, in_memory, passing_ledgers
from simulations.loopback import Answer

SIMULATED = "simulated"


class ReceivedClaims:
    """All claims that a simulated bureau has received so far, as rows under one plan's features; see ``StreamClaims``.

    Guarantees:
        * A claim that arrives is never taken back: it enters a window, or waits for one.
    """

    def __init__(self, plan: Plan, key: bytes, share: MemoryShare | None = None) -> None:
        """Nothing yet.

        Args:
            plan: How a claim becomes a row, and its cap on costs; all plans that ask must have these.
            key: Of the bureau's pseudonyms, 32 bytes.
            share: Memory that rows may take.
        """
        self._features, self._cap = plan.features, plan.cost_cap_yuan
        self._featuriser, self._digester = Featuriser(plan.features), ClaimDigester(key)
        self._store = RowStore(plan.features.n_features, plan.cost_cap_yuan, share)
        self._columns = np.zeros((3, 0), np.uint64)
        self._arrived = np.zeros(0, np.int64)

    def append(self, table: ClaimTable, claim_keys: tuple[str, ...], arrived: npt.NDArray[np.int64]) -> None:
        """Claims arrive, with their keys and the seconds of arrival ``(n,)``."""
        self._store.append(self._featuriser.rows(table), table.total, table.person_id, table)
        new = np.stack([self._digester.keys(claim_keys), self._digester.contents(table), table.person_id])
        self._columns = np.concatenate([self._columns, new], axis=1)
        self._arrived = np.concatenate([self._arrived, arrived])

    def candidates(self, plan: Plan, known: Known) -> Candidates:
        """See ``StreamClaims``.

        Raises:
            PlanError: If the rows were made for other features.
        """
        if (plan.features, plan.cost_cap_yuan) != (self._features, self._cap):
            msg = "the rows were made for another plan"
            raise PlanError(msg)
        places = np.flatnonzero(known.wanted(self._columns[0], self._columns[1]))
        keys, contents, persons = self._columns[:, places]
        store, arrived = self._store.select(places), self._arrived[places]
        return Candidates(keys=keys, contents=contents, persons=persons, arrived=arrived, store=store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a simulated bureau has, whoever the others are."""

    name: str
    policy: Policy
    ledger: Ledger
    releases: Releases
    clock: Clock

    def epsilon_of(self, rho: int) -> float:
        """Of charges, at the policy's delta."""
        return rdp_epsilon((rho,), self.policy.delta) if rho else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowedStations:
    """Stations of a stream, and what their own people can see.

    Attributes:
        answers: By name.
        seats: By name.
        books: Directories of the claim books, by name.
    """

    answers: dict[str, Answer]
    seats: dict[str, Seat]
    books: dict[str, Path]

    def odometers(self) -> list[Odometer]:
        """Of all bureaus that have entered claims."""
        found = []
        for name, seat in self.seats.items():
            one = read_odometer(self.books[name], seat.ledger.chain, seat.clock(), seat.epsilon_of)
            found += [] if one is None else [one]
        return found


@contextmanager
def windowed_stations(
    claims: Mapping[str, ReceivedClaims],
    plan: Plan,
    clock: Clock,
    seed_bytes: RandomBytes = os.urandom,
    changed: Callable[[Policy], Policy] = lambda policy: policy,
) -> Iterator[WindowedStations]:
    """A station for each bureau, by name, for all windows of a stream: one ledger and one claim book each.

    Args:
        claims: Of each bureau; more may arrive meanwhile.
        plan: Like those that will be asked: the policies grant it.
        clock: The world's; a person's year goes by it.
        seed_bytes: Where noise comes from; tests give their own.
        changed: What a policy is made of the granting one.
    """
    policy = changed(granting_policy(plan))
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fedclaims-books-", dir=in_memory())))
        ledgers = stack.enter_context(passing_ledgers(claims, clock))
        stations = WindowedStations(answers={}, seats={}, books={})
        for place, (name, received) in enumerate(claims.items()):
            ledger = ledgers[name]
            stations.books[name] = root / f"{place}"
            stations.books[name].mkdir(0o700)
            book = stack.enter_context(ClaimBook(stations.books[name] / BOOK_FILE, ledger.public_key))
            windows = Windows(Account(book, received, policy, ledger, clock))
            releases = Releases(ledger, policy, SIMULATED, seed_bytes, windows)
            seat = Seat(name=name, policy=policy, ledger=ledger, releases=releases, clock=clock)
            stations.seats[name] = seat
            desk = _desk(seat, tuple(sorted(claims)), windows) if plan.protection is Protection.SECURE else None
            stations.answers[name] = Station(name, policy, _no_rows, releases, desk, windows=windows).answer
        yield stations


def _desk(seat: Seat, names: tuple[str, ...], windows: Windows) -> MaskedDesk:
    simulated = simulated_consortium(names)
    party = Party(
        name=seat.name,
        consortium=Consortium(identity=simulated.identity(seat.name), roster=simulated.roster),
        policy=seat.policy,
        ledger=seat.ledger,
        releases=seat.releases,
        random_bytes=os.urandom,
        clock=seat.clock,
    )
    return MaskedDesk(party, _no_rows, windows=windows)


def _no_rows(_: Plan) -> RowStore:
    msg = "these stations answer about windows of a stream alone"
    raise PlanError(msg)
