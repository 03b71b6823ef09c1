"""A refund takes exactly one claim back, and ingest nets the two."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from client.claims.ingest import Ingest
from client.claims.mapping import load_mapping
from simulations.world import World
from tests.simulations.world.reading import claim, fen, table


def test_a_refund_repeats_its_claim_with_negative_amounts() -> None:
    world = World(n_claims=20_000, seed=6, refunds=0.01)
    read = table(world)
    flagged = pc.equal(read["refd_setl_flag"].cast(pa.string()), "1")
    refunds, claims = read.filter(flagged), read.filter(pc.invert(flagged))
    assert 150 < len(refunds) < 250
    assert claims.equals(table(World(n_claims=20_000, seed=6)))
    by_key = {row["setl_id"]: row for row in claims.to_pylist()}
    for row in refunds.to_pylist():
        taken_back = by_key[row["setl_id"]]
        assert claim(row).medfee_sumamt == -claim(taken_back).medfee_sumamt
        assert claim(row).psn_key == claim(taken_back).psn_key


def test_ingest_nets_every_refund() -> None:
    world = World(n_claims=20_000, seed=6, refunds=0.01)
    ingest = Ingest(world, load_mapping("nhsa_4101_wide"), pseudonym_key=bytes(32))
    held = sum(int(batch.table.total.sum()) for batch in ingest)
    refunded = ingest.report.refunded
    assert refunded == len(table(world, ["setl_id"])) - 20_000
    assert ingest.report.accepted == 20_000 - refunded
    assert not ingest.report.rejected
    assert held == fen(table(world, ["medfee_sumamt"]), "medfee_sumamt").sum()
