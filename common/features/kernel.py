"""The compiled pass that turns columns into rows: one loop over claims, everything of a claim in cache.

Only additions, multiplications, divisions and square roots are used, which IEEE 754 fixes to the bit, and a
logarithm made of them: the same claim gives the same row on every machine, alone or among millions.
"""

from __future__ import annotations

import math

import numba

from common.grid import GRID_UNITS

ALWAYS, IF_OPERATED, IF_NOT_OPERATED = 0, 1, 2
"""When a channel counts: for every claim, or by whether the claim has an operation."""

_LN2 = 0.6931471805599453
_ROOT_HALF = 0.7071067811865476


@numba.njit(cache=True, nogil=True)
def natural_log(value: float) -> float:
    """Natural logarithm of a positive number, to 1e-11, from basic arithmetic only."""
    mantissa, exponent = math.frexp(value)
    if mantissa < _ROOT_HALF:
        mantissa *= 2.0
        exponent -= 1
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = 1.0 / 15.0
    for odd in (13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        series = series * square + 1.0 / odd
    return exponent * _LN2 + 2.0 * ratio * series


@numba.njit(cache=True, nogil=True)
def add_codes(row, ids, starts, columns, values, weight, others_share):
    """Add one channel: the main code's vector, mixed with the mean of the others' by ``others_share``."""
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
def add_fees(row, fees, offset, weight):
    """Add the roots of the fee shares; negative categories count as nothing."""
    total = 0
    for place in range(len(fees)):
        total += max(fees[place], 0)
    if total > 0:
        for place in range(len(fees)):
            row[offset + place] += weight * math.sqrt(max(fees[place], 0) / total)


@numba.njit(cache=True, nogil=True)
def add_number(row, value, offset, weight, lower, upper):
    """Add a number between its bounds on a logarithmic scale from -1 to 1; missing (negative) adds nothing."""
    if value >= 0:
        low = natural_log(1.0 + lower)
        part = (natural_log(1.0 + value) - low) / (natural_log(1.0 + upper) - low)
        row[offset] += weight * (2.0 * min(max(part, 0.0), 1.0) - 1.0)


@numba.njit(cache=True, nogil=True)
def settle(row, out):
    """Write a row to the grid, every coordinate towards zero, so that no row grows longer."""
    for place in range(len(row)):
        out[place] = math.trunc(row[place] * GRID_UNITS) / GRID_UNITS


@numba.njit(cache=True, nogil=True)
def add_codes_to_all(rows, ids, operated, condition, vectors, weight, others_share):
    """``add_codes`` for every claim that meets the channel's condition."""
    starts, columns, values = vectors
    for claim in range(len(rows)):
        if condition == ALWAYS or (condition == IF_OPERATED) == operated[claim]:
            add_codes(rows[claim], ids[claim], starts, columns, values, weight, others_share)


@numba.njit(cache=True, nogil=True)
def add_fees_to_all(rows, fees, offset, weight):
    """``add_fees`` for every claim."""
    for claim in range(len(rows)):
        add_fees(rows[claim], fees[claim], offset, weight)


@numba.njit(cache=True, nogil=True)
def add_number_to_all(rows, numbers, offset, weight, lower, upper):
    """``add_number`` for every claim."""
    for claim in range(len(rows)):
        add_number(rows[claim], numbers[claim], offset, weight, lower, upper)


@numba.njit(cache=True, nogil=True)
def settle_all(rows, out):
    """``settle`` for every claim."""
    for claim in range(len(rows)):
        settle(rows[claim], out[claim])
