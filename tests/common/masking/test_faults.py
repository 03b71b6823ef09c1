"""Whatever the network does and wherever bureaus die: no wrong sum, no round opened twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

import pytest

from tests.common.masking.bureaus import remembered
from tests.common.masking.coordinating import Coordinator
from tests.common.masking.faults import KINDS, Bureau, Disk, Network

SEED = 11
WHEN = ("before", "after")
WHAT = ("confirmed", "opened")


class Forgetful(Disk):
    """Keeps nothing: the failing twin."""

    def put(self, place: str, value: bytes) -> None:
        pass


def session(rng: random.Random, count: Counter[str], *, checks: bool = True, forgets: bool = False) -> None:
    """One session of one or two coordinators, counted."""
    n_bureaus = rng.randint(3, 9)
    at_least = rng.randint(2, n_bureaus) if rng.random() < 0.5 else 2 * n_bureaus // 3 + 1
    names = [f"b{number:03}" for number in range(n_bureaus)]
    bureaus = {name: Bureau(name, at_least, n_bureaus, disk=Forgetful() if forgets else Disk()) for name in names}
    network = Network(rng, bureaus, rate=rng.choice([0.02, 0.1, 0.25]))
    coordinators = [Coordinator(rng, network, at_least, checks) for _ in range(rng.randint(1, 2))]
    take_turns(rng, [each.rounds(3) for each in coordinators])
    count.update(network.done)
    for each in coordinators:
        count.update(each.count)
        count["sums"] += len(each.sums)
        count["wrong"] += each.wrong()
    for each in bureaus.values():
        count.update(each.disk.deaths)
    count["two coordinators"] += len(coordinators) == 2
    count["double openings"] += sum(len(opened) > 1 for each in bureaus.values() for opened in each.opened.values())


def take_turns(rng: random.Random, running: list[Iterator[None]]) -> None:
    while running:
        chosen = rng.choice(running)
        if next(chosen, "done") == "done":
            running.remove(chosen)


def faults(count: Counter[str]) -> int:
    """Not counting reordered messages, which are in every step."""
    return sum(count[kind] for kind in KINDS)


@pytest.mark.parametrize("n_faults", [5_000, pytest.param(120_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(3_600)
def test_faults_cost_rounds_but_no_sum_is_wrong_and_no_round_is_opened_twice(n_faults: int) -> None:
    rng, count, start = random.Random(SEED), Counter[str](), perf_counter()  # noqa: S311
    with remembered():
        while faults(count) < n_faults:
            session(rng, count)
            count["sessions"] += 1
            assert count["wrong"] == count["double openings"] == 0
    print(f"{faults(count)} faults, {dict(sorted(count.items()))}, {perf_counter() - start:.0f} s")  # noqa: T201
    assert count["sums"] > n_faults / 20
    assert all(count[kind] > n_faults / 20 for kind in KINDS)
    assert all(count[f"died {when} {what} was kept"] > n_faults / 400 for when in WHEN for what in WHAT)


def test_without_the_coordinators_checks_damaged_keys_make_wrong_sums() -> None:
    rng, count = random.Random(SEED), Counter[str]()  # noqa: S311
    with remembered():
        for _ in range(60):
            session(rng, count, checks=False)
    assert count["wrong"] > 0


def test_bureaus_that_keep_nothing_open_rounds_twice() -> None:
    rng, count = random.Random(SEED), Counter[str]()  # noqa: S311
    with remembered():
        for _ in range(60):
            session(rng, count, forgets=True)
    assert count["double openings"] > 0
