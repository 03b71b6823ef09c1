"""Parquet to rows: what turning claims into rows, and checking them first, costs on top of reading alone.

Processor time of all threads is compared, because reading runs ahead on a thread of its own.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from functools import partial
from pathlib import Path

import pyarrow as pa
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer

from benchmarks.pairing import Contender, interleaved, options, ratio, show_heading, show_machine, show_row
from benchmarks.rows_reading import batches, row_columns, unchecked_table, write_claims
from client.claims.ingest import Ingest
from client.claims.mapping import ClaimMapping, load_mapping
from client.claims.sources.parquet import ParquetSource
from common.features.default import default_spec
from common.features.rows import Featuriser

CLAIMS, RUNS = 2_000_000, 5
MAPPING = "nhsa_4101_wide"
BUCKETS = 64
READ, ROWS = "read the row's columns", "read + rows"
ALL_READ, INGEST, INGEST_ROWS = "read all mapped columns", "strict ingest", "strict ingest + rows"


def main(arguments: list[str] | None = None) -> None:
    """Write generated claims, time every way of turning them into rows, print one table."""
    chosen = options(__doc__).parse_args(arguments)
    n, runs = (100_000, 2) if chosen.quick else (CLAIMS, RUNS)
    show_machine("numpy", "numba", "pyarrow", "scikit-learn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.parquet"
        write_claims(path, n, load_mapping(MAPPING))
        seconds = interleaved(contenders(path, slow=False), runs, time.process_time)
        seconds |= interleaved(contenders(path, slow=True), 1, time.process_time)
    show_heading(["step", f"CPU seconds, {n:,} claims", f"/ {READ}", f"/ {ALL_READ}", f"{ROWS} / this"])
    for name, found in seconds.items():
        against = [
            min(found) / min(seconds[each]) if len(found) == 1 else ratio(seconds, name, each)
            for each in (READ, ALL_READ)
        ]
        show_row([name, sorted(found)[len(found) // 2], *against, min(seconds[ROWS]) / min(found)])


def contenders(path: Path, *, slow: bool) -> dict[str, Contender]:
    """Ours and reading alone; or the peers, which hash the same codes and take long."""
    source, mapping = ParquetSource(path), load_mapping(MAPPING)
    needed = row_columns(mapping)
    if slow:
        return {
            "read + HashingVectorizer, codes alone": partial(_vectorizer, source, needed, mapping),
            "read + FeatureHasher, codes alone": partial(_hasher, source, needed, mapping),
        }
    every = [name for name in mapping.columns if name in source.schema_names]
    return {
        READ: lambda: deque(batches(source, needed, mapping), 0),
        ROWS: partial(_rows, source, needed, mapping),
        ALL_READ: lambda: deque(batches(source, every, mapping), 0),
        INGEST: lambda: deque(_ingest(source, mapping), 0),
        INGEST_ROWS: partial(_ingest_rows, source, mapping),
    }


def _rows(source: ParquetSource, columns: tuple[str, ...], mapping: ClaimMapping) -> None:
    featuriser = Featuriser(default_spec())
    for batch in batches(source, columns, mapping):
        featuriser.rows(unchecked_table(batch, mapping))


def _ingest(source: ParquetSource, mapping: ClaimMapping) -> Ingest:
    return Ingest(source, mapping, pseudonym_key=bytes(32))


def _ingest_rows(source: ParquetSource, mapping: ClaimMapping) -> None:
    featuriser = Featuriser(default_spec())
    for found in _ingest(source, mapping):
        featuriser.rows(found.table)


def _vectorizer(source: ParquetSource, columns: tuple[str, ...], mapping: ClaimMapping) -> None:
    hasher = HashingVectorizer(n_features=BUCKETS, lowercase=False, tokenizer=str.split, token_pattern=None)
    for batch in batches(source, columns, mapping):
        hasher.transform([" ".join(codes) for codes in _lists(batch, mapping)])


def _hasher(source: ParquetSource, columns: tuple[str, ...], mapping: ClaimMapping) -> None:
    hasher = FeatureHasher(n_features=BUCKETS, input_type="string")
    for batch in batches(source, columns, mapping):
        hasher.transform(_lists(batch, mapping))


def _lists(batch: pa.RecordBatch, mapping: ClaimMapping) -> list[list[str]]:
    """The main diagnosis, a further one and the main operation of every claim."""
    operations = mapping.operations.columns if mapping.operations else ()
    names = (*mapping.diagnoses.columns[:2], *operations[:1])
    columns = [batch.column(name).to_pylist() for name in names]
    return [[code for code in codes if code] for codes in zip(*columns, strict=True)]


if __name__ == "__main__":
    main()
