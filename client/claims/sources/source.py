"""What ingest needs from a table of claims, wherever it comes from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import pyarrow as pa


class ClaimSource(Protocol):
    """A table that can be read, batch by batch, more than once.

    Guarantees:
        * ``batches`` may be called several times; every call yields the same rows in the same order.
        * Only the columns that were asked for are read, each batch holds them under their own names.
        * Failures are ``SourceError`` with a text that holds no value of any row.

    Columns are of these Arrow types: (large) strings, dictionaries of strings, integers, floats, decimals,
    booleans, dates, timestamps, and lists of strings.
    """

    @property
    def schema_names(self) -> tuple[str, ...]:
        """All column names of the table, in order, whether or not they will be read."""
        ...

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """Read some columns from the first row on.

        Args:
            columns: Names out of ``schema_names``.
            codes: Those of ``columns`` whose values repeat; a source may hand them over dictionary-encoded.

        Raises:
            SourceError: If a column does not exist or the table is damaged.
        """
        ...
