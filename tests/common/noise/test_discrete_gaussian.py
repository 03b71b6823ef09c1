import json
import math
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

from common.noise.discrete_gaussian import WORDS_PER_PROPOSAL, _accepted, _laplace_rests, discrete_gaussian
from common.noise.local_noise import LocalNoiseTooSmallError
from common.noise.randomness import AesStream, random_words

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "discrete_gaussian.json").read_text("ascii"))


class Recorded:
    """A stream that remembers how many bytes were asked for at a time."""

    def __init__(self) -> None:
        self.stream, self.asked = AesStream(bytes(32)), list[int]()

    def __call__(self, n_bytes: int, /) -> bytes:
        self.asked.append(n_bytes)
        return self.stream(n_bytes)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["variance"]))
def test_known_seeds_give_the_draws_that_were_written_down(vector: dict[str, object]) -> None:
    source = AesStream(bytes.fromhex(str(vector["seed"])))
    draws = discrete_gaussian(Fraction(str(vector["variance"])), 16, source)
    assert [str(draw) for draw in draws] == vector["draws"]


@pytest.mark.parametrize("variance", [Fraction(16), Fraction(2**60, 3), Fraction(2**80)])
def test_draws_are_those_of_the_published_algorithm_step_by_step_in_rationals(variance: Fraction) -> None:
    n = 150
    words = random_words(AesStream(bytes(32)), WORDS_PER_PROPOSAL * n).reshape(WORDS_PER_PROPOSAL, n)
    expected = [draw for proposal in words.T.tolist() for draw in published(variance, proposal)]
    assert _accepted(variance, n, AesStream(bytes(32))).tolist() == expected
    assert len(expected) > n // 4


def published(variance: Fraction, words: list[int]) -> list[int]:
    """One pass through Algorithm 3 of Canonne, Kamath and Steinke (2020): its draw, or none."""
    scale = math.isqrt(int(variance)) + 1
    rest = words[0] % scale
    if words[0] >= 2**64 - 2**64 % scale or not heads(words[1], Fraction(rest, scale)):
        return []
    rounds = 0
    while heads(words[2], Fraction(rounds + 1)):
        rounds += 1
    magnitude = rest + scale * rounds
    if (words[3] & 1 and not magnitude) or not heads(words[4], (magnitude - variance / scale) ** 2 / (2 * variance)):
        return []
    return [-magnitude if words[3] & 1 else magnitude]


def heads(word: int, exponent: Fraction) -> bool:
    with mpmath.workdps(60):
        return bool(mpmath.mpf(word) < mpmath.exp(-mpmath.mpf(exponent.numerator) / exponent.denominator) * 2**64)


def test_words_that_would_favour_small_rests_are_refused() -> None:
    words = np.array([2**64 - 1, 2**64 - 2, 2**64 - 6], np.uint64)  # 2**64 is one more than a multiple of five
    kept, rests = _laplace_rests(words, np.zeros(3, np.uint64), 5, AesStream(bytes(32)))
    assert kept.tolist() == [1, 2]
    assert rests.tolist() == [4, 0]
    kept, _ = _laplace_rests(words, np.zeros(3, np.uint64), 4, AesStream(bytes(32)))
    assert kept.tolist() == [0, 1, 2]


def test_no_draws_take_no_bytes() -> None:
    source = Recorded()
    draws = discrete_gaussian(16, 0, source)
    assert draws.shape == (0,)
    assert draws.dtype == np.int64
    assert source.asked == []


def test_a_single_draw_can_be_had() -> None:
    assert discrete_gaussian(16, 1, AesStream(bytes(32))).shape == (1,)


def test_a_draw_does_not_depend_on_how_many_follow_within_a_batch() -> None:
    longer = discrete_gaussian(10**6, 40_000, AesStream(bytes(32)))
    shorter = discrete_gaussian(10**6, 20_000, AesStream(bytes(32)))
    assert np.array_equal(longer[:6_000], shorter[:6_000])


def test_every_proposal_takes_the_same_number_of_words() -> None:
    narrow, wide = Recorded(), Recorded()
    _accepted(Fraction(16), 5_000, narrow)
    _accepted(Fraction(2**80), 5_000, wide)
    assert narrow.asked == wide.asked == [8 * WORDS_PER_PROPOSAL * 5_000]


@pytest.mark.parametrize("variance", [Fraction(0), Fraction(-16), Fraction(15), Fraction(16) - Fraction(1, 10**30)])
def test_a_deviation_below_four_grid_units_is_refused(variance: Fraction) -> None:
    with pytest.raises(LocalNoiseTooSmallError, match="4 is the least"):
        discrete_gaussian(variance, 1, AesStream(bytes(32)))


def test_a_deviation_beyond_two_to_the_forty_is_refused() -> None:
    discrete_gaussian(2**80, 1, AesStream(bytes(32)))
    with pytest.raises(ValueError, match="limits"):
        discrete_gaussian(2**80 + 1, 1, AesStream(bytes(32)))


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 draws"):
        discrete_gaussian(16, -1, AesStream(bytes(32)))
