"""Open a file of claims by what it is, not by what it is called."""

from __future__ import annotations

from pathlib import Path

from client.claims.sources.delimited import DelimitedSource
from client.claims.sources.limits import Limits
from client.claims.sources.parquet import MAGIC, ParquetSource
from client.claims.sources.source import ClaimSource
from common.errors import SourceError

_COMPRESSED = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_DELIMITERS = {".csv": ",", ".txt": ",", ".tsv": "\t"}


def open_source(path: str | Path, limits: Limits | None = None) -> ClaimSource:
    """A Parquet or CSV file as a source; the file is checked against the limits before it is parsed.

    Raises:
        SourceError: If there is no such file, it is empty, too large, damaged or of another kind.
    """
    path, limits = Path(path), limits or Limits()
    head = _head(path, limits)
    if head.startswith(MAGIC):
        return ParquetSource(path, limits)
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            msg = f"{path.name} is compressed ({name}); unpack it first"
            raise SourceError(msg)
    delimiter = _DELIMITERS.get(path.suffix.casefold())
    if delimiter is None:
        msg = f"{path.name} is neither Parquet nor named .csv, .tsv or .txt; convert it to one of these"
        raise SourceError(msg)
    return DelimitedSource(path, limits, delimiter=delimiter)


def _head(path: Path, limits: Limits) -> bytes:
    """The first bytes of a file that is worth opening."""
    if not path.is_file():
        msg = f"there is no file {path}"
        raise SourceError(msg)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        msg = f"{path} cannot be opened; check its permissions"
        raise SourceError(msg) from None
    if size == 0:
        msg = f"{path.name} is empty; export it again"
        raise SourceError(msg)
    if size > limits.file_bytes:
        msg = f"{path.name} has {size} bytes, more than the limit of {limits.file_bytes}; split it"
        raise SourceError(msg)
    return head
