"""The coordinator opens exact sums, and names whoever cheats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.errors import RoundLostError
from common.masking.commitments import disagreeing, pair_commitment
from common.masking.opening import CheatError, check_contribution, check_revealed, open_sum
from tests.common.masking.bureaus import (
    bureaus,
    confirmations,
    context_of,
    contributions,
    remembered,
    reveals,
    sum_of,
    words_of,
)

SURVIVORS = ["b000", "b001", "b002"]
MACHINES = bureaus(4, 3)
CONTEXT = context_of(MACHINES)
WORDS = words_of(MACHINES)
GIVEN = contributions(MACHINES, CONTEXT, WORDS)
SHOWN = reveals(MACHINES, CONTEXT, confirmations(MACHINES, CONTEXT, GIVEN, SURVIVORS))
SIZES = [(3, (0,)), (10, (0, 1, 2, 3)), (5, (0, 1))]
LARGE = [pytest.param(100, (0, 1, 33), marks=pytest.mark.slow), pytest.param(300, (0, 99), marks=pytest.mark.slow)]


@pytest.mark.parametrize(("n_bureaus", "losses"), [*SIZES, *LARGE])
def test_a_sum_is_exact_however_many_are_lost_before_survivors_are_fixed(
    n_bureaus: int, losses: tuple[int, ...]
) -> None:
    with remembered():
        machines = bureaus(n_bureaus)
        words = words_of(machines)
        for number, n_lost in enumerate(losses, start=1):
            chosen = np.random.default_rng(number).permutation(sorted(machines))[n_lost:]
            survivors = sorted(chosen.tolist())
            total = sum_of(machines, context_of(machines, round=number), words, survivors)
            assert total.tolist() == sum(words[name] for name in survivors).tolist()


def test_more_losses_than_the_threshold_allows_are_refused() -> None:
    machines = bureaus(10)
    with pytest.raises(Exception, match="below 7"):
        sum_of(machines, context_of(machines), words_of(machines), sorted(machines)[:6])


def test_the_order_of_bureaus_does_not_matter() -> None:
    backwards = {name: GIVEN[name] for name in reversed(SURVIVORS)}
    shown = {name: SHOWN[name] for name in reversed(SURVIVORS)}
    expected = open_sum(GIVEN, SURVIVORS, SHOWN).tolist()
    assert open_sum(backwards, SURVIVORS[::-1], shown).tolist() == expected
    assert expected == sum(WORDS[name] for name in SURVIVORS).tolist()


def test_opening_again_gives_the_same_and_changes_nothing() -> None:
    assert open_sum(GIVEN, SURVIVORS, SHOWN).tolist() == open_sum(GIVEN, SURVIVORS, SHOWN).tolist()


def test_keys_that_are_missing_lose_the_round() -> None:
    with pytest.raises(RoundLostError, match="1 survivors have not revealed"):
        open_sum(GIVEN, SURVIVORS, {name: SHOWN[name] for name in SURVIVORS[:2]})


def test_without_the_masks_of_the_lost_a_sum_is_wrong() -> None:
    shown = SHOWN | {"b000": replace(SHOWN["b000"], pair_keys={})}
    assert open_sum(GIVEN, SURVIVORS, shown).tolist() != open_sum(GIVEN, SURVIVORS, SHOWN).tolist()


def test_honest_contributions_and_keys_pass() -> None:
    for name in SURVIVORS:
        check_contribution(name, GIVEN[name], CONTEXT.digest, CONTEXT.cohort, 5)
        check_revealed(name, SHOWN[name], GIVEN[name], CONTEXT.cohort, SURVIVORS)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"context": b"another"}, "another context"),
        ({"words": bytes(8 * 4)}, "did not send 5 words"),
        ({"words": bytes(8 * 5 + 1)}, "did not send 5 words"),
        ({"words": b""}, "did not send 5 words"),
        ({"own_commitment": bytes(31)}, "and a commitment"),
        ({"pair_commitments": bytes(32 * 2)}, "each of its pairs"),
        ({"pair_commitments": bytes(32 * 4)}, "each of its pairs"),
    ],
)
def test_a_contribution_of_another_form_names_its_bureau(changes: dict[str, bytes], what: str) -> None:
    with pytest.raises(CheatError, match=what) as caught:
        check_contribution("b001", replace(GIVEN["b001"], **changes), CONTEXT.digest, CONTEXT.cohort, 5)
    assert caught.value.bureau == "b001"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"context": b"another"}, "another context"),
        ({"own_key": bytes(32)}, "another key of its own mask"),
        ({"own_key": b""}, "a key that is none"),
        ({"pair_keys": {"b003": bytes(32)}}, "another key of its pair with b003"),
        ({"pair_keys": {}}, "those who were lost"),
        ({"pair_keys": {"b002": SHOWN["b001"].pair_keys["b003"]}}, "those who were lost"),
        ({"pair_keys": SHOWN["b001"].pair_keys | {"b002": bytes(32)}}, "those who were lost"),
    ],
)
def test_keys_that_were_not_committed_to_name_their_bureau(changes: dict[str, object], what: str) -> None:
    with pytest.raises(CheatError, match=what) as caught:
        check_revealed("b001", replace(SHOWN["b001"], **changes), GIVEN["b001"], CONTEXT.cohort, SURVIVORS)
    assert caught.value.bureau == "b001"


def test_commitments_of_honest_bureaus_agree() -> None:
    assert disagreeing({name: each.pair_commitments for name, each in GIVEN.items()}, CONTEXT.cohort) == frozenset()


def test_a_bureau_that_committed_to_other_pair_keys_is_named() -> None:
    held = {name: each.pair_commitments for name, each in GIVEN.items()}
    held["b002"] = pair_commitment(b"of its own making") * 3
    assert disagreeing(held, CONTEXT.cohort) == {"b002"}
