import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster._k_means_common import _inertia_dense

from common.grid import GRID_UNITS, from_grid, to_grid
from common.kernel import e_step, row_norms
from common.summary import Summary, cell_inertia, inertia
from tests.common.rows import blobs, on_grid, summary_by_hand


def exact_labels(rows: npt.NDArray[np.float32], centroids: npt.NDArray[np.int64]) -> list[int]:
    """Nearest centroid in Python's unbounded integers, the lowest index at a tie."""
    places = [[int(float(value) * GRID_UNITS) for value in row] for row in rows]
    return [
        min(
            range(len(centroids)),
            key=lambda k: (sum((x - int(c)) ** 2 for x, c in zip(row, centroids[k], strict=True)), k),
        )
        for row in places
    ]


def as_summary(rows: npt.NDArray[np.float32], centroids: npt.NDArray[np.int64], n_threads: int = 1) -> Summary:
    step = e_step(rows, row_norms(rows), centroids, n_threads)
    nothing = np.zeros((len(centroids), 0), np.int64)
    return Summary(counts=step.counts, sums=step.sums, squares=step.squares, costs=nothing)


def test_four_rows_worked_out_by_hand() -> None:
    rows = np.array([[0.5, 0.0], [0.25, 0.0], [0.0, 0.5], [0.0, 0.75]], np.float32)
    step = e_step(rows, row_norms(rows), to_grid(np.array([[0.5, 0.0], [0.0, 0.5]])))
    assert step.labels.tolist() == [0, 0, 1, 1]
    assert step.counts.tolist() == [2, 2]
    assert from_grid(step.sums).tolist() == [[0.75, 0.0], [0.0, 1.25]]
    assert (step.squares / 2**30).tolist() == [0.3125, 0.8125]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_assignment_is_the_nearest_centroid_in_exact_arithmetic(n: int, d: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = on_grid(rng.uniform(-1, 1, (n, d)) / np.sqrt(d))
    centroids = to_grid(rng.uniform(-1, 1, (k, d)) / np.sqrt(d))
    assert e_step(rows, row_norms(rows), centroids).labels.tolist() == exact_labels(rows, centroids)


def test_rows_within_float_rounding_of_a_border_go_to_the_exactly_nearest() -> None:
    rng = np.random.default_rng(7)
    rows = on_grid(rng.uniform(-1, 1, (300, 64)) / 8)
    one, other = rows[0].astype(np.float64), rows[1].astype(np.float64)
    middle = (one + other) / 2
    rows = on_grid(np.tile(middle, (300, 1)) + rng.integers(-1, 2, (300, 64)) / GRID_UNITS)
    centroids = to_grid(np.stack([one, other, rng.uniform(-0.1, 0.1, 64)]))
    found = e_step(rows, row_norms(rows), centroids).labels.tolist()
    assert found == exact_labels(rows, centroids)
    assert {0, 1} <= set(found), "the rows must lie on both sides for the test to mean anything"
    rough = -2.0 * rows @ from_grid(centroids).astype(np.float32).T + (from_grid(centroids) ** 2).sum(1).astype(
        np.float32
    )
    assert rough.argmin(axis=1).tolist() != found, "plain float32 must get some of them wrong"


def test_ties_go_to_the_lowest_index() -> None:
    rows = np.array([[0.0, 0.0]], np.float32)
    centroids = to_grid(np.array([[0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5], [0.5, 0.0]]))
    assert e_step(rows, row_norms(rows), centroids).labels.tolist() == [0]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_sums_are_those_of_plain_integers(n: int, d: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = on_grid(rng.uniform(-1, 1, (n, d)) / np.sqrt(d))
    centroids = to_grid(rng.uniform(-1, 1, (k, d)) / np.sqrt(d))
    step = e_step(rows, row_norms(rows), centroids)
    expected = summary_by_hand(rows, step.labels.astype(np.int64), k)
    assert np.array_equal(as_summary(rows, centroids).to_vector(), expected.to_vector())


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_threads_order_and_partition_do_not_change_a_bit(n_threads: int) -> None:
    rows = blobs(5_000, 24, 9, seed=3, spread=0.4)
    centroids = to_grid(blobs(17, 24, 9, seed=4).astype(np.float64))
    whole = as_summary(rows, centroids)
    shuffled = rows[np.random.default_rng(0).permutation(len(rows))]
    assert np.array_equal(as_summary(shuffled, centroids, n_threads).to_vector(), whole.to_vector())
    parts = [as_summary(np.ascontiguousarray(part), centroids) for part in np.array_split(shuffled, 13)]
    together = sum(parts[1:], parts[0])
    assert np.array_equal(together.to_vector(), whole.to_vector())


def test_many_rows_at_the_border_of_the_ball_do_not_overflow() -> None:
    rows = np.zeros((70_000, 3), np.float32)
    rows[:, 0] = 1.0
    step = e_step(rows, row_norms(rows), to_grid(np.array([[1.0, 0.0, 0.0]])))
    assert from_grid(step.sums).tolist() == [[70_000.0, 0.0, 0.0]]
    assert step.squares.tolist() == [70_000 * 2**30]


def test_inertia_from_sums_is_that_of_scikit_learn() -> None:
    rows = blobs(4_000, 12, 5, seed=1, spread=0.3)
    centroids = to_grid(blobs(6, 12, 5, seed=2).astype(np.float64))
    step = e_step(rows, row_norms(rows), centroids)
    floats = from_grid(centroids)
    theirs = _inertia_dense(rows.astype(np.float64), np.ones(len(rows)), floats, step.labels, 1)
    assert inertia(as_summary(rows, centroids), centroids) == pytest.approx(theirs, rel=1e-8)


def test_inertia_of_a_cell_is_around_its_own_mean() -> None:
    rows = np.array([[0.25, 0.0], [0.75, 0.0]], np.float32)
    found = cell_inertia(as_summary(rows, to_grid(np.array([[0.0, 0.0], [-1.0, 0.0]]))))
    assert found.tolist() == [0.125, 0.0]


@pytest.mark.parametrize("value", [1.0 + 2.0**-20, 30.0, np.nan, np.inf])
def test_a_row_outside_the_unit_ball_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="unit ball"):
        row_norms(np.array([[0.0, value]], np.float32))


@pytest.mark.parametrize(
    ("rows", "norms", "centroids", "reason"),
    [
        (np.zeros((2, 3)), np.zeros(2, np.int32), np.zeros((1, 3), np.int64), "float32"),
        (np.zeros((2, 3), np.float32), np.zeros(3, np.int32), np.zeros((1, 3), np.int64), "norms"),
        (np.zeros((2, 3), np.float32), np.zeros(2, np.int32), np.zeros((1, 4), np.int64), "features"),
        (np.zeros((2, 3), np.float32), np.zeros(2, np.int32), np.zeros((0, 3), np.int64), "non-empty"),
        (np.zeros((2, 3), np.float32), np.zeros(2, np.int32), np.full((1, 3), 5 << 20, np.int64), "origin"),
    ],
)
def test_what_does_not_fit_is_refused(
    rows: npt.NDArray[np.float32], norms: npt.NDArray[np.int32], centroids: npt.NDArray[np.int64], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        e_step(rows, norms, centroids)
