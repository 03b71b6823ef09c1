"""Exact coins of probability ``exp(-g)`` and counts of their heads, many at a time, without floating-point bias.

A coin shows heads when a uniform number in ``[0, 1)`` lies below ``exp(-g)``. The number is known to 64 bits at first.
Almost always these settle the question; where they do not, more bits are drawn until they do (lazy refinement).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from common.noise.randomness import RandomBytes, Words, random_words

WORD_BITS = 64

UNDECIDED = 2.0**-44
"""Floats decide a coin only if its uniform number and ``exp(-g)`` are further apart than this.

Where ``exponents`` are off by at most ``2**-49 / exp(-g)``, ``exp(-g)`` is off by ``2**-49`` and another ``2**-51``
for four units in the last place of ``numpy.exp``; the uniform number by ``2**-54``. That leaves a factor above 20.
"""

STEPS = 32
"""Heads counted from one word; beyond ``exp(-32)`` counting starts afresh, which a geometric law allows."""


def bernoulli_exp(
    words: Words, exponents: npt.NDArray[np.float64], exact: Callable[[int], Fraction], random_bytes: RandomBytes
) -> npt.NDArray[np.bool_]:
    """One coin per word, heads with probability ``exp(-exact(i))``.

    Guarantees:
        * The probability is exact for uniform words, whatever the rounding of ``exponents``.

    Args:
        words: Uniform, ``(n,)``, each used for this coin alone.
        exponents: Approximations of ``exact(i)``, not negative, good to ``2**-49 / exp(-exact(i))``.
        exact: The exponent of coin ``i``; called only where floats leave the coin open.
        random_bytes: For the further bits of such a coin.
    """
    distances = np.asarray(np.exp(-exponents) - words * 2.0**-WORD_BITS, np.float64)
    heads = np.asarray(distances > 0.0, np.bool_)
    for i in np.flatnonzero(np.abs(distances) <= UNDECIDED):
        heads[i] = is_below(int(words[i]), exact(int(i)), random_bytes)
    return heads


def geometric(words: Words, random_bytes: RandomBytes) -> npt.NDArray[np.int64]:
    """Heads before the first tails of a coin of probability ``1/e``, one count per word.

    Guarantees:
        * The law is exact for uniform words: ``count >= k`` with probability ``exp(-k)``.
        * No float takes part: words are compared with the integers ``floor(exp(-k) * 2**64)``.
    """
    counts = np.asarray(STEPS - np.searchsorted(_THRESHOLDS, words, side="right"), np.int64)
    for i in np.flatnonzero(np.isin(words, _THRESHOLDS)):
        counts[i] += is_below(int(words[i]), Fraction(int(counts[i]) + 1), random_bytes)
    beyond = np.flatnonzero(counts == STEPS)
    if beyond.size:
        counts[beyond] += geometric(random_words(random_bytes, beyond.size), random_bytes)
    return counts


def is_below(word: int, exponent: Fraction, random_bytes: RandomBytes) -> bool:
    """Whether a uniform number whose first 64 bits are ``word`` lies below ``exp(-exponent)``.

    Guarantees:
        * Exact: bits are drawn until rational bounds on both numbers settle it, however many that takes.
    """
    if exponent == 0:
        return True
    bits, drawn = WORD_BITS, word
    while True:
        least, most = exp_bounds(exponent, digits=bits // 3 + 5)
        if Fraction(drawn + 1, 1 << bits) <= least:
            return True
        if Fraction(drawn, 1 << bits) >= most:
            return False
        bits, drawn = bits + WORD_BITS, drawn << WORD_BITS | int(random_words(random_bytes, 1)[0])


def exp_bounds(exponent: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    """Rational numbers below and above ``exp(-exponent)``, about ``digits`` decimal digits close to it.

    ``decimal`` rounds ``exp`` correctly; a unit in the last place is added to each side all the same.
    """
    floor = Context(prec=digits, rounding=ROUND_FLOOR, Emin=MIN_EMIN, Emax=MAX_EMAX)
    ceiling = Context(prec=digits, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX)
    numerator, denominator = Decimal(-exponent.numerator), Decimal(exponent.denominator)
    least = floor.next_minus(floor.exp(floor.divide(numerator, denominator)))
    most = ceiling.next_plus(ceiling.exp(ceiling.divide(numerator, denominator)))
    return Fraction(least), Fraction(most)


def _threshold(steps: int) -> int:
    """``floor(exp(-steps) * 2**64)``; 60 digits are enough for every step that is tabulated."""
    return int(exp_bounds(Fraction(steps), digits=60)[0] * (1 << WORD_BITS))


_THRESHOLDS = np.array([_threshold(steps) for steps in range(STEPS, 0, -1)], np.uint64)
