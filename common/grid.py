"""The fixed-point grid: every coordinate that is summed is an integer number of grid units.

Integers add up to the same total in any order and any grouping, which is what makes the federated result
independent of how claims are split among bureaus. The unit is ``2**-20``: a coordinate of the unit ball needs
21 bits, so it is exact in float32, its square is exact in float64, and sums of ``2**33`` rows fit in int64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GRID_BITS = 20
GRID_UNITS = 1 << GRID_BITS
"""Grid units in 1.0."""

MAX_ROWS = 1 << 33
"""The most rows that may enter one sum; beyond it a squared distance of 4.0 each could overflow int64."""


def to_grid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Nearest grid point, ties to even, in grid units.

    Raises:
        ValueError: If a value is not finite or beyond ``2**31`` in magnitude.
    """
    if not np.all(np.abs(values) < float(1 << 31)):
        msg = "values on the grid must be finite and below 2**31"
        raise ValueError(msg)
    return np.rint(values * GRID_UNITS).astype(np.int64)


def from_grid(units: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Grid units as float64 numbers; exact below ``2**53`` units."""
    return units.astype(np.float64) / GRID_UNITS


def rounded_quotient(numerator: npt.NDArray[np.int64], denominator: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """``numerator / denominator`` rounded to the nearest integer, halves upwards, without leaving the integers.

    Args:
        numerator: int64, any sign, below ``2**62`` in magnitude.
        denominator: int64, positive, broadcastable against ``numerator``.
    """
    whole, rest = np.divmod(numerator, denominator)
    return whole + (2 * rest >= denominator)
