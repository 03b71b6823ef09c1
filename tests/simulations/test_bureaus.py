"""Claims dealt to bureaus: every claim to one bureau, bureaus without claims too, and nothing kept afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from client.claims.ingest import IngestReport
from client.claims.mapping import ClaimMapping, load_mapping
from client.memory_share import MemoryShare
from common.columns import ClaimTable
from common.errors import InputError, PlanError, SourceError
from common.features.default import default_spec
from common.messages import Offer, Refusal, RefusalCode
from common.plan import Plan, Protection
from common.wire import decode, encode
from simulations.bureaus import Bureaus, FileClaims, WorldClaims, gather_bureaus
from simulations.world import World
from tests.parties import PLAN as NARROW_PLAN
from tests.simulations.claim_files import MAPPING, N_CLAIMS, generated, parquet_file

SPEC = default_spec()
CAP = 200_000


def of_file(path: str, column: str | None = None, n_bureaus: int = 4, seed: int = 0) -> FileClaims:
    return FileClaims(paths=[path], mapping_name=MAPPING, bureau_column=column, n_bureaus=n_bureaus, seed=seed)


def gathered(path: str, column: str | None = None, n_bureaus: int = 4, seed: int = 0) -> Bureaus:
    return gather_bureaus(of_file(path, column, n_bureaus, seed), SPEC, CAP)


def sizes(bureaus: Bureaus) -> dict[str, int]:
    return {name: len(bureau.store) for name, bureau in sorted(bureaus.by_name.items())}


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> str:
    return parquet_file(tmp_path_factory.mktemp("claims") / "claims.parquet")


def test_a_column_names_the_bureaus_and_deals_every_claim(claims: str) -> None:
    held = generated()["of_3"].value_counts().to_pylist()
    assert sizes(gathered(claims, "of_3")) == {one["values"]: one["counts"] for one in held}


def test_claims_dealt_at_random_are_dealt_once_each_and_about_evenly(claims: str) -> None:
    found = sizes(gathered(claims))
    assert list(found) == ["bureau-1", "bureau-2", "bureau-3", "bureau-4"]
    assert sum(found.values()) == N_CLAIMS
    assert min(found.values()) > N_CLAIMS / 8


def test_the_same_seed_deals_the_same_claims(claims: str) -> None:
    assert sizes(gathered(claims)) == sizes(gathered(claims))
    assert sizes(gathered(claims, seed=1)) != sizes(gathered(claims))


def test_more_bureaus_than_claims_leaves_some_bureaus_empty(tmp_path: Path) -> None:
    found = gathered(parquet_file(tmp_path / "few.parquet", generated()[:5]), n_bureaus=12)
    assert len(found.by_name) == 12
    assert sum(sizes(found).values()) == 5
    assert sum(size == 0 for size in sizes(found).values()) >= 7


def test_each_region_of_a_generated_world_is_a_bureau() -> None:
    world = World(n_bureaus=4, n_claims=400, seed=2)
    found = gather_bureaus(WorldClaims(world=world), SPEC, CAP)
    assert sizes(found) == {region.code: region.n_claims for region in sorted(world.regions, key=lambda one: one.code)}
    assert found.n_claims == 400


def test_the_largest_bureau_comes_first_and_names_decide_a_tie(claims: str) -> None:
    found = gathered(claims, "of_7").largest_first()
    assert [(-len(one.store), one.name) for one in found] == sorted((-len(one.store), one.name) for one in found)


def test_rows_details_and_claims_stand_in_the_same_order(claims: str) -> None:
    found = gathered(claims, "of_1").by_name["bureau 0"]
    truth = found.tally.column("truth")
    names = gathered(claims, "of_1").vocabularies.truths.values
    assert [names[place] for place in truth] == [code.upper() for code in generated()["drg_code"].to_pylist()]
    assert sum(len(chunk.rows) for chunk in found.store.chunks()) == N_CLAIMS


def test_progress_counts_up_to_all_claims(claims: str) -> None:
    told: list[int] = []
    gather_bureaus(of_file(claims, "of_3"), SPEC, CAP, on_claims=told.append)
    assert told == sorted(told)
    assert told[-1] == N_CLAIMS


def test_all_bureaus_share_one_share_of_memory_and_give_it_back(claims: str) -> None:
    share = MemoryShare(N_CLAIMS * SPEC.n_features * 4 // 2)
    found = gather_bureaus(of_file(claims, "of_3"), SPEC, CAP, share)
    kept = [sum(len(chunk.rows) for chunk in bureau.store.chunks()) for bureau in found.by_name.values()]
    assert sum(kept) == N_CLAIMS
    assert {bureau.store.is_mapped for bureau in found.by_name.values()} == {True, False}
    found.close()
    assert share.take(N_CLAIMS * SPEC.n_features * 4 // 2)


class Told:
    """Claims that are told in advance."""

    def __init__(self, *dealt: tuple[str, ClaimTable]) -> None:
        self._dealt = dealt

    def mapping(self) -> ClaimMapping:
        return load_mapping(MAPPING)

    def dealt(self) -> Iterator[tuple[str, ClaimTable]]:
        yield from self._dealt

    def report(self) -> IngestReport:
        return IngestReport()


@pytest.fixture
def a_table(claims: str) -> ClaimTable:
    _, table = next(of_file(claims, "of_1").dealt())
    return table


def test_a_bureau_without_claims_is_a_bureau(a_table: ClaimTable) -> None:
    nothing = a_table.select(np.zeros(0, np.intp))
    found = gather_bureaus(Told(("full", a_table), ("empty", nothing)), SPEC, CAP)
    assert sizes(found) == {"empty": 0, "full": len(a_table)}
    assert len(found.by_name["empty"].tally.column("truth")) == 0


def test_no_claims_at_all_are_an_input_to_mend(a_table: ClaimTable) -> None:
    for nothing in (Told(), Told(("empty", a_table.select(np.zeros(0, np.intp))))):
        with pytest.raises(InputError, match="no claim was accepted; rows were rejected for: there are none"):
            gather_bureaus(nothing, SPEC, CAP)


def test_too_many_bureaus_are_the_plans_mistake(a_table: ClaimTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.bureaus.MAX_BUREAUS", 2)
    with pytest.raises(PlanError, match="more than 2 bureaus: choose a column with fewer values"):
        gather_bureaus(Told(("a", a_table), ("b", a_table), ("c", a_table)), SPEC, CAP)


@pytest.mark.parametrize("name", [None, "", "x" * 65, "two\nlines"])
def test_a_claim_whose_bureau_has_no_name_is_an_input_to_mend(tmp_path: Path, name: str | None) -> None:
    column = pa.array(["north"] * 19 + [name])
    path = parquet_file(tmp_path / "odd.parquet", generated()[:20].append_column("office", column))
    with pytest.raises(InputError, match="column 'office' names no bureau for some claims") as caught:
        gathered(path, "office")
    assert "lines" not in str(caught.value)


def test_numbers_may_name_bureaus(tmp_path: Path) -> None:
    column = pa.array([11, 12] * 10, pa.int64())
    path = parquet_file(tmp_path / "numbers.parquet", generated()[:20].append_column("office", column))
    assert sizes(gathered(path, "office")) == {"11": 10, "12": 10}


def test_a_bureau_whose_rows_were_all_refused_is_not_there(tmp_path: Path) -> None:
    codes = generated()[:20]["diag_code"].to_pylist()
    codes[:5] = ["???"] * 5
    table = generated()[:20].set_column(generated().schema.get_field_index("diag_code"), "diag_code", [codes])
    table = table.append_column("office", pa.array(["bad"] * 5 + ["good"] * 15))
    found = gathered(parquet_file(tmp_path / "odd.parquet", table), "office")
    assert sizes(found) == {"good": 15}
    assert sum(found.report.rejected.values()) == 5


def test_files_of_two_layouts_are_refused(claims: str, tmp_path: Path) -> None:
    other = parquet_file(tmp_path / "other.parquet", generated()[:5].drop_columns(["age"]))
    both = FileClaims(paths=[claims, other], mapping_name=MAPPING, bureau_column=None, n_bureaus=2, seed=0)
    with pytest.raises(SourceError, match=r"other\.parquet and claims\.parquet are not of one layout.*'age'"):
        gather_bureaus(both, SPEC, CAP)


def test_a_station_of_a_simulation_refuses_a_plan_its_rows_were_not_made_for(claims: str) -> None:
    good = Plan(features=SPEC, protection=Protection.NONE)
    offers = {plan: encode(Offer(session=bytes(16), plan=plan.canonical())) for plan in (good, NARROW_PLAN)}
    with gathered(claims, "of_3").stations(good, 2) as answers:
        refused = decode(answers["bureau 0"](offers[NARROW_PLAN]))
        assert isinstance(refused, Refusal)
        assert refused.code is RefusalCode.WRONG_PLAN
        assert not isinstance(decode(answers["bureau 0"](offers[good])), Refusal)
