"""Several files of one layout as one source, so that a claim which stands in two of them is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from client.claims.sources.opening import open_source
from common.errors import SourceError


class Files:
    """The rows of all files, one file after another; a ``ClaimSource``.

    Guarantees:
        * All files have the same columns, in any order.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        """Open all files.

        Raises:
            SourceError: If a file cannot be opened or has other columns than the first.
        """
        self._sources = [open_source(path) for path in paths]
        self.schema_names = tuple(self._sources[0].schema_names)
        for path, source in zip(paths, self._sources, strict=True):
            if odd := set(source.schema_names) ^ set(self.schema_names):
                msg = (
                    f"{Path(path).name} and {Path(paths[0]).name} are not of one layout: "
                    f"only one of them has {', '.join(map(repr, sorted(odd)))}; run them by themselves or mend one"
                )
                raise SourceError(msg)

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """See ``client.claims.sources.source.ClaimSource``."""
        for source in self._sources:
            yield from source.batches(columns, codes=codes)
