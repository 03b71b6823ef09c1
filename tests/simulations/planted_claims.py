"""A table in memory as a source of claims."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table in memory; see ``client.claims.sources.source``."""

    table: pa.Table

    @property
    def schema_names(self) -> tuple[str, ...]:
        return tuple(self.table.schema.names)

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        yield from self.table.select(list(columns)).combine_chunks().to_batches()
