"""Finding the rows with an equal key among millions, in constant time each: a hash table with chained rows.

Row ``i`` was the newest of its slot when it came; ``links[i]`` is the one before it. Only the newest ``STEPS`` rows of
a slot are looked at, so that nobody can make a lookup slow by sending many claims.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

STEPS = 4096
"""Rows of one slot that a lookup passes at most."""

_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)  # 2**64 over the golden ratio, odd: Knuth's multiplicative hashing
_WORD_BITS = 64
_FIRST_BITS = 10
_END = -1


class Chains:
    """Rows by key. Key 0 stands for none and is never found.

    Guarantees:
        * Following ``links`` from a slot of ``heads`` gives its rows newest first, and -1 at the end.

    Attributes:
        heads: int64; the newest row of every slot.
        links: int64; the row before each row.
        shift: What ``slot_of`` takes.
    """

    def __init__(self) -> None:
        """No rows yet."""
        self._make(_FIRST_BITS)

    def extend(self, keys: Integers, start: int) -> None:
        """Take up the rows from ``start`` on.

        Args:
            keys: int64; the keys of all rows, those before ``start`` included.
            start: How many rows were there before.
        """
        if len(keys) > len(self.links):
            self._make((len(keys) - 1).bit_length())
            start = 0
        _link(keys, start, self.heads, self.links, self.shift)

    def _make(self, bits: int) -> None:
        self.heads = np.full(1 << bits, _END, np.int64)
        self.links = np.empty(1 << bits, np.int64)
        self.shift = np.uint64(_WORD_BITS - bits)


@numba.njit(cache=True, nogil=True)
def slot_of(key: np.int64, shift: np.uint64) -> np.int64:
    """The slot of a key."""
    return np.int64((np.uint64(key) * _GOLDEN) >> shift)


@numba.njit(cache=True, nogil=True)
def _link(keys: Integers, start: int, heads: Integers, links: Integers, shift: np.uint64) -> None:
    for row in range(start, len(keys)):
        slot = slot_of(keys[row], shift)
        links[row] = heads[slot]
        heads[slot] = row
