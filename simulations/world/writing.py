"""Generated claims as files, one a bureau: to look at, to profile, to route."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import InputError
from simulations.world.world import World


def write_claims(world: World, directory: Path) -> tuple[Path, ...]:
    """Write every bureau's claims to ``BUREAU.parquet``; the ready-made mapping ``nhsa_4101_wide`` reads them.

    Guarantees:
        * Nothing is written over: a directory that holds one of the files is refused before any is written.

    Raises:
        InputError: If a file exists already.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        msg = f"{directory} cannot be made: name another directory"
        raise InputError(msg) from None
    files = [directory / f"{bureau.region.code}.parquet" for bureau in world.bureaus]
    if any(path.exists() for path in files):
        msg = f"{directory} holds claims already: name an empty directory"
        raise InputError(msg)
    for bureau, path in zip(world.bureaus, files, strict=True):
        batches = bureau.batches(bureau.schema_names)
        first = next(batches)
        plain = pa.schema(
            [(one.name, one.type.value_type if pa.types.is_dictionary(one.type) else one.type) for one in first.schema]
        )
        with pq.ParquetWriter(path, plain) as writer:
            writer.write_table(pa.Table.from_batches([first]).cast(plain))
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]).cast(plain))
    return tuple(files)
