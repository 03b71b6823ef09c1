import numpy as np
import pytest

from common.grid import from_grid, to_grid
from common.seeding import means, reseat, split
from common.summary import cell_inertia
from tests.common.rows import blobs, summary_by_hand

ROWS = blobs(400, 6, 4, seed=5, spread=0.3)
LABELS = np.arange(400) % 3


def test_means_are_sums_over_counts_to_half_a_grid_unit() -> None:
    summary = summary_by_hand(ROWS, LABELS, 3)
    found = from_grid(means(summary, np.zeros((3, 6), np.int64)))
    expected = [ROWS[k == LABELS].astype(np.float64).mean(axis=0) for k in range(3)]
    assert np.abs(found - expected).max() <= 0.5 / 2**20


def test_an_empty_cell_keeps_its_centroid() -> None:
    summary = summary_by_hand(ROWS, LABELS, 4)
    kept = np.arange(24, dtype=np.int64).reshape(4, 6)
    assert means(summary, kept)[3].tolist() == kept[3].tolist()


def test_a_split_puts_two_halves_evenly_around_the_mean() -> None:
    summary = summary_by_hand(ROWS, LABELS, 3)
    cells = means(summary, np.zeros((3, 6), np.int64))
    halves = split(summary, cells, 6, (1, 1))
    assert len(halves) == 6
    heaviest = np.argsort(-cell_inertia(summary), kind="stable")
    assert np.array_equal(halves[heaviest] + halves[3:], 2 * cells[heaviest])
    radius = np.sqrt(cell_inertia(summary)[heaviest] / summary.counts[heaviest])
    steps = np.linalg.norm(from_grid(halves[3:] - cells[heaviest]), axis=1)
    assert steps == pytest.approx(0.5 * radius, rel=1e-4)


def test_the_heaviest_cells_are_split_first_and_no_more_than_asked() -> None:
    summary = summary_by_hand(ROWS, np.where(np.arange(400) < 300, 0, 1), 2)
    cells = means(summary, np.zeros((2, 6), np.int64))
    halves = split(summary, cells, 3, (1, 1))
    assert len(halves) == 3
    assert np.array_equal(halves[1], cells[1])
    assert not np.array_equal(halves[0], cells[0])


def test_a_cell_of_equal_rows_is_not_split() -> None:
    rows = np.tile(ROWS[:1], (50, 1))
    summary = summary_by_hand(rows, np.zeros(50, np.int64), 1)
    cells = means(summary, np.zeros((1, 6), np.int64))
    assert np.array_equal(split(summary, cells, 2, (1, 1)), cells)


def test_a_small_cell_is_not_split() -> None:
    summary = summary_by_hand(ROWS[:20], np.zeros(20, np.int64), 1)
    cells = means(summary, np.zeros((1, 6), np.int64))
    assert len(split(summary, cells, 2, (1, 1), smallest=11)) == 1
    assert len(split(summary, cells, 2, (1, 1), smallest=10)) == 2


def test_directions_follow_from_the_seed_alone() -> None:
    summary = summary_by_hand(ROWS, LABELS, 3)
    cells = means(summary, np.zeros((3, 6), np.int64))
    assert np.array_equal(split(summary, cells, 6, (1, 1)), split(summary, cells, 6, (1, 1)))
    assert not np.array_equal(split(summary, cells, 6, (1, 1)), split(summary, cells, 6, (1, 2)))
    assert not np.array_equal(split(summary, cells, 6, (1, 1)), split(summary, cells, 6, (2, 1)))


def test_a_lost_cell_is_reseated_beside_the_heaviest() -> None:
    summary = summary_by_hand(ROWS, LABELS, 4)
    cells = means(summary, to_grid(np.full((4, 6), 0.9 / 6)))
    moved = reseat(summary, cells, np.array([3]), (0, 0))
    heaviest = int(np.argmax(cell_inertia(summary)))
    assert np.array_equal(moved[3] + moved[heaviest], 2 * cells[heaviest])
    others = [k for k in range(3) if k != heaviest]
    assert np.array_equal(moved[others], cells[others])


def test_a_lost_cell_stays_where_nothing_can_be_split() -> None:
    rows = np.tile(ROWS[:1], (50, 1))
    summary = summary_by_hand(rows, np.zeros(50, np.int64), 2)
    cells = means(summary, np.zeros((2, 6), np.int64))
    assert np.array_equal(reseat(summary, cells, np.array([1]), (0, 0)), cells)
