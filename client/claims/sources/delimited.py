"""CSV files in batches, every column as text; numbers and dates are parsed strictly later, by ingest."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from client.claims.sources.limits import Limits
from common.errors import SourceError

_FAILURES = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _PlainBytes:
    """A file as Arrow reads it, which ends in an error at the first NUL byte."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.has_nul = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        if b"\0" in data:
            self.has_nul = True
            msg = "NUL"
            raise ValueError(msg)
        return data

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._file.close()


class DelimitedSource:
    """A CSV file in UTF-8 with a header line; see ``ClaimSource``. Empty cells are null."""

    def __init__(self, path: Path, limits: Limits | None = None, *, delimiter: str = ",") -> None:
        """Read the header line alone.

        Raises:
            SourceError: If there is no usable header.
        """
        self._path, self._limits, self._delimiter = path, limits or Limits(), delimiter
        self._names = self._header()

    @property
    def schema_names(self) -> tuple[str, ...]:
        """The names of the header line, in order."""
        return self._names

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """Read some columns; see ``ClaimSource.batches``."""
        for name in columns:
            if name not in self._names:
                msg = f"{self._path.name} has no column {name!r}; mend the mapping or the file"
                raise SourceError(msg)
        source = _PlainBytes(self._path)
        rows = 0
        try:
            for batch in self._reader(source, columns):
                rows += batch.num_rows
                self._check(batch, rows)
                yield batch
        except _FAILURES:
            raise self._damaged(source) from None
        finally:
            source.close()

    def _reader(self, source: _PlainBytes, columns: Sequence[str]) -> Any:
        return pa.csv.open_csv(
            pa.PythonFile(source, mode="r"),
            read_options=pa.csv.ReadOptions(block_size=self._limits.line_bytes, use_threads=True),
            parse_options=pa.csv.ParseOptions(delimiter=self._delimiter),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                include_columns=list(columns),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=True,
            ),
        )

    def _check(self, batch: pa.RecordBatch, rows: int) -> None:
        limits = self._limits
        if rows > limits.rows:
            msg = f"{self._path.name} has more than {limits.rows} rows; split it"
            raise SourceError(msg)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            longest = pc.max(pc.binary_length(column)).as_py()
            if longest is not None and longest > limits.field_bytes:
                msg = (
                    f"column {name!r} of {self._path.name} has a field of {longest} bytes, the limit is "
                    f"{limits.field_bytes}; check the quoting of the file"
                )
                raise SourceError(msg)

    def _damaged(self, source: _PlainBytes) -> SourceError:
        if source.has_nul:
            return SourceError(f"{self._path.name} holds NUL bytes; it is no text, or in UTF-16: export it as UTF-8")
        return SourceError(
            f"{self._path.name} is not a regular CSV: it has rows of another length than the header, lines of more "
            f"than {self._limits.line_bytes} bytes, or text that is not UTF-8; export it again"
        )

    def _header(self) -> tuple[str, ...]:
        """The column names, from the first line alone."""
        with self._path.open("rb") as file:
            line = file.readline(self._limits.line_bytes + 1).removeprefix(_BYTE_ORDER_MARK)
        problem = self._header_problem(line)
        if problem is None:
            names = self._split(line)
            problem = self._names_problem(names)
        if problem is not None:
            msg = f"{self._path.name}: {problem}"
            raise SourceError(msg)
        return names

    def _split(self, line: bytes) -> tuple[str, ...]:
        try:
            return tuple(next(csv.reader([line.decode().rstrip("\r\n")], delimiter=self._delimiter, strict=True), ()))
        except (csv.Error, UnicodeDecodeError):
            return ()

    def _header_problem(self, line: bytes) -> str | None:
        if len(line) > self._limits.line_bytes:
            return f"the header line has more than {self._limits.line_bytes} bytes; it is no CSV"
        if b"\0" in line:
            return "the header line holds NUL bytes; the file is no text, or in UTF-16: export it as UTF-8"
        return None

    def _names_problem(self, names: tuple[str, ...]) -> str | None:
        if not any(names):
            return "there is no header line of column names in UTF-8; export it again"
        if len(names) > self._limits.columns:
            return f"there are {len(names)} columns, the limit is {self._limits.columns}"
        if len(set(names)) != len(names):
            return "two columns have the same name; rename one"
        return None
