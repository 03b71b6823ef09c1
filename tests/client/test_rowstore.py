"""The row store: the same bits wherever rows are kept and however they came, within its share of memory."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import rowstore
from client.memory_share import MemoryShare
from client.rowstore import RowStore
from common.costs import costs_of, sum_costs
from common.grid import GRID_UNITS, to_grid
from common.kernel import Rows
from common.summary import Shape, Summary
from tests.common.rows import blobs, summary_by_hand
from tests.parties import CAP_YUAN, nobody_twice, store_of, totals

ROWS = blobs(500, 4, 5, seed=3, spread=0.5)
CENTROIDS = to_grid(blobs(3, 4, 3, seed=4).astype(np.float64))
ROW_BYTES = 4 * 4
NOTHING = MemoryShare(0)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowstore, "CHUNK_ROWS", 64)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def words(store: RowStore) -> list[int]:
    found: list[int] = store.summarise(CENTROIDS, with_costs=True).to_vector().tolist()
    return found


def nearest(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    exact = rows.astype(np.float64)[:, None] - CENTROIDS / GRID_UNITS
    return np.argmin((exact**2).sum(axis=2), axis=1)


def expected() -> list[int]:
    labels = nearest(ROWS)
    found = summary_by_hand(ROWS, labels, len(CENTROIDS))
    costs = sum_costs(costs_of(totals(ROWS), CAP_YUAN), labels.astype(np.int32), len(CENTROIDS))
    return [*found.to_vector().tolist(), *costs.ravel().tolist()]


def test_a_summary_is_the_one_worked_out_row_by_row() -> None:
    assert words(store_of(ROWS)) == expected()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("share", [10**9, ROW_BYTES * 200, 0], ids=["in memory", "moved on the way", "mapped"])
@pytest.mark.parametrize("pieces", [1, 2, 7, 500], ids=lambda pieces: f"{pieces} pieces")
@pytest.mark.parametrize("threads", [1, 3], ids=lambda threads: f"{threads} threads")
def test_a_summary_has_the_same_bits_wherever_rows_are_kept(share: int, pieces: int, threads: int) -> None:
    with store_of(ROWS, MemoryShare(share), pieces) as store:
        store.n_threads = threads
        assert words(store) == expected()
        assert store.is_mapped == (share < ROW_BYTES * len(ROWS))


@given(st.lists(st.integers(0, 500), max_size=8), st.sampled_from([0, 64 * ROW_BYTES, 10**9]))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_a_summary_has_the_same_bits_however_rows_were_appended(cuts: list[int], share: int) -> None:
    with RowStore(4, CAP_YUAN, MemoryShare(share)) as store:
        for part in np.split(ROWS, sorted(cuts)):
            store.append(part, totals(part), nobody_twice(part))
        assert words(store) == expected()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("share", [10**9, 0], ids=["in memory", "mapped"])
def test_rows_may_follow_after_a_summary(share: int) -> None:
    with RowStore(4, CAP_YUAN, MemoryShare(share)) as store:
        for part in np.array_split(ROWS, 5):
            store.append(part, totals(part), nobody_twice(part))
            store.summarise(CENTROIDS, with_costs=False)
        assert words(store) == expected()


@pytest.mark.parametrize("share", [10**9, 0], ids=["in memory", "mapped"])
def test_a_row_more_changes_the_summary(share: int) -> None:
    with store_of(ROWS, MemoryShare(share)) as store:
        store.append(ROWS[:1], totals(ROWS[:1]), nobody_twice(ROWS[:1]))
        assert words(store) != expected()
        assert len(store) == len(ROWS) + 1


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("share", [10**9, 0], ids=["in memory", "mapped"])
def test_chunks_hold_the_rows_in_the_order_they_came(share: int) -> None:
    with store_of(ROWS, MemoryShare(share), pieces=3) as store:
        held = [chunk.rows.copy() for chunk in store.chunks()]
    assert np.array_equal(np.concatenate(held), ROWS)
    assert max(len(rows) for rows in held) <= 64


def test_an_empty_store_sums_up_to_nothing() -> None:
    with RowStore(4, CAP_YUAN) as store:
        assert len(store) == 0
        assert list(store.chunks()) == []
        found = store.summarise(CENTROIDS, with_costs=True)
        assert found.to_vector().tolist() == Summary.zeros(Shape(3, 4, with_costs=True)).to_vector().tolist()
        store.append(ROWS[:0], totals(ROWS[:0]), nobody_twice(ROWS[:0]))
        assert store.summarise(CENTROIDS, with_costs=False).shape == Shape(3, 4, with_costs=False)
        assert len(store) == 0


@pytest.mark.parametrize(
    "rows",
    [ROWS[:, :3].copy(), np.zeros((500, 5), np.float32), ROWS[:-1], ROWS.astype(np.float64), ROWS.ravel()],
    ids=["narrow", "wide", "one short", "float64", "flat"],
)
def test_rows_that_do_not_fit_are_refused(rows: Rows) -> None:
    for share in (10**9, 0):
        with RowStore(4, CAP_YUAN, MemoryShare(share)) as store:
            with pytest.raises(ValueError, match=r"do not fit 500 totals, [0-9]+ persons and 4 float32 features"):
                store.append(rows, totals(ROWS), nobody_twice(rows))
            assert len(store) == 0


def test_more_rows_than_a_sum_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowstore, "MAX_ROWS", 600)
    with store_of(ROWS) as store, pytest.raises(ValueError, match="at most 600 rows"):
        store.append(ROWS, totals(ROWS), nobody_twice(ROWS))


@given(st.integers(0, 1_000), st.lists(st.integers(0, 400), max_size=12))
@settings(derandomize=True, deadline=None)
def test_a_share_never_grants_more_than_it_has(limit: int, asked: list[int]) -> None:
    share, granted = MemoryShare(limit), 0
    for n_bytes in asked:
        if share.take(n_bytes):
            granted += n_bytes
        else:
            assert granted + n_bytes > limit, "what fits is granted"
        assert granted <= limit
    share.give_back(granted)
    assert share.take(limit)
    assert not share.take(1)


@pytest.mark.usefixtures("small_chunks")
def test_stores_of_one_process_share_its_memory() -> None:
    share = MemoryShare(ROW_BYTES * 600)
    with store_of(ROWS, share) as first:
        assert not first.is_mapped
        with store_of(ROWS, share) as second:
            assert second.is_mapped
            assert words(first) == words(second) == expected()
    assert share.take(ROW_BYTES * 600), "closing gives memory back, once"
    assert not share.take(1)


def test_closing_twice_gives_memory_back_once() -> None:
    share = MemoryShare(ROW_BYTES * 500)
    store = store_of(ROWS, share)
    assert len(list(store.chunks())) == 1
    store.close()
    store.close()
    assert len(store) == 0
    assert share.take(ROW_BYTES * 500)
    assert not share.take(1)


def test_the_file_behind_a_map_has_no_name_and_vanishes_with_the_store(scratch: Path) -> None:
    def unnamed_files() -> list[str]:
        links = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]  # noqa: PTH208
        return [str(link.readlink()) for link in links if link.is_symlink() and str(scratch) in str(link.readlink())]

    store = store_of(ROWS, NOTHING)
    words(store)
    assert store.is_mapped
    assert list(scratch.iterdir()) == []
    assert [name.endswith("(deleted)") for name in unnamed_files()] == [True], "it is there, without a name"
    store.close()
    assert unnamed_files() == []


def test_the_file_behind_a_map_can_be_read_by_its_owner_alone(scratch: Path) -> None:
    with store_of(ROWS, NOTHING) as store:
        words(store)
        assert store._file is not None
        assert os.fstat(store._file.fileno()).st_mode & 0o077 == 0
        assert os.fstat(store._file.fileno()).st_dev == scratch.stat().st_dev
