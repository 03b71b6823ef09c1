"""Several sources of one layout as one, so that a claim which stands in two of them is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from client.claims.sources.opening import open_source
from common.errors import SourceError


class SeveralFiles:
    """The rows of all files, one file after another; a ``ClaimSource``.

    Guarantees:
        * All files have the same columns, in any order.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open all files.

        Raises:
            SourceError: If there is none, one cannot be opened, or one has other columns than the first.
        """
        if not paths:
            msg = "no file of claims is named"
            raise SourceError(msg)
        self._sources = [open_source(path) for path in paths]
        self._names = tuple(self._sources[0].schema_names)
        for path, source in zip(paths, self._sources, strict=True):
            if odd := set(source.schema_names) ^ set(self._names):
                msg = (
                    f"{path.name} and {paths[0].name} are not of one layout: "
                    f"only one of them has {', '.join(map(repr, sorted(odd)))}; run them by themselves or mend one"
                )
                raise SourceError(msg)

    @property
    def schema_names(self) -> tuple[str, ...]:
        """Of the first file, in order."""
        return self._names

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """See ``client.claims.sources.source.ClaimSource``."""
        for source in self._sources:
            yield from source.batches(columns, codes=codes)
