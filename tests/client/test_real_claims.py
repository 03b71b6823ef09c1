"""The ready-made mappings on the data they were made for; skipped where the data are not at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.claims.mapping import load_mapping
from client.claims.reasons import Reason
from client.claims.sources.opening import open_source
from tests.client.tables import decoded, ingest

_CLAIMS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "claims"


def _claims(name: str) -> Path:
    path = _CLAIMS / name
    if not path.is_file():
        pytest.skip(f"the public data set {name} is not at ../shared/data/claims")
    return path


def test_every_row_of_sih_sus_becomes_a_claim() -> None:
    batches, report = ingest(open_source(_claims("sih_sus.parquet")), load_mapping("sih_sus"), split="region")
    assert (report.seen, report.accepted, report.netted, dict(report.rejected)) == (64_549, 64_549, 0, {})
    tables = [one.table for one in batches]
    assert {value for one in batches for value in decoded(one.split)} == {  # type: ignore[arg-type]
        "AC/Alto Acre", "AC/Baixo Acre e Purus", "AC/Jurua e Tarauaca-Envira", "RS/Metropolitana", "RS/Norte",
        "RS/Serra", "RS/Sul",
    }  # fmt: skip
    assert all((table.fees.sum(axis=1) == table.total).all() for table in tables)
    assert max(len(table.diagnoses) for table in tables) == 8
    assert len(np.unique(np.concatenate([table.person_id for table in tables]))) == 64_549
    ages = np.concatenate([table.age_days for table in tables])
    assert ages.min() == 0
    assert ((ages > 0) & (ages < 365)).sum() > 1_000


def test_the_claim_number_alone_repeats_132_times_in_sih_sus() -> None:
    mapping = load_mapping("sih_sus").model_copy(update={"claim_key": ("aih_id",)})
    _, report = ingest(open_source(_claims("sih_sus.parquet")), mapping)
    assert report.rejected == {Reason.DUPLICATE_CLAIM_KEY: 132}


def test_de_synpuf_loses_only_the_claims_without_a_diagnosis() -> None:
    batches, report = ingest(open_source(_claims("synpuf2009.parquet")), load_mapping("de_synpuf"), split="division")
    assert (report.seen, report.accepted, report.netted) == (158_937, 156_586, 0)
    assert report.rejected == {Reason.MAIN_DIAGNOSIS: 2_351}
    persons = np.unique(np.concatenate([one.table.person_id for one in batches]))
    assert 70_000 < len(persons) <= 73_855
    assert set(decoded(batches[0].table.attributes["gend"])) <= {"1", "2"}
