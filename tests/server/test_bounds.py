"""A summary is possible exactly as far as rows inside the unit ball and costs below the cap allow."""

from __future__ import annotations

import numpy as np
import pytest

from common.costs import LOG_UNITS, costs_of, sum_costs
from common.grid import GRID_UNITS, MAX_ROWS
from common.kernel import SQUARE_UNITS
from common.summary import Shape, Summary
from server.bounds import is_possible
from tests.parties import CAP_YUAN, bureau_rows, store_of

SHAPE = Shape(2, 2, with_costs=True)
N = 3
LIMITS = np.array(
    [
        *(N, 0),
        *(N * GRID_UNITS, -N * GRID_UNITS, 0, 0),
        *(N * SQUARE_UNITS, 0),
        *(N, N * LOG_UNITS, N * LOG_UNITS**2, N * CAP_YUAN, N * CAP_YUAN**2),
        *(0, 0, 0, 0, 0),
    ],
    np.int64,
)
"""Two clusters, the first with three rows that reach every limit, the second empty."""


def possible(words: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    return is_possible(Summary.from_vector(words, SHAPE), CAP_YUAN)


def test_what_reaches_every_limit_is_possible() -> None:
    assert possible(LIMITS)
    assert possible(np.zeros_like(LIMITS))


@pytest.mark.parametrize("place", range(len(LIMITS)))
def test_one_more_than_a_limit_is_impossible(place: int) -> None:
    words = LIMITS.copy()
    words[place] += -1 if place == 3 else 1
    a_row_more_for_the_same_sums = place in {0, 1}
    assert possible(words) == a_row_more_for_the_same_sums
    words[place] = -(2**63)
    assert not possible(words)
    words[place] = 2**63 - 1
    assert not possible(words)


def test_counts_that_wrap_around_to_a_small_sum_are_impossible() -> None:
    words = np.zeros(Shape(4, 1, with_costs=False).n_words, np.int64)
    words[:4] = 2**62
    summary = Summary.from_vector(words, Shape(4, 1, with_costs=False))
    assert summary.n_rows == 0
    assert not is_possible(summary, CAP_YUAN)


@pytest.mark.parametrize(("count", "fine"), [(MAX_ROWS, True), (MAX_ROWS + 1, False)])
def test_more_rows_than_a_sum_can_hold_are_impossible(count: int, *, fine: bool) -> None:
    words = np.zeros(SHAPE.n_words, np.int64)
    words[0], words[6] = count, count * SQUARE_UNITS - 1 if fine else 0
    assert possible(words) == fine


@pytest.mark.parametrize("with_costs", [True, False])
def test_what_a_bureau_sums_up_is_possible(*, with_costs: bool) -> None:
    rows = bureau_rows(5)
    centroids = np.array([[0, 0, 0], [GRID_UNITS // 3, 0, 0]], np.int64)
    assert is_possible(store_of(rows).summarise(centroids, with_costs=with_costs), CAP_YUAN)


def test_the_dearest_and_the_cheapest_claims_are_possible() -> None:
    fen = np.array([1, 49, 50, CAP_YUAN * 100 - 1, CAP_YUAN * 100, 10**15], np.int64)
    sums = sum_costs(costs_of(fen, CAP_YUAN), np.zeros(len(fen), np.int32), 1)
    empty = np.zeros
    summary = Summary(counts=np.array([6]), sums=empty((1, 1), np.int64), squares=empty(1, np.int64), costs=sums)
    assert is_possible(summary, CAP_YUAN)
