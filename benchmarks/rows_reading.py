"""The shortest way from a Parquet file of the benchmark to rows: no checks, only what the row needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from client.claims.mapping import ClaimMapping
from client.claims.projection import code_columns
from client.claims.sources.parquet import ParquetSource
from common.columns import DAYS_A_YEAR, MISSING, ClaimTable, CodeColumn, normalise_code
from simulations.world import World

ATTRIBUTES = ("tcm_dise_code", "med_type")
FEN = 100.0


def write_claims(path: Path, n_claims: int, mapping: ClaimMapping) -> None:
    """Generated claims with every column that the mapping names, as one Parquet file with plain text columns."""
    world = World(n_bureaus=8, n_claims=n_claims)
    columns = [name for name in world.schema_names if name in mapping.columns]
    writer: pq.ParquetWriter | None = None
    for batch in world.batches(columns):
        plain = pa.Table.from_batches([batch]).cast(_plain(batch.schema))
        writer = writer or pq.ParquetWriter(path, plain.schema)
        writer.write_table(plain)
    if writer is not None:
        writer.close()


def batches(source: ParquetSource, columns: Sequence[str], mapping: ClaimMapping) -> Iterator[pa.RecordBatch]:
    """Record batches with codes dictionary-encoded, as ingest reads them."""
    return source.batches(columns, codes=[name for name in code_columns(mapping) if name in columns])


def row_columns(mapping: ClaimMapping) -> tuple[str, ...]:
    """The columns that the default row is made of."""
    fees = [column for part in (mapping.fees.parts.values() if mapping.fees else ()) for column in part]
    operations = mapping.operations.columns if mapping.operations else ()
    return (*mapping.diagnoses.columns, *operations, *ATTRIBUTES, *fees, "medfee_sumamt", "act_ipt_days", "age")


def unchecked_table(batch: pa.RecordBatch, mapping: ClaimMapping) -> ClaimTable:
    """A batch of ``row_columns`` as a claim table, believed as it stands."""
    fees = [column for part in (mapping.fees.parts.values() if mapping.fees else ()) for column in part]
    age = _days(batch.column("age"))
    return ClaimTable(
        diagnoses=tuple(_codes(batch.column(name)) for name in mapping.diagnoses.columns),
        operations=tuple(
            _codes(batch.column(name)) for name in (mapping.operations.columns if mapping.operations else ())
        ),
        attributes={name: _codes(batch.column(name)) for name in ATTRIBUTES},
        fees=_fees(batch, fees),
        total=_fen(batch.column("medfee_sumamt")).astype(np.int64),
        stay_days=_days(batch.column("act_ipt_days")),
        age_days=np.where(age == MISSING, MISSING, age * DAYS_A_YEAR).astype(np.int32),
        person_id=np.zeros(batch.num_rows, np.uint64),
    )


def _plain(schema: pa.Schema) -> pa.Schema:
    """The same columns without dictionaries: how exports look."""
    return pa.schema([(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema])


def _codes(column: pa.DictionaryArray) -> CodeColumn:
    indices = column.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
    return CodeColumn(indices=indices, values=tuple(normalise_code(value) for value in column.dictionary.to_pylist()))


def _fees(batch: pa.RecordBatch, names: Sequence[str]) -> np.typing.NDArray[np.int64]:
    fees = np.empty((batch.num_rows, len(names)), np.int64)
    for place, name in enumerate(names):
        fees[:, place] = _fen(batch.column(name))
    return fees


def _fen(column: pa.Array) -> np.typing.NDArray[np.float64]:
    fen: np.typing.NDArray[np.float64] = column.to_numpy(zero_copy_only=False) * FEN
    return np.rint(fen, out=fen)


def _days(column: pa.Array) -> np.typing.NDArray[np.int32]:
    return np.asarray(column.fill_null(MISSING).to_numpy(zero_copy_only=False), np.int32)
