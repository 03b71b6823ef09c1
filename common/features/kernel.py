"""The compiled pass that turns columns into rows: one loop over claims, everything of a claim in cache.

Only additions, multiplications, divisions and square roots are used, which IEEE 754 fixes to the bit, and a
logarithm made of them: the same claim gives the same row on every machine, alone or among millions.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from common.grid import GRID_UNITS

GRID_STEP = 1.0 / GRID_UNITS
"""A power of two: multiplying by it is as exact as dividing by ``GRID_UNITS``."""

ALWAYS, IF_OPERATED, IF_NOT_OPERATED = 0, 1, 2
"""When a channel counts: for every claim, or by whether the claim has an operation."""

_LN2 = 0.6931471805599453
_ROOT_HALF = 0.7071067811865476
_ODD_RECIPROCALS = tuple(1.0 / odd for odd in (13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def natural_log(value: float) -> float:
    """Natural logarithm of a positive number, to 1e-11, from basic arithmetic only."""
    mantissa, exponent = math.frexp(value)
    if mantissa < _ROOT_HALF:
        mantissa *= 2.0
        exponent -= 1
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = 1.0 / 15.0
    for reciprocal in _ODD_RECIPROCALS:
        series = series * square + reciprocal
    return exponent * _LN2 + 2.0 * ratio * series


@numba.njit(cache=True, nogil=True)
def settle(value):
    """A coordinate on the grid, rounded towards zero, so that no row grows longer."""
    return np.float32(math.trunc(value * GRID_UNITS) * GRID_STEP)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_codes(row, ids, vectors, weight, others_share):
    """Add to a raw row: the main code's vector, mixed with the mean of the others' by ``others_share``."""
    starts, columns, values = vectors
    n_others = 0
    for place in range(1, len(ids)):
        n_others += ids[place] >= 0
    if ids[0] >= 0:
        main_weight = weight * (1.0 - others_share) if n_others else weight
        for entry in range(starts[ids[0]], starts[ids[0] + 1]):
            row[columns[entry]] += main_weight * values[entry]
    for place in range(1, len(ids)):
        if ids[place] >= 0:
            for entry in range(starts[ids[place]], starts[ids[place] + 1]):
                row[columns[entry]] += weight * others_share / n_others * values[entry]


@numba.njit(cache=True, nogil=True)
def settle_codes(row, ids, vectors, out):
    """Write the coordinates that ``add_codes`` has touched to the grid, and clear them for the next claim."""
    starts, columns, _ = vectors
    for place in range(len(ids)):
        if ids[place] >= 0:
            for entry in range(starts[ids[place]], starts[ids[place] + 1]):
                column = columns[entry]
                if row[column] != 0.0:
                    out[column] = settle(row[column])
                    row[column] = 0.0


@numba.njit(cache=True, nogil=True)
def write_codes(rows, ids, operated, condition, vectors, weight, others_share):
    """The vectors of codes of every claim that meets the channel's condition."""
    raw_row = np.zeros(rows.shape[1])
    for claim in range(len(rows)):
        if condition == ALWAYS or (condition == IF_OPERATED) == operated[claim]:
            add_codes(raw_row, ids[claim], vectors, weight, others_share)
            settle_codes(raw_row, ids[claim], vectors, rows[claim])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def write_fees(rows, fees, offset, weight):
    """The roots of the fee shares; negative categories count as nothing."""
    for claim in range(len(rows)):
        total = 0
        for place in range(fees.shape[1]):
            total += max(fees[claim, place], 0)
        if total > 0:
            for place in range(fees.shape[1]):
                rows[claim, offset + place] = settle(weight * math.sqrt(max(fees[claim, place], 0) / total))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def write_numbers(rows, numbers, offset, weight, lower, upper):
    """A number between its bounds on a logarithmic scale from -1 to 1; missing (negative) writes nothing."""
    low = natural_log(1.0 + lower)
    width = natural_log(1.0 + upper) - low
    for claim in range(len(rows)):
        if numbers[claim] >= 0:
            part = (natural_log(1.0 + numbers[claim]) - low) / width
            rows[claim, offset] = settle(weight * (2.0 * min(max(part, 0.0), 1.0) - 1.0))


@numba.njit(cache=True, nogil=True)
def translate(indices, table, ids, place):
    """Write one column of ``ids``: the table's entry for each index; its last entry stands for missing (-1)."""
    for claim in range(len(indices)):
        index = indices[claim]
        ids[claim, place] = table[index if index >= 0 else len(table) - 1]
