"""A world is the same on every pass, column by column, and takes no more memory when it is large."""

from __future__ import annotations

import pickle
import tracemalloc

import pyarrow as pa
import pytest

from client.claims.sources.source import ClaimSource
from common.errors import SourceError
from simulations.world import BureauClaims, World
from simulations.world.block import BLOCK
from tests.simulations.world.reading import table


def _bytes(source: World | BureauClaims) -> bytes:
    sink = pa.BufferOutputStream()
    batches = source.batches()
    first = next(batches)
    with pa.ipc.new_stream(sink, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def test_two_passes_give_the_same_bytes() -> None:
    world = World(n_claims=40_000, seed=3)
    assert _bytes(world) == _bytes(world)


def test_the_same_arguments_make_the_same_world_and_another_seed_another() -> None:
    assert _bytes(World(n_claims=5_000, seed=3)) == _bytes(World(n_claims=5_000, seed=3))
    assert _bytes(World(n_claims=5_000, seed=3)) != _bytes(World(n_claims=5_000, seed=4))


def test_columns_do_not_depend_on_which_others_are_asked_for() -> None:
    world = World(n_claims=40_000, seed=3)
    whole = table(world)
    for names in (["refd_setl_flag", "setl_id"], ["psn_cash_pay"], ["act_ipt_days", "psn_no", "gend"]):
        assert table(world, names).equals(whole.select(names))


def test_bureaus_together_are_the_world() -> None:
    world = World(n_claims=30_000, seed=3)
    assert pa.concat_tables([table(bureau) for bureau in world.bureaus]).combine_chunks().equals(table(world))
    for bureau in world.bureaus:
        assert table(bureau)["insu_admdvs"].unique().to_pylist() == [bureau.region.code]


def test_batches_are_blocks_of_one_schema_and_one_dictionary() -> None:
    batches = list(World(n_bureaus=2, n_claims=60_000).batches())
    assert max(len(batch) for batch in batches) == BLOCK
    for batch in batches:
        assert batch.schema == batches[0].schema
        assert batch["fixmedins_code"].dictionary.equals(batches[0]["fixmedins_code"].dictionary)
        batch.validate(full=True)


def test_claims_of_a_region_are_in_the_order_of_their_settlement() -> None:
    (bureau, *_) = World(n_claims=60_000).bureaus
    settled = table(bureau, ["setl_time"])["setl_time"].to_numpy().astype("int64")
    assert (settled[1:] >= settled[:-1]).all()


def test_a_world_and_a_bureau_can_be_pickled_after_use() -> None:
    world = World(n_claims=3_000, seed=5)
    before = _bytes(world)
    assert len(pickle.dumps(world)) < 100_000
    assert _bytes(pickle.loads(pickle.dumps(world))) == before  # noqa: S301 - our own bytes
    (bureau, *_) = world.bureaus
    assert _bytes(pickle.loads(pickle.dumps(bureau))) == _bytes(bureau)  # noqa: S301


def test_a_world_is_a_claim_source() -> None:
    world = World(n_claims=100)
    sources: list[ClaimSource] = [world, *world.bureaus]
    for source in sources:
        (batch, *_) = source.batches(["setl_id", "drg_code"], codes=["drg_code"])
        assert batch.schema.names == ["setl_id", "drg_code"]
        assert set(batch.schema.names) < set(source.schema_names)


def test_a_column_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SourceError, match="dip_code"):
        World(n_claims=100).bureaus[0].batches(["setl_id", "dip_code"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_bureaus", 0), ("n_claims", 7), ("seed", -1), ("heterogeneity", -0.1), ("refunds", 1.1), ("days", 0)],
)
def test_arguments_out_of_range_are_refused(name: str, value: float) -> None:
    arguments: dict[str, float] = {"n_bureaus": 8, "n_claims": 100, name: value}
    with pytest.raises(ValueError, match=name):
        World(**arguments)  # type: ignore[arg-type]


def _peak(n_claims: int) -> int:
    world = World(n_claims=n_claims, n_bureaus=4)
    tracemalloc.start()
    for _ in world.batches():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_claims() -> None:
    small, large = _peak(100_000), _peak(1_000_000)
    assert large < 1.2 * small + 2**20
    assert large < 64 * 2**20, "a million claims as a table are 400 MiB"
