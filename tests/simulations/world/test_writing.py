"""Generated claims as files: the very claims of a run, readable with the ready-made mapping."""

import secrets
from pathlib import Path

import pytest

from client.claims.ingest import Ingest
from client.claims.mapping import load_mapping
from client.claims.sources.opening import open_source
from common.errors import InputError
from simulations.command import main
from simulations.world import World
from simulations.world.writing import write_claims


def test_every_claim_of_every_bureau_is_in_a_file_that_ingest_reads(tmp_path: Path) -> None:
    world = World(n_bureaus=3, n_claims=3000, seed=2)
    files = write_claims(world, tmp_path)
    assert [path.stem for path in files] == [bureau.region.code for bureau in world.bureaus]
    for path, bureau in zip(files, world.bureaus, strict=True):
        mapping, key = load_mapping("nhsa_4101_wide"), secrets.token_bytes(32)
        written, drawn = (Ingest(source, mapping, pseudonym_key=key) for source in (open_source(path), bureau))
        tables = [[one.table for one in each] for each in (written, drawn)]
        assert written.report == drawn.report
        assert [one.total.tolist() for one in tables[0]] == [one.total.tolist() for one in tables[1]]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    world = World(n_bureaus=3, n_claims=300, seed=2)
    (tmp_path / f"{world.bureaus[1].region.code}.parquet").write_bytes(b"mine")
    with pytest.raises(InputError, match="holds claims already"):
        write_claims(world, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_command_writes_them_beside_its_run_and_only_where_it_makes_them(tmp_path: Path) -> None:
    given = ["--bureaus", "3", "--claims-total", "300", "--clusters", "2", "--no-reference", "--protection", "none"]
    assert main([*given, "--out", str(tmp_path / "out"), "--write-claims", str(tmp_path / "claims")]) == 0
    assert len(list((tmp_path / "claims").glob("*.parquet"))) == 3
    with pytest.raises(SystemExit):
        main(["--claims", "x.parquet", "--mapping", "sih_sus", "--write-claims", str(tmp_path / "more")])
