"""Whatever bytes come in, a decoder takes what is its own and refuses the rest as documented: quickly, in no space."""

from __future__ import annotations

import resource
import time
import tracemalloc
from collections import Counter

import pytest

from tests.common import fuzzing
from tests.common.decoders import DECODERS, PEERS
from tests.common.fuzzing import Decoder, Figures, fuzz, insist, seeded
from tests.common.mutations import MARKS, damaged

SHORT, LONG = 100_000, 1_000_000
SHARES = sum(decoder.share for decoder in DECODERS)
MEBIBYTE = 1 << 20


def named(decoder: Decoder) -> str:
    return decoder.name


@pytest.mark.parametrize("decoder", DECODERS, ids=named)
def test_a_decoder_accepts_its_own_and_refuses_the_rest_as_documented(decoder: Decoder) -> None:
    figures = fuzz(decoder, SHORT * decoder.share // SHARES, seeded(f"{decoder.name} short"))
    assert figures.wrong == []
    assert figures.accepted >= len(decoder.seeds)
    assert figures.refused.total() > figures.inputs // 5


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_million_inputs_find_no_crash_and_nothing_accepted_that_is_invalid() -> None:
    begin, found = time.monotonic(), dict[str, Figures]()
    for decoder in DECODERS:
        found[decoder.name] = fuzz(decoder, 1 + LONG * decoder.share // SHARES, seeded(f"{decoder.name} long"))
        print(decoder.name, found[decoder.name])  # noqa: T201  the figures of a long run are its result
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    n_inputs = sum(each.inputs for each in found.values())
    print(f"{n_inputs} inputs, {time.monotonic() - begin:.0f} s, {grown} MiB at most")  # noqa: T201  likewise
    assert [wrong for each in found.values() for wrong in each.wrong] == []
    assert n_inputs >= LONG
    assert grown < 1024


@pytest.mark.parametrize("decoder", DECODERS, ids=named)
def test_lengths_that_are_only_announced_cost_no_memory(decoder: Decoder) -> None:
    inputs = [*MARKS, *(seed[:place] + mark for seed in decoder.seeds[:8] for place in (1, 20) for mark in MARKS)]
    for held in inputs:
        tracemalloc.start()
        try:
            decoder.check(held)
        except decoder.refusals:
            pass
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < MEBIBYTE


def careless(held: bytes) -> None:
    """A decoder with two faults, for the machinery to find."""
    if held.count(b"e") == 3:
        raise KeyError("fault")
    insist(len(held) > 8 or not held.startswith(b"see"), "accepted, but not valid")
    raise ValueError("documented")


CARELESS = Decoder(
    name="careless", check=careless, refusals=(ValueError,), seeds=(b"seedlings",), change=damaged, share=1
)


def test_another_error_and_a_wrong_acceptance_are_noticed() -> None:
    figures = fuzz(CARELESS, 400, seeded("careless"))
    kinds = Counter(wrong.split()[1] for wrong in figures.wrong)
    assert kinds["KeyError"]
    assert kinds["WrongError"]
    assert figures.refused["ValueError"] + kinds.total() == figures.inputs == 400


def test_a_slow_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "LONGEST_S", -1.0)
    assert sum(" s on " in wrong for wrong in fuzz(CARELESS, 40, seeded("slow")).wrong) == 40


def test_what_reaches_something_new_is_kept() -> None:
    assert all(fuzz(decoder, 600, seeded(decoder.name)).kept > 5 for decoder in PEERS)
