"""Channels: what the row kernel writes to a row, prepared from one block and one claim table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from common.columns import MISSING, CodeColumn
from common.features import kernel
from common.features.vectors import Packed, Vocabulary

Rows = npt.NDArray[np.float32]


class Channel(Protocol):
    """Writes its coordinates, which no other channel touches, to the rows of a stretch of claims."""

    def write_to(self, rows: Rows, part: slice) -> None:
        """Write to ``rows``, which are zeros and belong to the claims in ``part``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChannel:
    """Sparse vectors of codes, the main one mixed with the others."""

    ids: npt.NDArray[np.int32]
    operated: npt.NDArray[np.bool_]
    condition: int
    vectors: Packed
    weight: float
    others_share: float

    def write_to(self, rows: Rows, part: slice) -> None:
        """See ``Channel``."""
        kernel.write_codes(
            rows,
            self.ids[part],
            self.operated[part],
            self.condition,
            self.vectors,
            self.weight,
            self.others_share,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeChannel:
    """Roots of fee shares."""

    fees: npt.NDArray[np.int64]
    offset: int
    weight: float

    def write_to(self, rows: Rows, part: slice) -> None:
        """See ``Channel``."""
        kernel.write_fees(rows, self.fees[part], self.offset, self.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChannel:
    """One number between public bounds."""

    numbers: npt.NDArray[np.int64]
    offset: int
    weight: float
    lower: int
    upper: int

    def write_to(self, rows: Rows, part: slice) -> None:
        """See ``Channel``."""
        kernel.write_numbers(rows, self.numbers[part], self.offset, self.weight, self.lower, self.upper)


def code_ids(columns: tuple[CodeColumn, ...], vocabulary: Vocabulary, n_claims: int) -> npt.NDArray[np.int32]:
    """Indices into a vocabulary, int32 ``(n_claims, max(1, n_columns))``, ``MISSING`` for none."""
    ids = np.full((n_claims, max(1, len(columns))), MISSING, np.int32)
    for place, column in enumerate(columns):
        kernel.translate(column.indices, vocabulary.table(column.values), ids, place)
    return ids
