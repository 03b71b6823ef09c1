"""Planted faults: what a plausible mistake in bounding or in noise would look like. Every check must catch its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from common.costs import LOG_UNITS, Costs
from common.grid import GRID_UNITS, from_grid
from common.kernel import RowNorms, Rows, e_step
from common.noise.randomness import SEED_BYTES, AesStream, RandomBytes
from common.plan import Phase
from common.private.answering import raw_answer
from common.private.question import Block, Question
from common.weighting import Weights
from simulations.audit import Trials, released

Words = npt.NDArray[np.int64]


class Answering(Protocol):
    """``raw_answer``, or something in its place."""

    def __call__(
        self, question: Question, rows: Rows, norms: RowNorms, costs: Costs, weights: Weights, *, cap_yuan: int
    ) -> Words: ...


def _geometry(
    question: Question, rows: Rows, norms: RowNorms
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Labels, offsets from the centroid in units of the radius, and their lengths."""
    labels = e_step(rows, norms, question.centroids).labels
    offsets = (rows - from_grid(question.centroids)[labels]) / from_grid(question.radii)[labels, None]
    return labels, offsets, np.linalg.norm(offsets, axis=1)


def _summed(labels: npt.NDArray[np.int32], parts: Words, n_cells: int) -> Words:
    sums = np.zeros((n_cells, parts.shape[1]), np.int64)
    np.add.at(sums, labels, parts)
    return sums


def _with_sums(question: Question, words: Words, sums: Words) -> Words:
    k = len(question.centroids)
    return np.concatenate([words[:k], sums.ravel(), words[-k:]])


def unshortened(
    question: Question, rows: Rows, norms: RowNorms, costs: Costs, weights: Weights, *, cap_yuan: int
) -> Words:
    """Offsets beyond the radius keep their length."""
    words = raw_answer(question, rows, norms, costs, weights, cap_yuan=cap_yuan)
    if question.phase not in {Phase.SEEDING, Phase.LLOYD}:
        return words
    labels, offsets, _ = _geometry(question, rows, norms)
    parts = np.trunc(offsets * weights[:, None]).astype(np.int64)
    return _with_sums(question, words, _summed(labels, parts, len(question.centroids)))


def rounded_to_nearest(
    question: Question, rows: Rows, norms: RowNorms, costs: Costs, weights: Weights, *, cap_yuan: int
) -> Words:
    """Offsets are shortened, then rounded to the nearest grid unit: away from zero half of the time."""
    words = raw_answer(question, rows, norms, costs, weights, cap_yuan=cap_yuan)
    if question.phase not in {Phase.SEEDING, Phase.LLOYD}:
        return words
    labels, offsets, lengths = _geometry(question, rows, norms)
    parts = np.rint(offsets / np.maximum(lengths, 1.0)[:, None] * weights[:, None]).astype(np.int64)
    return _with_sums(question, words, _summed(labels, parts, len(question.centroids)))


def uncapped_squares(
    question: Question, rows: Rows, norms: RowNorms, costs: Costs, weights: Weights, *, cap_yuan: int
) -> Words:
    """Squared distances beyond the radius count in full."""
    words = raw_answer(question, rows, norms, costs, weights, cap_yuan=cap_yuan).copy()
    if question.phase is Phase.RADIUS:
        return words
    k = len(question.centroids)
    labels, _, lengths = _geometry(question, rows, norms)
    squares = _summed(labels, (lengths**2 * weights).astype(np.int64)[:, None], k)[:, 0]
    words[slice(k, 2 * k) if question.phase is Phase.MEASURE else slice(-k, None)] = squares
    return words


def costs_beyond_the_window(
    question: Question, rows: Rows, norms: RowNorms, costs: Costs, weights: Weights, *, cap_yuan: int
) -> Words:
    """Costs below the window are taken as they are."""
    words = raw_answer(question, rows, norms, costs, weights, cap_yuan=cap_yuan).copy()
    if question.phase is Phase.MEASURE:
        labels = e_step(rows, norms, question.centroids).labels
        place = np.where(costs.yuan > 0, 1.0 - 2.0 * (LOG_UNITS - costs.log) / (LOG_UNITS / 2), 0.0)
        k = len(question.centroids)
        words[2 * k :].reshape(k, 3)[:, 1] = _summed(labels, (place * weights).astype(np.int64)[:, None], k)[:, 0]
    return words


