"""Numbers, rows and texts as JSON spells them, compiled: a line of cells a record, all records in one go.

Guarantees:
    * Byte for byte what ``json.dumps`` writes for the same values. A test holds both against each other.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numba
import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS

Octets: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.float32]


class Kind(IntEnum):
    """How a cell is spelled."""

    TEXT = 0
    """A text of the batch, by its number."""
    KNOWN = 1
    """A text that many batches share, by its number."""
    NUMBER = 2
    """A whole number."""
    OPTIONAL = 3
    """A whole number that is not negative, or ``null``."""
    MILLIONTHS = 4
    """A share of 1."""
    ROW = 5
    """The claim's row; the cell does not count."""
    IDENTITY = 6
    """Nothing; the record's identity goes here later."""


NUMBER_BYTES = 20
"""The longest whole number."""

ENTRY_BYTES, ENTRY_TEXT = 6, 8
"""Of a coordinate that is not zero: two bytes for its place, four for its grid units; and their base64."""

_TEXT, _KNOWN, _NUMBER, _OPTIONAL = int(Kind.TEXT), int(Kind.KNOWN), int(Kind.NUMBER), int(Kind.OPTIONAL)
_MILLIONTHS, _ROW, _IDENTITY = int(Kind.MILLIONTHS), int(Kind.ROW), int(Kind.IDENTITY)
_MILLION = 1_000_000
_LEAST_PLAIN = 100
"""Millionths below this are spelled with an exponent."""

_ZERO, _POINT, _MINUS, _E = ord("0"), ord("."), ord("-"), ord("e")
_NULL = np.frombuffer(b"null", np.uint8)
_LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)
_UNITS = np.float32(GRID_UNITS)


@numba.njit(cache=True, nogil=True)
def _copy(out: Octets, at: int, held: Octets, start: int, end: int) -> int:
    to, given = out[at:], held[start:end]
    for place in range(len(given)):
        to[place] = given[place]
    return at + len(given)


@numba.njit(cache=True, nogil=True)
def _number(out: Octets, at: int, number: int) -> int:
    rest = np.uint64(number)
    if number < 0:
        out[at] = _MINUS
        at += 1
        rest = np.uint64(-(number + 1)) + np.uint64(1)  # the smallest one has no positive twin
    digits, beyond = 1, rest // np.uint64(10)
    while beyond:
        digits += 1
        beyond //= np.uint64(10)
    for place in range(digits - 1, -1, -1):
        after = rest // np.uint64(10)
        out[at + place] = _ZERO + np.uint8(rest - after * np.uint64(10))
        rest = after
    return at + digits


@numba.njit(cache=True, nogil=True)
def _millionths(out: Octets, at: int, number: int) -> int:
    """The shortest decimal that is read as the same float, as ``repr`` gives it."""
    if 0 < number < _LEAST_PLAIN:
        tens, ones = number // 10, number % 10
        out[at] = _ZERO + (tens or ones)
        at += 1
        if tens and ones:
            out[at], out[at + 1] = _POINT, _ZERO + ones
            at += 2
        out[at], out[at + 1], out[at + 2] = _E, _MINUS, _ZERO
        out[at + 3] = _ZERO + (5 if tens else 6)
        return at + 4
    at = _number(out, at, number // _MILLION)
    out[at] = _POINT
    at += 1
    rest, size = number % _MILLION, _MILLION // 10
    while True:
        out[at] = _ZERO + rest // size
        at += 1
        rest, size = rest % size, size // 10
        if rest == 0:
            return at


@numba.njit(cache=True, nogil=True)
def _row(out: Octets, at: int, row: Rows, entries: Octets) -> int:
    """Base64 of the places that are not zero, then of what stands there: three bytes become four letters."""
    n_entries = 0
    for place in range(len(row)):
        n_entries += row[place] != 0
    found = 0
    for place in range(len(row)):
        if row[place] != 0:
            units = np.int64(np.rint(row[place] * _UNITS))
            entries[2 * found], entries[2 * found + 1] = place & 255, place >> 8
            for octet in range(4):
                entries[2 * n_entries + 4 * found + octet] = (units >> (8 * octet)) & 255
            found += 1
    for start in range(0, ENTRY_BYTES * n_entries, 3):
        group = (np.int64(entries[start]) << 16) | (np.int64(entries[start + 1]) << 8) | np.int64(entries[start + 2])
        for letter in range(4):
            out[at + letter] = _LETTERS[(group >> (18 - 6 * letter)) & 63]
        at += 4
    return at


@numba.njit(cache=True, nogil=True)
def _cell(out: Octets, at: int, kind: int, cell: int) -> int:
    """A cell that is a number."""
    if kind == _OPTIONAL and cell < 0:
        return _copy(out, at, _NULL, 0, 4)
    if kind in (_NUMBER, _OPTIONAL):
        return _number(out, at, cell)
    if kind == _MILLIONTHS:
        return _millionths(out, at, cell)
    return at


@numba.njit(cache=True, nogil=True)
def spell(  # noqa: PLR0917 - compiled: every array is an argument of its own
    out: Octets,
    kinds: Integers,
    cells: Integers,
    rows: Rows,
    said: Octets,
    said_ends: Integers,
    texts: Octets,
    text_ends: Integers,
    known: Octets,
    known_ends: Integers,
    ends: Integers,
    cuts: Integers,
) -> int:
    """Write all records; ``said`` stands before each cell and once more at the end. The length of it all."""
    entries = np.empty(ENTRY_BYTES * rows.shape[1], np.uint8)
    at, n_cells = 0, len(kinds)
    for record in range(len(cells)):
        begin = 0
        for place in range(n_cells):
            at = _copy(out, at, said, begin, said_ends[place])
            begin = said_ends[place]
            kind, cell = kinds[place], cells[record, place]
            if kind == _TEXT:
                at = _copy(out, at, texts, text_ends[cell - 1] if cell else 0, text_ends[cell])
            elif kind == _KNOWN:
                at = _copy(out, at, known, known_ends[cell - 1] if cell else 0, known_ends[cell])
            elif kind == _ROW:
                at = _row(out, at, rows[record], entries)
            elif kind == _IDENTITY:
                cuts[record] = at
            else:
                at = _cell(out, at, kind, cell)
        at = _copy(out, at, said, begin, said_ends[n_cells])
        ends[record] = at
    return at


@numba.njit(cache=True, nogil=True)
def put_in(out: Octets, flat: Octets, ends: Integers, cuts: Integers, given: Octets) -> None:
    """Write every record again with what is given for it, all of one length, where it is cut."""
    width, at, begin = len(given) // max(len(ends), 1), 0, 0
    for record in range(len(ends)):
        at = _copy(out, at, flat, begin, cuts[record])
        at = _copy(out, at, given, record * width, (record + 1) * width)
        at = _copy(out, at, flat, cuts[record], ends[record])
        begin = ends[record]
