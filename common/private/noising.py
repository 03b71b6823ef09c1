"""Noise on an answer: from raw words to a noisy summary, which is what may leave a bureau."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.errors import PlanError
from common.noise.discrete_gaussian import LARGEST_STD, discrete_gaussian
from common.noise.local_noise import local_variance
from common.noise.randomness import RandomBytes
from common.private.question import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisySummary:
    """A bureau's answer with its noise: the first thing of it that may be put in a message.

    Attributes:
        words: int64, block after block, grid units.
    """

    words: npt.NDArray[np.int64]


def refuse_impossible_noise(blocks: Sequence[Block], n_counted_on: int) -> None:
    """Nothing, if a bureau's part of the noise can be drawn for every block; asked before anything is paid.

    Raises:
        LocalNoiseTooSmallError: If it would be below four grid units somewhere.
        PlanError: If it would be beyond ``2**40`` grid units.
    """
    for block in blocks:
        if local_variance(block.variance, n_counted_on) > LARGEST_STD**2:
            msg = f"the noise on {block.name} would drown everything: more epsilon, or fewer claims a person"
            raise PlanError(msg)


def noised(
    raw_words: npt.NDArray[np.int64], blocks: Sequence[Block], n_counted_on: int, random_bytes: RandomBytes
) -> NoisySummary:
    """Add this bureau's part of the noise, block by block.

    Guarantees:
        * Every word gets an independent draw of the exact discrete Gaussian with a ``n_counted_on``-th part of its
          block's variance, so any ``n_counted_on`` bureaus together add what the block's cost calls for.
        * Whatever the words are, the same number of draws is made: the noise does not depend on them.

    Args:
        raw_words: int64, as long as all blocks together.
        blocks: What the words are.
        n_counted_on: Bureaus whose noise is counted on; 1 if everybody trusts nobody.
        random_bytes: A cryptographic source, used for this answer alone.

    Raises:
        LocalNoiseTooSmallError: If the deviation of a bureau's own noise would be below four grid units.
        ValueError: If the words are not as long as the blocks.
    """
    if raw_words.shape != (sum(block.n_words for block in blocks),) or raw_words.dtype != np.int64:
        msg = "the words do not fit the blocks"
        raise ValueError(msg)
    variances = [local_variance(block.variance, n_counted_on) for block in blocks]
    noise = [
        discrete_gaussian(variance, block.n_words, random_bytes)
        for variance, block in zip(variances, blocks, strict=True)
    ]
    return NoisySummary(words=raw_words + np.concatenate(noise))
