"""kill -9 of a releasing station, at random instants; and of stations that do something wrong, which must show."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from client.ledger.chain import Head
from client.ledger.errors import BrokenLedgerError
from client.ledger.frame import frames
from client.ledger.ledger import CHAIN_FILE, VECTORS, Ledger, Reservation, inspect
from client.ledger.release import Charge, ReleaseId
from client.ledger.spending import Limits
from client.ledger.vectors import kept_numbers, vector_path
from client.releasing import Releases
from client.station import Station
from simulations.ledgers import granting_policy
from tests.client.ledger.killing import Notes
from tests.client.ledger.releases import OTHER_PLAN, Clock
from tests.client.test_releasing import PLAN, ROWS
from tests.parties import store_of

STEPS = ("opening", "repeating", "reserving", "reserved", "drawn", "keeping", "kept", "sending", "sent")
SHOWN_BY = {
    "WritesLate": ("releases_without_entry", "answers_changed", "answers_of_another_draw", "rounds_drawn_twice"),
    "KeepsLate": ("releases_not_kept", "refused_for_no_reason"),
    "ChargesAgain": ("double_charges", "spent_rounds_answered"),
    "DrawsFirst": ("draws_without_entry",),
    "Restores": ("heads_forgotten", "ends_without_kill"),
    "SeedsFromNothing": ("seeds_used_twice",),
}
"""What must be 0, by the fault that it counts."""
MUST_BE_ZERO = [name for names in SHOWN_BY.values() for name in names]

POLICY = granting_policy(PLAN).model_copy(update={"releases_per_day": 1_000_000})
STORE = store_of(ROWS)


@dataclass
class Seeds:
    """Seeds of noise, each noted with the round that it is drawn for."""

    notes: Notes
    asked: str = ""

    fresh = staticmethod(os.urandom)

    def __call__(self, n_bytes: int, /) -> bytes:
        seed = self.fresh(n_bytes)
        self.notes.write("drawn", f"{self.asked} {seed.hex()}")
        return seed


def station_of(directory: Path, fault: type, seen: Head | None) -> tuple[Station, Seeds]:
    """A whole one, but for the one class that is at fault."""
    seeds = (fault if issubclass(fault, Seeds) else Seeds)(Notes(directory))
    releases = fault if issubclass(fault, Releases) else Releases
    ledger = (fault if issubclass(fault, Ledger) else Ledger).open(directory / "ledger", clock=Clock(), seen=seen)
    return Station("north", POLICY, lambda _: STORE, releases(ledger, POLICY, "v1", seeds)), seeds


class WritesLate(Ledger):
    """Answers leave before anything is written: charge and words follow with the next question."""

    late: Callable[[], None] = staticmethod(lambda: None)

    def reserve(self, release: ReleaseId, charge: Charge, limits: Limits) -> Reservation:
        self.late()
        pay = super().reserve

        def persist(vector: bytes) -> None:
            self.late = lambda: pay(release, charge, limits).persist(vector)

        return Reservation(number=0, release=release, persist=persist)


class KeepsLate(Ledger):
    """Answers are paid for, and leave before their words are kept."""

    late: Callable[[], None] = staticmethod(lambda: None)

    def _persist(self, number: int, vector: bytes) -> None:
        self.late()
        keep = super()._persist
        self.late = lambda: keep(number, vector)


class ChargesAgain(Ledger):
    """What was reserved and never kept is paid for once more, as if it were another plan's."""

    def reserve(self, release: ReleaseId, charge: Charge, limits: Limits) -> Reservation:
        again = self._book.paid(release.place) is not None
        paid = super().reserve(replace(release, fingerprint=OTHER_PLAN) if again else release, charge, limits)
        time.sleep(0.03)
        return paid


class Restores(Ledger):
    """At every start a backup comes back, in which the last release never happened."""

    @classmethod
    def open(cls, directory: Path, **how: object) -> Self:
        restore(directory)
        return super().open(directory, **how)


class DrawsFirst(Releases):
    """The noise is drawn before it is paid for."""

    def answer(self, *asked: object) -> bytes:
        usual, drawn = self._seed_bytes, self._seed_bytes(32)
        self._seed_bytes = lambda _: drawn
        time.sleep(0.01)
        try:
            return super().answer(*asked)
        finally:
            self._seed_bytes = usual


