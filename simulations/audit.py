"""An audit of what is claimed: how well releases tell whether one protected unit is among the data, as a lower bound.

Releases about two neighbouring data sets are drawn many times. Half of the trials fit the best linear test, the other
half counts its errors. Whoever claims an epsilon below the bound that follows is wrong, unless bad luck beyond the
confidence has struck; a bound below the claim proves nothing, and is all that a correct mechanism ever gives.

References:
    Kairouz, Oh, Viswanath, "The Composition Theorem for Differential Privacy", ICML 2015 (errors of tests).
    Jagielski, Ullman, Oprea, "Auditing Differentially Private Machine Learning", NeurIPS 2020 (bounds on them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from common.noise.randomness import RandomBytes
from common.private.noising import noised
from common.private.question import Block, parted

Trials = npt.NDArray[np.int64]
"""Released words, one row a trial."""

Scores = npt.NDArray[np.float64]

HALVINGS = 60
RIDGE = 1e-9
"""Added to every correlation of a word with itself, so that words without any noise of their own can be weighed."""

CAUTION = 3.0
"""Deviations by which a threshold must convince, lest it be chosen for a stroke of luck."""

DOUBTS = 4
"""Error rates that are bounded together: two in each direction."""


def released(
    raw_words: npt.NDArray[np.int64],
    blocks: Sequence[Block],
    n_counted_on: int,
    n_trials: int,
    random_bytes: RandomBytes,
) -> Trials:
    """The same answer, released so many times with fresh noise, int64 ``(n_trials, n_words)``.

    Guarantees:
        * The noise of each trial is that of ``noised``: one call draws it for all of them.
    """
    tiled = [np.tile(words, n_trials) for words in parted(raw_words, tuple(block.n_words for block in blocks))]
    lengthened = [replace(block, n_words=n_trials * block.n_words) for block in blocks]
    words = noised(np.concatenate(tiled), lengthened, n_counted_on, random_bytes).words
    parts = parted(words, tuple(block.n_words for block in lengthened))
    return np.hstack([part.reshape(n_trials, -1) for part in parts])


def epsilon_lower_bound(
    absent: Trials, present: Trials, difference: npt.NDArray[np.int64], delta: float, confidence: float = 0.95
) -> float:
    """What epsilon the releases certainly exceed at this ``delta``.

    Guarantees:
        * Holds with probability ``confidence``, whatever the law of the trials: nothing is assumed of the noise.
        * The trials that choose the test are not those that count its errors.

    Args:
        absent: Releases about the data without the unit, independent trials ``(n_trials, n_words)``.
        present: Releases about the data with it.
        difference: What the unit changes the words by, before noise ``(n_words,)``: an attacker may know it.
        delta: Of the claim that is audited; at least 0, below 1.
        confidence: That the bound holds.

    Raises:
        ValueError: If there are fewer than two trials of a side, or their words differ in number.
    """
    shape = difference.shape
    if min(len(absent), len(present)) < 2 or not absent.shape[1:] == present.shape[1:] == shape:  # noqa: PLR2004
        msg = "an audit takes at least two trials of each side, all of the same words"
        raise ValueError(msg)
    test = _linear_test(absent[: len(absent) // 2], present[: len(present) // 2], difference)
    low, high = _scores(absent, test), _scores(present, test)
    doubt = (1.0 - confidence) / DOUBTS
    return max(0.0, _one_sided(low, high, delta, doubt), _one_sided(-high, -low, delta, doubt))


def at_least(times: int, trials: int, doubt: float) -> float:
    """The smallest probability at which ``times`` or more of ``trials`` is not rarer than ``doubt``.

    References:
        Clopper, Pearson, Biometrika 1934.
    """
    below, above = 0.0, times / trials
    for _ in range(HALVINGS if times else 0):
        middle = (below + above) / 2.0
        below, above = (middle, above) if _upper_tail(times, trials, middle) <= doubt else (below, middle)
    return below


def at_most(times: int, trials: int, doubt: float) -> float:
    """The largest probability at which ``times`` or fewer of ``trials`` is not rarer than ``doubt``."""
    return 1.0 - at_least(trials - times, trials, doubt)


def _scores(trials: Trials, test: Scores) -> Scores:
    """Scores of an even number of trials, ``(2, n_trials // 2)``: those that choose, and those that count."""
    return np.asarray((trials[: len(trials) // 2 * 2].astype(np.float64) @ test).reshape(2, -1))


def _linear_test(absent: Trials, present: Trials, difference: npt.NDArray[np.int64]) -> Scores:
    """Fisher's discriminant: for Gaussian noise, however correlated, the likelihood ratio and so the best test."""
    rests = np.vstack([absent - absent.mean(axis=0), present - present.mean(axis=0)])
    stds = rests.std(axis=0)
    stds[stds == 0.0] = 1.0
    rests /= stds
    correlation = rests.T @ rests / len(rests) + RIDGE * np.eye(len(stds))
    return np.asarray(np.linalg.solve(correlation, difference / stds) / stds, np.float64)


def _one_sided(low: Scores, high: Scores, delta: float, doubt: float) -> float:
    """The bound from taking scores beyond a threshold for ``high``."""
    threshold = _threshold(low[0], high[0], delta)
    alarms, hits = (int((side[1] >= threshold).sum()) for side in (low, high))
    hit = at_least(hits, high.shape[1], doubt) - delta
    return math.log(hit / at_most(alarms, low.shape[1], doubt)) if hit > 0.0 else 0.0


def _threshold(low: Scores, high: Scores, delta: float) -> float:
    """Where the bound promises to be best, were error rates some deviations worse than seen."""
    candidates = np.unique(np.quantile(np.concatenate([low, high]), np.linspace(0.001, 0.9999, 2000)))
    hits, alarms = (len(side) - np.searchsorted(np.sort(side), candidates) for side in (high, low))
    hit = (hits - CAUTION * np.sqrt(hits)) / len(high) - delta
    alarm = (alarms + CAUTION * np.sqrt(alarms) + CAUTION**2) / len(low)
    return float(candidates[np.argmax(np.maximum(hit, 0.0) / alarm)])


def _upper_tail(times: int, trials: int, probability: float) -> float:
    """Probability of ``times`` or more successes, where fewer are expected: terms only fall from there on."""
    last = min(trials, times + math.ceil(12.0 * math.sqrt(trials)) + 100)
    steps = np.arange(times, last, dtype=np.float64)
    odds = math.log(probability) - math.log1p(-probability)
    ratios = np.cumsum(np.log((trials - steps) / (steps + 1.0)) + odds)
    ways = math.lgamma(trials + 1) - math.lgamma(times + 1) - math.lgamma(trials - times + 1)
    first = ways + times * math.log(probability) + (trials - times) * math.log1p(-probability)
    return math.exp(first) * (1.0 + float(np.exp(ratios).sum()))
