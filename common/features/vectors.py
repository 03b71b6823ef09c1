"""Sparse vectors of codes, attribute values and texts: each distinct value is turned into one once.

A value's vector has length at most 1 before its weight. Hashes are SHA-256 of the level and the prefix, so they
are the same on every machine and have no key: the map from codes to coordinates is public.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import sqrt

import numpy as np
import numpy.typing as npt

from common.codes import CODE_SYSTEMS, Level
from common.columns import MISSING
from common.features.spec import CodeLevel

Sparse = list[tuple[int, float]]
"""Coordinates and values of a vector."""

Packed = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Vectors as compressed sparse rows: starts, coordinates, values."""

MAX_VOCABULARY = 1 << 20
"""Distinct values kept; a column with more of them is no code column, and starts over."""


def code_vector(system_name: str, levels: tuple[CodeLevel, ...], offset: int, code: str) -> Sparse:
    """The vector of a normalised code: its chapter one-hot, its deeper prefixes hashed.

    Guarantees:
        * Length at most 1: each level is a unit vector times the root of its share of the levels.

    Args:
        system_name: A key of ``CODE_SYSTEMS``.
        levels: The levels, one after another from ``offset``.
        offset: First coordinate.
        code: Normalised; an unknown chapter leaves its level at zero.
    """
    system = CODE_SYSTEMS[system_name]
    total = sum(level.share for level in levels)
    vector: Sparse = []
    for level in levels:
        weight = sqrt(level.share / total)
        if level.level is Level.CHAPTER:
            chapter = system.chapter(code)
            vector += [] if chapter is None else [(offset + chapter, weight)]
            offset += system.n_chapters
        else:
            vector += _hashed(f"{level.level}:{system.prefix(code, level.level)}", level, offset, weight)
            offset += level.buckets
    return vector


def _hashed(text: str, level: CodeLevel, offset: int, weight: float) -> Sparse:
    """A signed hash: one coordinate in each of ``nonzeros`` equal stretches, so that none collides with another."""
    stretch = level.buckets // level.nonzeros
    digest = hashlib.sha256(text.encode()).digest()
    size = weight / sqrt(level.nonzeros)
    vector: Sparse = []
    for place in range(level.nonzeros):
        draw = int.from_bytes(digest[2 * place : 2 * place + 2], "little")
        vector.append((offset + place * stretch + (draw >> 1) % stretch, size if draw & 1 else -size))
    return vector


def text_vector(text: str, buckets: int, offset: int) -> Sparse:
    """Signed hash of the 2- and 3-grams of a text, scaled to length 1; empty for a text without any."""
    counts = np.zeros(buckets)
    squeezed = "".join(text.split())
    for length in (2, 3):
        for start in range(len(squeezed) - length + 1):
            digest = hashlib.sha256(squeezed[start : start + length].encode()).digest()
            draw = int.from_bytes(digest[:4], "little")
            counts[(draw >> 1) % buckets] += 1.0 if draw & 1 else -1.0
    length_squared = float(counts @ counts)
    if length_squared == 0.0:
        return []
    return [(offset + int(place), float(counts[place]) / sqrt(length_squared)) for place in np.flatnonzero(counts)]


class Vocabulary:
    """Distinct values of one kind of column and their vectors, packed for the row kernel.

    Guarantees:
        * A value's vector does not depend on which values came before it.
    """

    def __init__(self, vector_of: Callable[[str], Sparse]) -> None:
        """Start empty.

        Args:
            vector_of: Makes a value's vector; called once a value.
        """
        self._vector_of = vector_of
        self._places: dict[str, int] = {}
        self._starts: list[int] = [0]
        self._columns: list[int] = []
        self._values: list[float] = []
        self._packed: Packed | None = None

    def table(self, values: tuple[str, ...]) -> npt.NDArray[np.int32]:
        """Where each value stands in this vocabulary, and at the end what stands for missing."""
        return np.array([*(self._place(value) for value in values), MISSING], np.int32)

    def is_full(self, n_values: int) -> bool:
        """Whether ``n_values`` more would exceed ``MAX_VOCABULARY``; start a new one then."""
        return len(self._places) + n_values > MAX_VOCABULARY

    def packed(self) -> Packed:
        """Starts, coordinates and values of all vectors, compressed sparse rows."""
        if self._packed is None:
            self._packed = (
                np.array(self._starts, np.int64),
                np.array(self._columns, np.int64),
                np.array(self._values, np.float64),
            )
        return self._packed

    def _place(self, value: str) -> int:
        found = self._places.get(value)
        if found is not None:
            return found
        self._packed = None
        for column, size in self._vector_of(value):
            self._columns.append(column)
            self._values.append(size)
        self._starts.append(len(self._columns))
        return self._places.setdefault(value, len(self._places))
