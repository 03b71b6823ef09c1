"""What a file may cost at most; checked before anything in it is parsed."""

from __future__ import annotations

from dataclasses import dataclass

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds on a source file. The defaults fit 100 million claims on a machine with 24 GiB.

    Attributes:
        file_bytes: Size of the file.
        rows: Number of rows.
        columns: Number of columns, read or not.
        field_bytes: Length of one text field.
        line_bytes: Length of one CSV line; also the memory a CSV reader takes at a time.
        footer_bytes: Size of a Parquet footer, which is parsed as a whole.
        row_groups: Number of Parquet row groups.
        row_group_bytes: Uncompressed size of the columns that are read, per row group.
        column_bytes: Uncompressed size of one column in one row group.
        dictionary_bytes: Uncompressed size of one Parquet dictionary.
    """

    file_bytes: int = 256 * _GIB
    rows: int = 1_000_000_000
    columns: int = 2_000
    field_bytes: int = 16 * _KIB
    line_bytes: int = 4 * _MIB
    footer_bytes: int = 64 * _MIB
    row_groups: int = 100_000
    row_group_bytes: int = 8 * _GIB
    column_bytes: int = 2 * _GIB
    dictionary_bytes: int = 64 * _MIB
