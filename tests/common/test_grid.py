from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.grid import GRID_UNITS, from_grid, rounded_quotient, to_grid


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=20))
def test_grid_values_survive_the_way_to_floats_and_back(units: list[int]) -> None:
    held = np.array(units, np.int64) % (1 << 30)
    assert np.array_equal(to_grid(from_grid(held)), held)


@given(st.integers(-(2**60), 2**60), st.integers(1, 2**33))
def test_a_rounded_quotient_is_the_nearest_integer(numerator: int, denominator: int) -> None:
    found = int(rounded_quotient(np.array([numerator]), np.array([denominator]))[0])
    assert abs(Fraction(numerator, denominator) - found) <= Fraction(1, 2)


def test_halves_are_rounded_upwards_on_both_sides_of_zero() -> None:
    assert rounded_quotient(np.array([1, 3, -1, -3]), np.array([2, 2, 2, 2])).tolist() == [1, 2, 0, -1]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0**31])
def test_values_without_a_grid_point_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        to_grid(np.array([value]))


def test_a_grid_unit_is_a_millionth() -> None:
    assert to_grid(np.array([1.0])).tolist() == [GRID_UNITS] == [1_048_576]
