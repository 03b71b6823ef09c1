"""One clustering, however the claims are split: the project's central promise, end to end."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from common.plan import Plan
from server.coordinator import Coordinator
from server.session import RoundReport, SessionReport, run_session
from simulations.engines import Engine, loopback_engine
from simulations.loopback import Answer, Loopback
from tests.simulations.claim_files import arguments, csv_file, generated, hash_of, parquet_file, story_of

REAL = Path(__file__).parents[3] / "shared" / "data" / "claims" / "sih_sus.parquet"


class Shuffled(Loopback):
    """A loopback whose nodes and replies come in random order."""

    def __init__(self, stations: Mapping[str, Answer], seed: int) -> None:
        super().__init__(stations, 1)
        self._rng = np.random.default_rng(seed)

    def nodes(self) -> list[str]:
        found = list(super().nodes())
        return [found[place] for place in self._rng.permutation(len(found))]

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        found = list(super().exchange(requests))
        yield from (found[place] for place in self._rng.permutation(len(found)))


def shuffled_engine(seed: int) -> Engine:
    def run(stations: Mapping[str, Answer], plan: Plan, on_round: Callable[[RoundReport], None]) -> SessionReport:
        with Shuffled(stations, seed) as transport:
            return run_session(Coordinator(plan, secrets.token_bytes(16), "test"), transport, on_round)

    return run


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> str:
    return parquet_file(tmp_path_factory.mktemp("claims") / "claims.parquet")


@cache
def expected(path: str) -> str:
    """What one bureau finds that holds all claims."""
    return hash_of(arguments(path, bureaus=1))


@pytest.mark.parametrize("column", ["of_1", "of_3", "of_7", "insu_admdvs", "med_type"])
def test_claims_split_by_a_column_give_one_hash(claims: str, column: str) -> None:
    assert hash_of(arguments(claims, bureau_column=column)) == expected(claims)


@pytest.mark.parametrize("bureaus", [2, 3, 7, 64])
def test_claims_dealt_at_random_give_one_hash(claims: str, bureaus: int) -> None:
    story = story_of(arguments(claims, bureaus=bureaus))
    assert story.result["n_bureaus"] == len(story.bureaus) == bureaus
    assert story.model.centroids_sha256 == expected(claims)


@pytest.mark.parametrize(("seed", "column"), [(1, "of_7"), (2, "of_7"), (3, "of_64")])
def test_replies_in_any_order_give_one_hash(claims: str, seed: int, column: str) -> None:
    assert hash_of(arguments(claims, bureau_column=column), shuffled_engine(seed)) == expected(claims)


@pytest.mark.parametrize("threads", [1, 16])
def test_any_number_of_threads_gives_one_hash(claims: str, threads: int) -> None:
    assert hash_of(arguments(claims, bureau_column="of_3"), loopback_engine(threads)) == expected(claims)


def test_claims_in_another_order_give_one_hash(claims: str, tmp_path: Path) -> None:
    order = np.random.default_rng(5).permutation(len(generated()))
    other = parquet_file(tmp_path / "turned.parquet", generated().take(order))
    assert hash_of(arguments(other, bureau_column="of_3")) == expected(claims)


def test_claims_as_text_and_in_several_files_give_one_hash(claims: str, tmp_path: Path) -> None:
    parts = [generated()[:400], generated()[400:401], generated()[401:]]
    paths = [csv_file(tmp_path / f"{place}.csv", part) for place, part in enumerate(parts)]
    assert hash_of(arguments(*paths, bureau_column="of_3")) == expected(claims)


def test_a_seed_is_a_seed_of_the_plan_too(claims: str) -> None:
    one, other = (story_of(arguments(claims, bureaus=3, seed=seed)).model for seed in (0, 1))
    assert one.plan_fingerprint != other.plan_fingerprint


@pytest.mark.parametrize("gone", [0, 700, -1])
def test_a_claim_less_gives_another_hash(claims: str, tmp_path: Path, gone: int) -> None:
    """The twin: the hash tells one claim among all."""
    kept = np.delete(np.arange(len(generated())), gone)
    other = parquet_file(tmp_path / "fewer.parquet", generated().take(kept))
    assert hash_of(arguments(other, bureau_column="of_3")) != expected(claims)


def test_a_claim_that_changes_gives_another_hash(claims: str, tmp_path: Path) -> None:
    codes = generated()["diag_code"].to_pylist()
    codes[5] = "S72.000" if not codes[5].startswith("S") else "I10.x00"
    place = generated().schema.get_field_index("diag_code")
    other = parquet_file(tmp_path / "other.parquet", generated().set_column(place, "diag_code", [codes]))
    assert hash_of(arguments(other, bureau_column="of_3")) != expected(claims)


def test_a_claim_that_stands_in_two_files_is_not_counted_twice(claims: str, tmp_path: Path) -> None:
    twice = parquet_file(tmp_path / "again.parquet", generated()[:10])
    story = story_of(arguments(claims, twice, bureaus=3))
    assert sum(story.rejected.values()) > 0
    assert story.result["n_claims"] + sum(story.rejected.values()) == len(generated()) + 10


@pytest.mark.skipif(not REAL.is_file(), reason="the hospital admissions of shared/data are not here")
def test_real_admissions_split_by_region_give_one_hash() -> None:
    assert hash_of(arguments(str(REAL), mapping="sih_sus", bureau_column="region")) == _real()


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason="the hospital admissions of shared/data are not here")
@pytest.mark.parametrize("bureaus", [3, 7, 64])
def test_real_admissions_dealt_at_random_give_one_hash(bureaus: int) -> None:
    assert hash_of(arguments(str(REAL), mapping="sih_sus", bureaus=bureaus)) == _real()


@cache
def _real() -> str:
    return hash_of(arguments(str(REAL), mapping="sih_sus", bureaus=1))
