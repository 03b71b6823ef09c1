"""Sixty-four bits for a key or a code: the same in every process and every batch, so that batches can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from common.columns import CodeColumn

Digests = npt.NDArray[np.int64]

NOTHING = 0
"""Stands for a code that is not given."""

_BYTES = 8


def digest(name: str) -> int:
    """64 bits of a key or code, signed; never ``NOTHING``. Two of a million keys meet once in 30 million times."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:_BYTES], "big", signed=True) or 1


def digests(names: Sequence[str]) -> Digests:
    """``digest`` of every name, int64 ``(n,)``."""
    return np.fromiter(map(digest, names), np.int64, len(names))


def column_digests(column: CodeColumn | None, n_claims: int) -> Digests:
    """``digest`` of every claim's code, ``NOTHING`` where none is given or the source has no such column."""
    if column is None:
        return np.full(n_claims, NOTHING, np.int64)
    table = np.append(digests(column.values), np.int64(NOTHING))  # MISSING is -1 and so reads the last place
    return table[column.indices]


def reference(of: int) -> str:
    """How a finding refers to another claim: the first sixteen hexadecimal digits of the SHA-256 of its key."""
    return f"{of & 0xFFFF_FFFF_FFFF_FFFF:016x}"
