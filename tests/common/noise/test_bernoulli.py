from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.noise.bernoulli import _THRESHOLDS, STEPS, bernoulli_exp, exp_bounds, geometric, is_below
from common.noise.randomness import AesStream

WORD = 2**64


class Scripted:
    """A source that gives the words it was told to, and fails when it runs dry."""

    def __init__(self, *words: int) -> None:
        self.words = list(words)

    def __call__(self, n_bytes: int, /) -> bytes:
        return b"".join(self.words.pop(0).to_bytes(8, "little") for _ in range(n_bytes // 8))


def digits_of_exp(exponent: Fraction, words: int) -> list[int]:
    """The binary digits of ``exp(-exponent)`` behind the point, 64 at a time."""
    with mpmath.workprec(64 * words + 200):
        value = mpmath.exp(-mpmath.mpf(exponent.numerator) / exponent.denominator)
        held = int(mpmath.floor(value * mpmath.mpf(2) ** (64 * words)))
    return [held >> (64 * (words - 1 - at)) & (WORD - 1) for at in range(words)]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.fractions(0, 200, max_denominator=10**12), st.integers(20, 80))
def test_bounds_enclose_the_exponential_closely(exponent: Fraction, digits: int) -> None:
    least, most = exp_bounds(exponent, digits)
    with mpmath.workdps(150):
        true = mpmath.exp(-mpmath.mpf(exponent.numerator) / exponent.denominator)
        assert mpmath.mpf(least.numerator) / least.denominator <= true <= mpmath.mpf(most.numerator) / most.denominator
    assert most - least <= most * Fraction(400, 10 ** (digits - 1))


@pytest.mark.parametrize("exponent", [Fraction(1), Fraction(1, 3), Fraction(9, 2)])
def test_a_number_that_agrees_for_three_words_is_settled_by_the_fourth(exponent: Fraction) -> None:
    first, second, third, fourth = digits_of_exp(exponent, 4)
    assert is_below(first, exponent, Scripted(second, third, fourth - 1))
    assert not is_below(first, exponent, Scripted(second, third, fourth + 1))


def test_coins_within_the_rounding_of_floats_are_decided_by_rationals() -> None:
    exact = [Fraction(k, 97) for k in range(1, 200)]
    firsts = np.array([digits_of_exp(exponent, 1)[0] for exponent in exact], np.uint64)
    exponents = np.array([float(exponent) for exponent in exact])
    one = np.uint64(1)
    assert bernoulli_exp(firsts - one, exponents, exact.__getitem__, Scripted()).all()
    assert not bernoulli_exp(firsts + one, exponents, exact.__getitem__, Scripted()).any()
    assert (np.exp(-exponents) > (firsts + one) * 2.0**-64).sum() > 20  # floats alone would be wrong


def test_a_settled_number_takes_no_further_bits() -> None:
    (first,) = digits_of_exp(Fraction(1), 1)
    assert is_below(first - 1, Fraction(1), Scripted())
    assert not is_below(first + 1, Fraction(1), Scripted())


def test_a_coin_of_exponent_zero_always_shows_heads() -> None:
    assert is_below(WORD - 1, Fraction(0), Scripted())


def test_the_table_holds_the_leading_words_of_powers_of_e() -> None:
    assert _THRESHOLDS[::-1].tolist() == [digits_of_exp(Fraction(k), 1)[0] for k in range(1, STEPS + 1)]


def test_counts_step_exactly_where_powers_of_e_lie() -> None:
    words = [digits_of_exp(Fraction(k), 1)[0] for k in (1, 2, 3)]
    held = np.array([WORD - 1, words[0] + 1, words[0] - 1, words[1] + 1, words[1] - 1, words[2] - 1], np.uint64)
    assert geometric(held, Scripted()).tolist() == [0, 0, 1, 1, 2, 3]


def test_counting_starts_afresh_beyond_the_table() -> None:
    once = digits_of_exp(Fraction(1), 1)[0] - 1
    assert geometric(np.zeros(1, np.uint64), Scripted(0, once)).tolist() == [2 * STEPS + 1]


def test_no_words_give_no_counts() -> None:
    assert geometric(np.zeros(0, np.uint64), AesStream(bytes(32))).tolist() == []
