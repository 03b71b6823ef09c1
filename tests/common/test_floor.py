import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.floor import is_small, shown


@given(st.lists(st.floats(-50, 500), min_size=1, max_size=30), st.integers(1, 60), st.floats(0, 60))
def test_nothing_below_the_floor_and_two_deviations_is_shown_nor_follows_from_the_rest(
    counts: list[float], floor: int, noise_std: float
) -> None:
    held = np.array(counts)
    visible = shown(held, floor, noise_std)
    assert np.all(held[visible] >= floor + 2 * noise_std)
    assert (~visible).sum() != 1 or len(held) == 1


def test_one_hidden_cell_takes_the_smallest_of_the_others_with_it() -> None:
    assert shown(np.array([40.0, 3.0, 90.0, 12.0]), 11).tolist() == [True, False, True, False]
    assert shown(np.array([40.0, 3.0, 90.0, 2.0]), 11).tolist() == [True, False, True, False]
    assert shown(np.array([40.0, 30.0]), 11).tolist() == [True, True]


@pytest.mark.parametrize(
    ("count", "std", "small"), [(0, 0, False), (1, 0, True), (10, 0, True), (11, 0, False), (30, 10, True)]
)
def test_a_small_cell_is_one_that_holds_anybody(count: int, std: float, small: bool) -> None:  # noqa: FBT001
    assert is_small(count, 11, std) is small
