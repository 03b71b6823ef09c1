"""Databases for tests: SQLite in a file, and a PostgreSQL that the test starts itself."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.consortium.identity import Identity
from common.consortium.publishing import Publication, SignedPublication, sign_publication
from server.registry.models import next_place
from server.registry.opening import open_database
from server.registry.registry import Registry
from server.registry.schema import migrate

BIN = Path("/usr/lib/postgresql")
NOW = 1_800_000_000
SIGNER = Identity.of_seed(bytes([9] * 32))


def fresh(url: str) -> Registry:
    database = open_database(url)
    migrate(database, NOW)
    return Registry(database)


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a server that is reached through a unix socket alone."""
    pytest.importorskip("psycopg")
    programs = next((path.parent for path in sorted(BIN.glob("*/bin/initdb"), reverse=True)), None)
    if programs is None:
        pytest.skip("there is no PostgreSQL server on this machine")
    root, user = Path(tempfile.mkdtemp(prefix="fr-pg-")), "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(root, user)

    def run(program: str, *options: str) -> None:
        ran = subprocess.run(  # noqa: S603  the server of this test
            [programs / program, *options], user=user, cwd=root, capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stderr

    data = str(root / "data")
    run("initdb", "-D", data, "-A", "trust", "-U", "owner", "--no-sync", "-E", "UTF8", "--locale=C")
    run(
        "pg_ctl", "-D", data, "-o", f"-c listen_addresses='' -c fsync=off -k {root}", "-l", f"{root}/log", "-w", "start"
    )
    try:
        yield f"postgresql+psycopg://owner@/postgres?host={root}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(root, ignore_errors=True)


def model_of(number: int) -> bytes:
    return f"model {number}".encode()


def signed_after(newest: Publication | None, session: int = 1, **changes: object) -> SignedPublication:
    version, previous = next_place(newest)
    given: dict[str, object] = {
        "version": version,
        "previous": previous,
        "model_sha256": hashlib.sha256(model_of(version)).hexdigest(),
        "plan_fingerprint": "a" * 64,
        "features_sha256": "b" * 64,
        "session": f"{session:032x}",
        "issued": NOW,
        "expires": NOW + 100,
    }
    return sign_publication(Publication.model_validate(given | changes), "coordinator", SIGNER)
