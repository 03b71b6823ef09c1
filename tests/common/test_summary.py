import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.summary import COST_FIELDS, Shape, Summary

SHAPES = st.builds(Shape, st.integers(1, 4), st.integers(1, 5), st.booleans())


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    shape = Shape(3, 2, with_costs=True)
    words = draw(st.lists(st.integers(-(2**40), 2**40), min_size=shape.n_words, max_size=shape.n_words))
    return Summary.from_vector(np.array(words, np.int64), shape)


def same(one: Summary, other: Summary) -> bool:
    return one.shape == other.shape and np.array_equal(one.to_vector(), other.to_vector())


@given(summaries(), summaries(), summaries())
def test_summaries_add_up_in_any_order_and_grouping(a: Summary, b: Summary, c: Summary) -> None:
    assert same((a + b) + c, a + (b + c))
    assert same(a + b, b + a)


@given(summaries())
def test_zeros_change_nothing(a: Summary) -> None:
    assert same(a + Summary.zeros(a.shape), a)


@given(SHAPES, st.integers(0, 2**32 - 1))
def test_a_summary_survives_the_way_to_a_vector_and_back(shape: Shape, seed: int) -> None:
    vector = np.random.default_rng(seed).integers(-(2**62), 2**62, shape.n_words)
    found = Summary.from_vector(vector, shape)
    assert found.shape == shape
    assert np.array_equal(found.to_vector(), vector)


def test_shapes_that_differ_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Summary.zeros(Shape(2, 3, with_costs=False)) + Summary.zeros(Shape(2, 3, with_costs=True))


@pytest.mark.parametrize("change", ["counts", "sums", "squares", "costs"])
def test_arrays_that_do_not_belong_together_are_refused(change: str) -> None:
    good = {
        "counts": np.zeros(2, np.int64),
        "sums": np.zeros((2, 3), np.int64),
        "squares": np.zeros(2, np.int64),
        "costs": np.zeros((2, len(COST_FIELDS)), np.int64),
    }
    Summary(**good)
    with pytest.raises(ValueError, match="int64"):
        Summary(**(good | {change: good[change].astype(np.float64)}))
    with pytest.raises(ValueError, match="needs"):
        Summary(**(good | {change: good[change][:1]}))


def test_a_vector_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="words"):
        Summary.from_vector(np.zeros(5, np.int64), Shape(2, 3, with_costs=False))


@given(summaries())
def test_selected_clusters_keep_their_figures(a: Summary) -> None:
    chosen = a.select(np.array([2, 0]))
    assert chosen.counts.tolist() == [a.counts[2], a.counts[0]]
    assert np.array_equal(chosen.costs, a.costs[[2, 0]])
