"""The noise: an exact discrete Gaussian, drawn for whole vectors, from bytes that are given.

The law is that of the cited sampler with no error of its own: rational numbers decide, and floats only stand in for
them where they provably agree.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from common.noise.bernoulli import bernoulli_exp, geometric
from common.noise.local_noise import refuse_small_noise
from common.noise.randomness import RandomBytes, random_words

LARGEST_STD = 1 << 40
"""In grid units. Up to here magnitudes are exact in float64 and sums of all bureaus fit into int64."""

WORDS_PER_PROPOSAL = 5
MOST_PROPOSALS = 1 << 14
"""Proposals drawn together: their arrays stay in a processor's cache."""

PROPOSALS_PER_DRAW = 2.2
"""Proposals asked for per draw wanted; on average 2.08 are needed."""


def discrete_gaussian(variance: Fraction | int, size: int, random_bytes: RandomBytes) -> npt.NDArray[np.int64]:
    """Independent draws ``x`` with probability proportional to ``exp(-x**2 / (2 * variance))`` over all integers.

    Guarantees:
        * The law is exact for uniform bytes: no approximation, no cut tail.
        * The same bytes give the same draws on every machine.
        * Every proposal takes the same number of words, whatever its value; how many proposals are refused says
          nothing about those that are not.

    Args:
        variance: ``sigma**2``, rational, squared grid units, from 16 to ``2**80``.
        size: How many.
        random_bytes: A cryptographic source; bytes it gives are used for nothing else.

    Returns:
        int64 ``(size,)``.

    Raises:
        LocalNoiseTooSmallError: If the deviation is below four grid units.
        ValueError: If the size is negative, or the deviation beyond ``2**40``.

    References:
        Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020, Algorithm 3.
    """
    exact = Fraction(variance)
    refuse_small_noise(exact)
    if exact > LARGEST_STD**2 or size < 0:
        msg = f"{size} draws with a standard deviation of {math.sqrt(exact):.3g} cannot be made: 0 and 2**40 are limits"
        raise ValueError(msg)
    return _draw(exact, size, random_bytes)


def _draw(variance: Fraction, size: int, random_bytes: RandomBytes) -> npt.NDArray[np.int64]:
    """Draws of any variance above zero; the public function refuses small ones."""
    drawn = np.empty(size, np.int64)
    done = 0
    while done < size:
        proposals = min(int((size - done) * PROPOSALS_PER_DRAW) + 32, MOST_PROPOSALS)
        accepted = _accepted(variance, proposals, random_bytes)[: size - done]
        drawn[done : done + len(accepted)] = accepted
        done += len(accepted)
    return drawn


def _accepted(variance: Fraction, proposals: int, random_bytes: RandomBytes) -> npt.NDArray[np.int64]:
    """Those of so many discrete Laplace proposals that become discrete Gaussian draws."""
    words = random_words(random_bytes, WORDS_PER_PROPOSAL * proposals).reshape(WORDS_PER_PROPOSAL, proposals)
    scale = math.isqrt(math.floor(variance)) + 1
    kept, rests = _laplace_rests(words[0], words[1], scale, random_bytes)
    magnitudes = rests + scale * geometric(words[2, kept], random_bytes)
    negative = (words[3, kept] & np.uint64(1)).astype(np.bool_)
    centre = variance / scale
    exponents = np.asarray((magnitudes - float(centre)) ** 2 / float(2 * variance), np.float64)
    accepted = bernoulli_exp(
        words[4, kept], exponents, lambda i: (int(magnitudes[i]) - centre) ** 2 / (2 * variance), random_bytes
    )
    accepted &= ~(negative & (magnitudes == 0))  # otherwise zero would come up twice as often as it should
    return np.where(negative, -magnitudes, magnitudes)[accepted]


def _laplace_rests(
    uniform: npt.NDArray[np.uint64], coins: npt.NDArray[np.uint64], scale: int, random_bytes: RandomBytes
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Discrete Laplace magnitudes modulo ``scale``: which proposals yield one, and what it is."""
    rests = (uniform % np.uint64(scale)).astype(np.int64)
    unbiased = uniform <= np.uint64((1 << 64) - (1 << 64) % scale - 1)
    heads = bernoulli_exp(coins, rests / scale, lambda i: Fraction(int(rests[i]), scale), random_bytes)
    kept = np.flatnonzero(heads & unbiased)
    return kept, rests[kept]