class SeedsFromNothing(Seeds):
    """Seeds are counted, from 1 after every start."""

    drawn = 0

    def fresh(self, n_bytes: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(n_bytes, "big")


def restore(directory: Path) -> None:
    """Cut a ledger to what it was two entries ago, vectors and all."""
    entries = list(frames((directory / CHAIN_FILE).read_bytes()))
    left = entries[:-2] or entries
    os.truncate(directory / CHAIN_FILE, left[-1].end)
    for number in kept_numbers(directory / VECTORS):
        if number >= len(left):
            vector_path(directory / VECTORS, number).unlink()


def killed(directory: Path, **kills: int) -> dict[str, Counter[str]]:
    """In a process without threads, so that it can fork; the counts of each kind of station."""
    runs = [f"{name}={times}" for name, times in kills.items()]
    command = [sys.executable, "-m", "tests.client.killed_station", str(directory), "1", *runs]
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=alone)  # noqa: S603  our own
    print(ran.stdout)  # noqa: T201  shown with -rP
    return {name: Counter(figures) for name, figures in json.loads(ran.stdout).items()}


def check(found: dict[str, Counter[str]], kills: int) -> None:
    """Nothing but zeros for the sound station, and no zero where a fault must show."""
    sound = found["Seeds"]
    assert {name: sound[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0)
    assert sound["kills"] == kills
    assert sound["rounds_answered"] > kills / 4
    assert sound["rounds_spent_without_release"] > 0
    assert sum(sound[step] > 0 for step in STEPS) > len(STEPS) / 2, "instants are all over the path"
    hidden = {(fault, name) for fault, names in SHOWN_BY.items() for name in names if not found[fault][name]}
    assert hidden == set()


def test_killed_at_any_instant_a_station_releases_nothing_unpaid_and_charges_and_draws_nothing_twice(
    tmp_path: Path,
) -> None:
    check(killed(tmp_path, Seeds=40, **dict.fromkeys(SHOWN_BY, 12)), 40)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_of_a_thousand_kills(tmp_path: Path) -> None:
    found = killed(tmp_path, Seeds=1000, **dict.fromkeys(SHOWN_BY, 60))
    check(found, 1000)
    assert all(found["Seeds"][step] for step in STEPS), "a kill in every step"


@pytest.fixture(scope="module")
def killed_often(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("killed")
    killed(directory, Seeds=15)
    return next(directory.glob("Seeds-*"))


@pytest.fixture(params=[5, None], ids=["short", "long"])
def left(killed_often: Path, request: pytest.FixtureRequest) -> Iterator[Left]:
    """What killed stations left; as it was when the 5th entry was the last, or whole."""
    path = killed_often / "ledger" / CHAIN_FILE
    held, chain, n_entries = path.read_bytes(), inspect(path.parent), request.param
    seen = Head(number=4, digest=chain.digests[4]) if n_entries else Head.parse((killed_often / "seen").read_text())
    shutil.rmtree(path.parent / VECTORS)  # they would tell, too
    (path.parent / VECTORS).mkdir()
    yield Left(path, held[: [one.end for one in frames(held)][seen.number]], seen)
    path.write_bytes(held)


class Left(NamedTuple):
    """A chain up to the newest head that was heard."""

    path: Path
    held: bytes
    seen: Head

    def places(self) -> list[int]:
        """Every byte of a short chain; of a long one some hundreds, and all at the end."""
        everywhere = range(len(self.held))
        if self.seen.number < 5:
            return list(everywhere)
        return [*random.Random(1).sample(everywhere, 200), *everywhere[-20:]]  # noqa: S311  places, no secrets

    def detects(self, held: bytes) -> bool:
        """Whether a chain that reads so is told from the one whose head was heard."""
        self.path.write_bytes(held)
        try:
            inspect(self.path.parent).check_against(self.seen)
        except BrokenLedgerError:
            return True
        return False


def test_every_truncation_below_a_head_that_was_heard_is_detected(left: Left) -> None:
    assert [at for at in left.places() if not left.detects(left.held[:at])] == []
    assert not left.detects(left.held)


def test_a_flipped_bit_anywhere_below_a_head_that_was_heard_is_detected(left: Left) -> None:
    held = left.held
    assert [
        at for at in left.places() if not left.detects(held[:at] + bytes([held[at] ^ 1 << at % 8]) + held[at + 1 :])
    ] == []


def test_a_ledger_that_was_cut_opens_only_for_who_did_not_hear_its_head(left: Left) -> None:
    left.path.write_bytes(left.held)
    restore(left.path.parent)
    with pytest.raises(BrokenLedgerError, match="seen by others"):
        Ledger.open(left.path.parent, clock=Clock(), seen=left.seen)
    Ledger.open(left.path.parent, clock=Clock()).close()
