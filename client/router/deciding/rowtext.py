"""Rows as text: the coordinates that are not zero, in base64. A row on the grid is kept exactly, and short."""

from __future__ import annotations

import base64
import binascii

import numpy as np
import numpy.typing as npt

from common.errors import InputError
from common.grid import GRID_UNITS

ENTRY_BYTES = 6
"""Two for the coordinate's place, four for its grid units; all places first."""

Rows = npt.NDArray[np.float32]


def row_texts(rows: Rows) -> list[str]:
    """One text a row; see ``row_of``."""
    claims, places = np.nonzero(rows)
    units = np.rint(rows[claims, places] * np.float32(GRID_UNITS)).astype("<i4").tobytes()
    columns = places.astype("<u2").tobytes()
    ends = np.cumsum(np.bincount(claims, minlength=len(rows))).tolist()
    texts, start = [], 0
    for end in ends:
        held = columns[2 * start : 2 * end] + units[4 * start : 4 * end]
        texts.append(binascii.b2a_base64(held, newline=False).decode())
        start = end
    return texts


def row_of(text: str, n_features: int) -> Rows:
    """The row in a text, float32 ``(1, n_features)``.

    Raises:
        InputError: If the text is none of a row with so many features.
    """
    try:
        held = base64.b64decode(text, validate=True)
        n = len(held) // ENTRY_BYTES
        row = np.zeros((1, n_features), np.float32)
        places = np.frombuffer(held[: 2 * n], "<u2")
        row[0, places] = np.frombuffer(held[2 * n :], "<i4").astype(np.float32) / np.float32(GRID_UNITS)
    except (ValueError, IndexError):
        msg = "the row in this record does not fit the model: give the model that decided"
        raise InputError(msg) from None
    return row
