"""Small tables of claims for the tests, in memory and as files."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from client.claims.ingest import Ingest, Ingested, IngestReport
from client.claims.mapping import ClaimMapping, load_mapping
from client.claims.sources.source import ClaimSource
from common.columns import CodeColumn

KEY = bytes(range(32))
WIDE = load_mapping("nhsa_4101_wide")


class TableSource:
    """A table in memory as a ``ClaimSource``, which remembers what was read."""

    def __init__(self, table: pa.Table, batch_rows: int = 1_000) -> None:
        self._table, self._batch_rows = table, batch_rows
        self.columns_read: set[str] = set()

    @property
    def schema_names(self) -> tuple[str, ...]:
        """All names."""
        return tuple(self._table.schema.names)

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """Some columns."""
        del codes
        self.columns_read |= set(columns)
        yield from self._table.select(list(columns)).combine_chunks().to_batches(self._batch_rows)


def wide_row(number: int = 0, **changes: object) -> dict[str, object]:
    """A row in the wide layout that is fine, but for the changes."""
    row: dict[str, object] = {
        "setl_id": f"S{number}",
        "psn_no": f"P{number}",
        "diag_code": "I10.x05",
        "medfee_sumamt": "100.00",
        "amt_01": "60",
        "amt_09": "40.00",
    }
    return row | changes


def text_table(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Rows as a table of text columns."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Rows as a CSV file."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Rows as a Parquet file of the types that Arrow infers."""
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def ingest(source: ClaimSource, mapping: ClaimMapping = WIDE, **options: object) -> tuple[list[Ingested], IngestReport]:
    """All batches and the report."""
    reader = Ingest(source, mapping, pseudonym_key=KEY, **options)  # type: ignore[arg-type]
    return list(reader), reader.report


def reasons(rows: Sequence[Mapping[str, object]], mapping: ClaimMapping = WIDE) -> dict[str, int]:
    """Why the rows were refused."""
    _, report = ingest(TableSource(text_table(rows)), mapping)
    assert report.seen == report.accepted + sum(report.rejected.values()) + report.netted
    return {str(reason): count for reason, count in report.rejected.items()}


def decoded(column: CodeColumn) -> list[str | None]:
    """The codes of a column, row by row."""
    return [None if place < 0 else column.values[place] for place in np.asarray(column.indices)]
