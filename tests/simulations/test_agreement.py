"""Agreement with known groups, against scikit-learn as oracle and by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from simulations.agreement import adjusted_rand_index, contingency, normalised_mutual_information

Counts = npt.NDArray[np.int64]

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=2, max_size=60)


def table(labels: Counts, truth: Counts) -> Counts:
    return contingency(labels, truth, (5, 6))


@given(pairs)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_both_figures_are_scikit_learns(drawn: list[tuple[int, int]]) -> None:
    labels, truth = np.array(drawn).T
    found = table(labels, truth)
    assert adjusted_rand_index(found) == pytest.approx(adjusted_rand_score(truth, labels), abs=1e-9)
    expected = normalized_mutual_info_score(truth, labels)
    assert normalised_mutual_information(found) == pytest.approx(expected, abs=1e-9)


def test_claims_are_counted_by_cluster_and_group() -> None:
    found = contingency(np.array([0, 1, 1, 2]), np.array([1, 0, 0, 1]), (3, 2))
    assert found.tolist() == [[0, 1], [2, 0], [0, 1]]


def test_claims_without_a_known_group_are_left_out() -> None:
    assert contingency(np.array([0, 1, 1]), np.array([-1, 0, -1]), (2, 1)).tolist() == [[0], [1]]
    assert contingency(np.zeros(0, np.int32), np.zeros(0, np.int32), (2, 2)).tolist() == [[0, 0], [0, 0]]


def test_equal_groupings_agree_wholly_whatever_their_names() -> None:
    found = np.array([[0, 7, 0], [0, 0, 9], [4, 0, 0]])
    assert adjusted_rand_index(found) == 1.0
    assert normalised_mutual_information(found) == pytest.approx(1.0)


def test_independent_groupings_do_not_agree() -> None:
    found = np.full((2, 2), 2500)
    assert abs(adjusted_rand_index(found)) < 1e-3
    assert abs(normalised_mutual_information(found)) < 1e-12


def test_the_index_is_the_one_worked_out_by_hand() -> None:
    # pairs together in both: 1 + 1 = 2; in rows: 3 + 1 = 4; in columns: 3 + 1 = 4; of all: 10; expected 1.6
    assert adjusted_rand_index(np.array([[2, 1], [1, 1]])) == pytest.approx((1 - 1.6) / (4 - 1.6))


@pytest.mark.parametrize("found", [np.zeros((2, 2), np.int64), np.array([[1]]), np.array([[5]])])
def test_nothing_to_tell_apart_is_agreement(found: Counts) -> None:
    assert adjusted_rand_index(found) == 1.0
    assert normalised_mutual_information(found) == 1.0
