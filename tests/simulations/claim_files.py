"""Files of generated claims, and jobs over them, for the tests of a whole simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from common.plan import Plan
from server.session import RoundReport
from simulations.engines import Engine
from simulations.job import run_job
from simulations.options import job_of, parser
from simulations.story import Story
from simulations.world import World

N_CLAIMS = 1_500
MAPPING = "nhsa_4101_wide"


@cache
def generated(n_claims: int = N_CLAIMS) -> pa.Table:
    """Claims of a small world of five regions, with further columns that deal them to bureaus."""
    found = pa.Table.from_batches(World(n_bureaus=5, n_claims=n_claims, seed=3).batches()).combine_chunks()
    rng = np.random.default_rng(8)
    for n_bureaus in (1, 3, 7, 64):
        places = rng.integers(0, n_bureaus, len(found))
        found = found.append_column(f"of_{n_bureaus}", pa.array([f"bureau {place}" for place in places]))
    return found


def parquet_file(path: Path, table: pa.Table | None = None) -> str:
    """A table as a Parquet file."""
    pq.write_table(generated() if table is None else table, path)
    return str(path)


def csv_file(path: Path, table: pa.Table | None = None) -> str:
    """A table as a CSV file."""
    held = generated() if table is None else table
    plain = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in held.columns]
    pa.csv.write_csv(pa.table(plain, held.schema.names), path)
    return str(path)


class Silent:
    """Progress that nobody watches."""

    def claims(self, so_far: int) -> None:
        """See ``simulations.job.Progress``."""

    def terms(self, plan: Plan, n_bureaus: int) -> None:
        """See ``simulations.job.Progress``."""

    def round(self, report: RoundReport) -> None:
        """See ``simulations.job.Progress``."""

    def stage(self, name: str) -> None:
        """See ``simulations.job.Progress``."""


def arguments(*paths: str, mapping: str = MAPPING, **options: object) -> list[str]:
    """Arguments of the command: eight clusters of some files, and no reference unless asked."""
    held: Mapping[str, object] = {"clusters": 8, "no_reference": True, "protection": "none"} | options
    flags = [(f"--{name.replace('_', '-')}", value) for name, value in held.items() if value is not False]
    rest = [part for flag, value in flags for part in ([flag] if value is True else [flag, str(value)])]
    return ["--claims", *paths, "--mapping", mapping, *rest]


def story_of(given: list[str], engine: Engine | None = None) -> Story:
    """What a run with these arguments finds; over another engine if one is given."""
    job = job_of(parser().parse_args(given), given)
    story, _ = run_job(replace(job, engine=engine or job.engine), Silent(), lambda _: None)
    return story


def hash_of(given: list[str], engine: Engine | None = None) -> str:
    """The hash of the centroids that a run finds."""
    return story_of(given, engine).model.centroids_sha256
