"""Parquet files in batches. Footer, sizes and types are judged before a page is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from client.claims.sources.limits import Limits
from client.claims.sources.pages import dictionary_bytes
from common.errors import SourceError

MAGIC = b"PAR1"
_TAIL = 8
_BATCH_ROWS = 65_536
_FAILURES = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError)


class ParquetSource:
    """A Parquet file within limits; see ``ClaimSource``."""

    def __init__(self, path: Path, limits: Limits | None = None, *, batch_rows: int = _BATCH_ROWS) -> None:
        """Read the footer alone.

        Raises:
            SourceError: If the file is damaged or beyond a limit.
        """
        self._path, self._limits, self._batch_rows = path, limits or Limits(), batch_rows
        _check_frame(path, self._limits)
        with self._open() as file:
            self._schema: pa.Schema = file.schema_arrow
            self._metadata: Any = file.metadata
        self._check_counts()

    @property
    def schema_names(self) -> tuple[str, ...]:
        """All column names of the file, in order."""
        return tuple(self._schema.names)

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """Read some columns; see ``ClaimSource.batches``."""
        self._check_columns(columns)
        self._check_sizes(columns)
        dictionaries = [name for name in columns if name in codes and _holds_text(self._schema.field(name).type)]
        try:
            # pre_buffer keeps every fetched column chunk in memory, which then grows with the file
            with self._open(read_dictionary=dictionaries) as file:
                batches = file.iter_batches(self._batch_rows, columns=list(columns), use_threads=True)
                for batch in _one_ahead(batches):
                    batch.validate(full=True)  # text that is not UTF-8 would fail later, in an error that shows it
                    yield batch.select(list(columns))
        except _FAILURES:
            raise self._damaged() from None

    def _open(self, **options: Any) -> Any:
        try:
            return pq.ParquetFile(self._path, pre_buffer=False, **options)
        except _FAILURES:
            raise self._damaged() from None

    def _damaged(self) -> SourceError:
        return SourceError(f"{self._path.name} is damaged or truncated; export or transfer it again")

    def _refuse(self, what: str, value: int, limit: int) -> None:
        if not 0 <= value <= limit:
            msg = f"{self._path.name} claims {value} {what}, the limit is {limit}; split or rewrite the file"
            raise SourceError(msg)

    def _check_counts(self) -> None:
        metadata, limits = self._metadata, self._limits
        self._refuse("rows", metadata.num_rows, limits.rows)
        self._refuse("columns", metadata.num_columns, limits.columns)
        self._refuse("row groups", metadata.num_row_groups, limits.row_groups)

    def _check_columns(self, columns: Sequence[str]) -> None:
        for name in columns:
            if self.schema_names.count(name) != 1:
                state = "more than one column" if name in self.schema_names else "no column"
                msg = f"{self._path.name} has {state} {name!r}; mend the mapping or the file"
                raise SourceError(msg)
            kind = self._schema.field(name).type
            if not _is_readable(kind):
                msg = f"column {name!r} is of type {kind}, which claims never have; convert it to text or numbers"
                raise SourceError(msg)

    def _check_sizes(self, columns: Sequence[str]) -> None:
        """Uncompressed sizes as the metadata claims them, and of dictionaries as their pages claim them."""
        limits, wanted = self._limits, set(columns)
        with self._path.open("rb") as file:
            for group in range(self._metadata.num_row_groups):
                chunks = self._chunks(group, wanted)
                for chunk in chunks:
                    self._refuse("bytes in one column", chunk.total_uncompressed_size, limits.column_bytes)
                    self._refuse("bytes in one dictionary", dictionary_bytes(file, chunk), limits.dictionary_bytes)
                total = sum(chunk.total_uncompressed_size for chunk in chunks)
                self._refuse("bytes in one row group", total, limits.row_group_bytes)

    def _chunks(self, group: int, wanted: set[str]) -> list[Any]:
        try:
            row_group = self._metadata.row_group(group)
            chunks = [row_group.column(place) for place in range(row_group.num_columns)]
        except _FAILURES:
            raise self._damaged() from None
        return [chunk for chunk in chunks if _belongs(chunk.path_in_schema, wanted)]


def _one_ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, the next one being decoded while the caller works on this one."""
    with ThreadPoolExecutor(1, "fedclaims-read") as worker:
        coming = worker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = worker.submit(next, batches, None)
            yield batch


def _belongs(path: str, wanted: set[str]) -> bool:
    """Whether a leaf column (``dx.list.element``) belongs to a wanted one (``dx``)."""
    parts = path.split(".")
    return any(".".join(parts[:depth]) in wanted for depth in range(1, len(parts) + 1))


def _check_frame(path: Path, limits: Limits) -> None:
    """Magic bytes at both ends and the length of the footer, before anything parses it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(len(MAGIC))
        file.seek(max(size - _TAIL, 0))
        tail = file.read(_TAIL)
    footer = int.from_bytes(tail[:4], "little")
    if head != MAGIC or tail[4:] != MAGIC or footer + 2 * len(MAGIC) + 4 > size:
        msg = f"{path.name} is not a whole Parquet file (truncated, or another kind); export or transfer it again"
        raise SourceError(msg)
    if footer > limits.footer_bytes:
        msg = f"{path.name} has a footer of {footer} bytes, the limit is {limits.footer_bytes}; rewrite the file"
        raise SourceError(msg)


def _holds_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_readable(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    checks = (_holds_text, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean,
              pa.types.is_date, pa.types.is_timestamp, pa.types.is_null)  # fmt: skip
    return any(check(kind) for check in checks)