def counted_in_two_bins(
    question: Question, rows: Rows, norms: RowNorms, costs: Costs, weights: Weights, *, cap_yuan: int
) -> Words:
    """A claim counts in its bin and in the next."""
    words = raw_answer(question, rows, norms, costs, weights, cap_yuan=cap_yuan)
    return words + np.roll(words, 1) if question.phase is Phase.RADIUS else words


def shared_by_the_crowd(ids: npt.NDArray[np.uint64]) -> Weights:
    """A weight that depends on how many persons there are."""
    return np.full(len(ids), GRID_UNITS // len(np.unique(ids)), np.int64)


Answer = tuple[Words, Sequence[Block]]
"""The words of one answer before noise, and what they are made of."""


def at_a_bureau(answers: Sequence[Answer], n_counted_on: int, n_trials: int, seeds: RandomBytes) -> Trials:
    """No fault: each answer with its noise, side by side."""
    return np.hstack(
        [released(words, parts, n_counted_on, n_trials, AesStream(seeds(SEED_BYTES))) for words, parts in answers]
    )


def in_a_secure_sum(
    answers: Sequence[Answer], n_counted_on: int, n_noising: int, n_trials: int, seeds: RandomBytes
) -> Trials:
    """No fault if ``n_counted_on`` bureaus or more add noise: the sum of all bureaus, of which one has claims."""
    nothing = [(np.zeros_like(words), parts) for words, parts in answers]
    rest = (at_a_bureau(nothing, n_counted_on, n_trials, seeds) for _ in range(n_noising - 1))
    return sum(rest, start=at_a_bureau(answers, n_counted_on, n_trials, seeds))


def a_bureau_forgets(answers: Sequence[Answer], n_trials: int, seeds: RandomBytes) -> Trials:
    """Two bureaus are counted on, and one adds noise."""
    return in_a_secure_sum(answers, 2, 1, n_trials, seeds)


def no_noise(answers: Sequence[Answer], n_trials: int, _: RandomBytes) -> Trials:
    """The words as they are."""
    return np.tile(np.concatenate([words for words, _ in answers]), (n_trials, 1))


def a_block_is_bare(answers: Sequence[Answer], n_trials: int, seeds: RandomBytes) -> Trials:
    """The last block of every round goes without noise."""
    noisy = [at_a_bureau([answer], 1, n_trials, seeds) for answer in answers]
    for trials, (words, parts) in zip(noisy, answers, strict=True):
        trials[:, -parts[-1].n_words :] = words[-parts[-1].n_words :]
    return np.hstack(noisy)


def a_quarter_of_the_variance(answers: Sequence[Answer], n_trials: int, seeds: RandomBytes) -> Trials:
    """Half the deviation that was paid for."""
    cheap = [(words, [replace(part, cost=4 * part.cost) for part in parts]) for words, parts in answers]
    return at_a_bureau(cheap, 1, n_trials, seeds)


def one_seed_for_all(answers: Sequence[Answer], n_trials: int, seeds: RandomBytes) -> Trials:
    """The seed follows from the session's name, say: answers of one price have one noise, their difference has none."""
    seed = seeds(SEED_BYTES)
    return at_a_bureau(answers, 1, n_trials, lambda _: seed)


def noise_kept_from_the_first_round(answers: Sequence[Answer], n_trials: int, seeds: RandomBytes) -> Trials:
    """The noise of the first round is added again in every later one, fitted to its price."""
    first, parts = answers[0]
    noise = at_a_bureau(answers[:1], 1, n_trials, seeds) - first
    prices = [np.sqrt(float(parts[0].variance / held[0].variance)) for _, held in answers]
    later = (words + np.rint(noise / price).astype(np.int64) for (words, _), price in zip(answers, prices, strict=True))
    return np.hstack(list(later))
