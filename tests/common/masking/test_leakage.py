"""What a coordinator that plays false, and whoever colludes with it, can compute: sums that were meant to be opened."""

from __future__ import annotations

import random
from collections import Counter
from time import perf_counter

import numpy as np
import pytest

from common.masking import participant
from common.masking.masks import mask
from tests.common.masking.adversary import Attack
from tests.common.masking.bureaus import memberships, remembered, secrets_of
from tests.common.masking.moves import episode, outcome
from tests.common.masking.mutants import EQUIVALENT, FOUND, Mutant
from tests.common.masking.oracle import Derived, Input, Seen, derived, leaks

SEED = 7
A, B, C = (Input(name, 1, "") for name in "abc")


def combinations(seen: list[Seen], known: set[bytes]) -> list[dict[str, int]]:
    return [{put.bureau: factor for put, factor in one.inputs.items()} for one in derived(seen, known)]


def test_by_hand_pair_masks_cancel_and_unknown_own_masks_do_not() -> None:
    seen = [Seen(A, {b"a": 1, b"ab": 1}), Seen(B, {b"b": 1, b"ab": -1})]
    assert combinations(seen, set()) == []
    assert combinations(seen, {b"a"}) == []
    assert combinations(seen, {b"a", b"b"}) == [{"a": 1, "b": 1}]
    assert combinations(seen, {b"a", b"ab"}) == [{"a": 1}]


def test_by_hand_a_mask_used_twice_gives_a_difference() -> None:
    seen = [Seen(A, {b"own": 1}), Seen(Input("a", 2, ""), {b"own": 1})]
    (one,) = derived(seen, set())
    assert sorted(one.inputs.values()) == [-1, 1]
    assert leaks([one], 1) == [one]


@pytest.mark.parametrize(
    "inputs",
    [
        {A: 1},
        {A: 1, B: -1},
        {A: 1, B: 2},
        {A: 1, Input("b", 2, ""): 1},
    ],
    ids=["too few", "difference", "unequal", "two rounds"],
)
def test_only_sums_of_one_round_over_enough_bureaus_are_legitimate(inputs: dict[Input, int]) -> None:
    one = Derived(inputs, {})
    assert leaks([one], 2) == [one]


def test_no_bureau_is_in_two_sums_of_a_round() -> None:
    found = [Derived({A: 1, B: 1}, {}), Derived({C: 1, Input("b", 1, "another question"): 1}, {})]
    assert leaks(found, 2) == found
    assert leaks(found[:1], 2) == []


@pytest.mark.parametrize("n_episodes", [1_500, pytest.param(60_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(3_600)
def test_nothing_follows_but_sums_over_enough_honest_bureaus(n_episodes: int) -> None:
    rng, count, start = random.Random(SEED), Counter[str](), perf_counter()  # noqa: S311  whims, not secrets
    with remembered():
        for _ in range(n_episodes):
            seen = outcome(rng)
            assert not seen.leaks
            count += Counter(sums=len(seen.sums), answered=seen.answered, refused=seen.refused)
            count["several sums"] += len(seen.sums) > 1
    print(f"{n_episodes} episodes, {dict(count)}, {perf_counter() - start:.0f} s")  # noqa: T201  the figures asked for
    assert count["sums"] > n_episodes / 2
    assert count["several sums"] > n_episodes / 20
    assert count["answered"] > 10 * n_episodes
    assert count["refused"] > 5 * n_episodes


def test_what_the_oracle_derives_can_be_computed_from_the_bytes() -> None:
    rng, computed = random.Random(SEED), 0  # noqa: S311
    with remembered():
        for _ in range(200):
            attack = episode(rng)
            for one in attack.outcome().sums:
                expected = sum(int(attack.words[put][0]) * factor for put, factor in one.inputs.items())
                assert (from_bytes(attack, one) - expected) % 2**64 == 0
                computed += 1
    assert computed > 100


def from_bytes(attack: Attack, one: Derived) -> int:
    """The combination of masked words, without the masks that are known."""
    seen = list(attack.seen.items())
    keys = attack.known | colluders_keys(attack)
    total = 0
    for place, factor in one.made_of.items():
        (_, words), equation = seen[place]
        known = sum(sign * int(mask(keys[name], 1)[0]) for name, sign in equation.masks.items() if name in keys)
        total += factor * (int(np.frombuffer(words, "<u8")[0]) - known)
    return total


def colluders_keys(attack: Attack) -> dict[bytes, bytes]:
    """Of the pairs that a colluder belongs to, by the commitments that honest bureaus sent."""
    members = memberships(attack.n_bureaus, attack.at_least)
    keys = {}
    for called, _ in attack.contexts:
        for crook in attack.colluding & set(members):
            for name in attack.honest:
                agreed = participant.pair_secret(
                    secrets_of(crook), members[crook].exchange_keys[name], members[crook].session
                )
                key = participant.pair_key(agreed, crook, name, called)
                keys[participant.pair_commitments({name: key})] = key
    return keys


@pytest.mark.parametrize("mutant", FOUND, ids=lambda each: each.name)
def test_a_protocol_without_this_guard_leaks(mutant: Mutant) -> None:
    rng = random.Random(SEED)  # noqa: S311
    with mutant.planted() as sides:
        found = next((number for number in range(1, 4_001) if outcome(rng, sides).leaks), None)
    print(f"{mutant.name}: leak in episode {found}")  # noqa: T201
    assert found is not None


@pytest.mark.parametrize("mutant", EQUIVALENT, ids=lambda each: each.name)
@pytest.mark.parametrize("n_episodes", [300, pytest.param(5_000, marks=pytest.mark.slow)])
def test_a_protocol_without_this_guard_still_leaks_nothing(mutant: Mutant, n_episodes: int) -> None:
    rng = random.Random(SEED)  # noqa: S311
    with mutant.planted() as sides:
        assert not any(outcome(rng, sides).leaks for _ in range(n_episodes))
