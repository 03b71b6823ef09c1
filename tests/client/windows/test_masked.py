"""Masked sums about a window: all rounds are about the same claims, whatever comes and whoever is started again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.ledger.ledger import Ledger, inspect
from client.masked.desk import MaskedDesk
from client.masked.party import Party
from client.masked.terms import Consortium
from client.station import Station
from client.windows.account import Account
from client.windows.book import ClaimBook
from client.windows.tables import BOOK_FILE
from client.windows.windows import Windows
from common.messages import RefusalCode
from common.plan import Plan
from common.stream.window import Window
from server.masked.steps import Step
from simulations.consortium import simulated_consortium
from simulations.ledgers import in_memory
from tests.client.masked.parties import NOW, THREE, Bureau, Remembering, Table, secure_plan
from tests.client.windows.streaming import Arriving
from tests.parties import store_of

NAMED = secure_plan(unit="person", weighting="shared")
PLAN = Plan.model_validate(NAMED.model_dump() | {"window": Window(stream="5e" * 16, number=1, closes=NOW)})


class Windowed(Bureau):
    """A bureau with a claim book."""

    claims: Arriving | None = None
    book: ClaimBook

    def start(self, seed_bytes: Callable[[int], bytes] | None = None) -> None:
        if self.claims is None:
            self.claims = Arriving()
            self.claims.add(list(range(40)), NOW - 1)
        self.ledger = Ledger.open(self.directory, clock=lambda: self.now)
        self.book = ClaimBook(self.directory / BOOK_FILE, self.ledger.public_key)
        windows = Windows(Account(self.book, self.claims, self.policy, self.ledger, lambda: self.now))
        releases = Remembering(self.ledger, self.policy, "v1", seed_bytes or self._seed, windows)
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
        nothing = store_of(self.claims.rows[:0])
        self.desk = MaskedDesk(party, lambda _: nothing, windows=windows)
        self.station = Station(self.name, self.policy, lambda _: nothing, releases, self.desk, windows=windows)

    def restart(self) -> None:
        self.book.close()
        super().restart()


@pytest.fixture
def table() -> Iterator[Table]:
    consortium = simulated_consortium(THREE)
    with tempfile.TemporaryDirectory(dir=in_memory()) as root:
        found = {name: Windowed(name, Path(root), consortium, PLAN) for name in THREE}
        yield Table(dict(found), PLAN)
        for one in found.values():
            one.book.close()
            one.ledger.close()


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_station_that_is_started_again_in_a_window_goes_on_with_the_same_claims(table: Table, number: int) -> None:
    north = table.bureaus["north"]
    assert isinstance(north, Windowed)
    assert north.claims is not None
    table.until(Step.INVITE, number)
    north.claims.add([7, 8, 9], NOW - 1)
    north.restart()
    table.until(Step.DONE)
    assert table.run.refused == []
    (held,) = north.book.windows
    assert held.claims == (43 if number == 1 else 40), "what comes before the first answer is still in it"
    charges = inspect(north.directory).book.charges
    assert {(one.data_version, one.window.cap) for one in charges if one.window} == {("w-5e5e5e5e-1", held.cap)}
    assert sum(one.rho for one in charges) <= held.rho


def test_a_station_without_a_claim_book_does_not_join(table: Table) -> None:
    north = table.bureaus["north"]
    north.desk._windows = None
    north.refuses(table.offer, RefusalCode.POLICY)
