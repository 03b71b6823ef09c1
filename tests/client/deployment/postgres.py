"""A PostgreSQL of a test's own, and generated claims in it and in a file of the same rows."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulations.world import World

BIN = Path("/usr/lib/postgresql")
KINDS = {pa.int32(): "bigint", pa.timestamp("s"): "timestamp", pa.float64(): "numeric(14, 2)"}
NAMES = (
    *("setl_id", "psn_no", "med_type", "hosp_lv", "adm_time", "dscg_time", "setl_time", "act_ipt_days", "age", "gend"),
    *("diag_code", "diag_code_2", "diag_code_3", "oprn_oprt_code", "oprn_oprt_code_2"),
    *(f"amt_{number:02}" for number in range(1, 15)),
    *("medfee_sumamt", "refd_setl_flag"),
)


class Server:
    """A PostgreSQL of our own, reached through a unix socket alone."""

    def __init__(self, root: Path, programs: Path) -> None:
        self.root, self.programs = root, programs
        self.user = "postgres" if os.geteuid() == 0 else None

    def run(self, program: str, *options: str) -> None:
        ran = subprocess.run(  # noqa: S603  the server of this test
            [self.programs / program, *options], user=self.user, cwd=self.root, capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stderr

    def url(self, user: str) -> str:
        return f"postgresql+psycopg://{user}@/postgres?host={self.root}"

    def connected(self) -> Any:
        psycopg = importlib.import_module("psycopg")
        return psycopg.connect(f"host={self.root} user=owner dbname=postgres", autocommit=True)


@contextmanager
def running_server() -> Iterator[Server]:
    programs = next((path.parent for path in sorted(BIN.glob("*/bin/initdb"), reverse=True)), None)
    if programs is None:
        pytest.skip("there is no PostgreSQL server on this machine: apt-get install postgresql")
    root = Path(tempfile.mkdtemp(prefix="fc-pg-"))
    if os.geteuid() == 0:
        shutil.chown(root, "postgres")
    found = Server(root, programs)
    found.run("initdb", "-D", str(root / "data"), "-A", "trust", "-U", "owner", "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses='' -c fsync=off -k {root}"
    found.run("pg_ctl", "-D", str(root / "data"), "-o", options, "-l", str(root / "log"), "-w", "start")
    try:
        yield found
    finally:
        found.run("pg_ctl", "-D", str(root / "data"), "-m", "immediate", "stop")
        shutil.rmtree(root, ignore_errors=True)


def fill(server: Server, table: str, path: Path, n_claims: int) -> None:
    """Generated claims in a Parquet file and in a table of which the role ``reader`` may read ``NAMES``."""
    bureau, names = World(n_bureaus=1, n_claims=n_claims, seed=7).bureaus[0], NAMES
    with server.connected() as connection, connection.cursor() as cursor:
        writer: pq.ParquetWriter | None = None
        for batch in bureau.batches(names):
            plain = pa.table([_plain(one) for one in batch.columns], names=list(names))
            if writer is None:
                writer = pq.ParquetWriter(path, plain.schema)
                kinds = ", ".join(f"{one.name} {KINDS.get(one.type, 'text')}" for one in plain.schema)
                cursor.execute(f"CREATE TABLE {table} ({kinds}, psn_name text)")
            writer.write_table(plain)
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                for row in zip(*(one.to_pylist() for one in plain.columns), strict=True):
                    copy.write_row(row)
        assert writer is not None
        writer.close()
        cursor.execute(f"GRANT SELECT ({', '.join(names)}) ON {table} TO reader")


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
