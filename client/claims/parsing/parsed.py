"""One column after parsing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.reasons import Mask, Reason, Verdicts
from common.errors import SourceError

Faults = tuple[tuple[Reason, Mask], ...]
"""Reasons found in a column, each with the rows it was found in."""


Rows = npt.NDArray[np.int64] | slice
"""Which rows of a batch: their places, or a slice for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The integers of one column.

    Attributes:
        values: int64 ``(n,)``; zero where missing or faulty.
        missing: The rows in which nothing was given.
        faults: What was wrong, and where.
    """

    values: npt.NDArray[np.int64]
    missing: Mask
    faults: Faults = ()

    def report(self, verdicts: Verdicts) -> None:
        """Hand the faults to the verdict over the batch."""
        for reason, rows in self.faults:
            verdicts.blame(reason, rows)


def faults_of(*found: tuple[Reason, Mask]) -> Faults:
    """Only those faults that occur at all."""
    return tuple((reason, rows) for reason, rows in found if rows.any())


def nulls(column: pa.Array) -> Mask:
    """The rows that are null."""
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    return np.asarray(column.is_null())


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def plain_text(column: pa.Array) -> pa.Array:
    """Text without dictionary and without blanks around; empty text becomes null."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    trimmed = pc.ascii_trim_whitespace(column)
    empty = pc.equal(pc.binary_length(trimmed), 0)
    return pc.if_else(empty, pa.scalar(None, trimmed.type), trimmed)


def wrong_type(needed: str, kind: pa.DataType) -> SourceError:
    """The error for a column that cannot hold what the mapping says it holds."""
    return SourceError(f"a column of type {kind} cannot be read as {needed}; change the mapping or the file")
