import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.grid import GRID_UNITS, to_grid
from common.kernel import e_step, row_norms
from common.private.bounding import BoundedSums, bounded_histogram, bounded_sums
from common.weighting import Weighting, weigh
from tests.common.rows import blobs, on_grid

ROWS = blobs(300, 6, 4, seed=3, spread=0.8)
CENTROIDS = to_grid(blobs(4, 6, 4, seed=4).astype(np.float64))
RADII = to_grid(np.array([0.1, 0.4, 0.9, 1.5]))
ONE = np.full(300, GRID_UNITS, np.int64)


def sums_of(rows: np.ndarray, weights: np.ndarray, radii: np.ndarray = RADII) -> BoundedSums:
    labels = e_step(rows, row_norms(rows), CENTROIDS).labels
    return bounded_sums(rows, weights, labels, CENTROIDS, radii)


def distance(one: BoundedSums, other: BoundedSums) -> tuple[float, float, float]:
    """L2 distances of counts, sums and squares, in weights of 1."""
    counts, sums, squares = (
        float(np.linalg.norm((getattr(one, name) - getattr(other, name)).astype(np.float64))) / GRID_UNITS
        for name in ("counts", "sums", "squares")
    )
    return counts, sums, squares


def test_two_claims_worked_out_by_hand() -> None:
    rows = np.array([[0.5, 0.0], [0.0, 0.25]], np.float32)
    centre = np.zeros((1, 2), np.int64)
    found = bounded_sums(rows, ONE[:2], np.zeros(2, np.int32), centre, to_grid(np.array([0.25])))
    assert found.counts.tolist() == [2 * GRID_UNITS]
    assert (found.sums / GRID_UNITS)[0] == pytest.approx([1.0, 1.0], abs=2e-6), "the longer offset is cut to the radius"
    assert found.squares / GRID_UNITS == pytest.approx([2.0], abs=3e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_one_person_changes_each_sum_by_at_most_the_sum_of_the_weights(seed: int, n_claims: int) -> None:
    rng = np.random.default_rng(seed)
    extra = on_grid(rng.uniform(-1, 1, (n_claims, 6)) / np.sqrt(6))
    weights = weigh(np.full(n_claims, 7, np.uint64), Weighting.SHARED)
    before = sums_of(ROWS, ONE)
    after = sums_of(np.concatenate([ROWS, extra]), np.concatenate([ONE, weights]))
    assert max(distance(before, after)) <= 1.0


def test_the_bound_is_reached_so_it_is_not_larger_than_need_be() -> None:
    rows = np.zeros((1, 6), np.float32)
    rows[0, 0] = 1.0
    labels = np.zeros(1, np.int32)
    found = bounded_sums(rows, ONE[:1], labels, np.zeros((1, 6), np.int64), to_grid(np.array([0.5])))
    nothing = bounded_sums(rows[:0], ONE[:0], labels[:0], np.zeros((1, 6), np.int64), to_grid(np.array([0.5])))
    assert min(distance(found, nothing)) >= 1.0 - 1e-5


def test_without_the_bound_a_person_of_many_claims_would_exceed_it() -> None:
    """The twin: the same measurement finds claims that are not shared."""
    extra = np.repeat(ROWS[:1], 5, axis=0)
    after = sums_of(np.concatenate([ROWS, extra]), np.concatenate([ONE, ONE[:5]]))
    assert distance(sums_of(ROWS, ONE), after)[0] == 5.0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 5))
def test_weights_of_a_person_add_up_to_their_bound(persons: list[int], cap: int) -> None:
    ids = np.array(persons, np.uint64)
    for weighting, bound in ((Weighting.SHARED, 1), (Weighting.CAPPED, cap)):
        weights = weigh(ids, weighting, cap)
        of_person = np.bincount(ids.astype(np.int64), weights)
        assert of_person.max() <= bound * GRID_UNITS
        assert (of_person[np.unique(persons)] > 0).all(), "every person counts"


def test_capped_weights_keep_whole_claims_and_shared_ones_all() -> None:
    ids = np.array([5, 5, 5, 2, 5], np.uint64)
    assert (weigh(ids, Weighting.CAPPED, 2) / GRID_UNITS).tolist() == [1, 1, 0, 1, 0]
    assert (weigh(ids, Weighting.SHARED) * 4 // GRID_UNITS).tolist() == [1, 1, 1, 4, 1]
    assert (weigh(ids, Weighting.EACH_CLAIM) == GRID_UNITS).all()


def test_bounded_sums_add_up_over_any_split() -> None:
    whole = sums_of(ROWS, ONE)
    together = sums_of(ROWS[:100], ONE[:100]) + sums_of(ROWS[100:], ONE[100:])
    assert distance(whole, together) == (0.0, 0.0, 0.0)


def test_a_histogram_counts_each_claim_once_by_its_distance() -> None:
    edges = to_grid(np.array([0.25, 0.5, 0.75]))
    rows = np.zeros((5, 2), np.float32)
    rows[:, 0] = [0.0, 0.25, 0.3, 0.5, 0.9]
    found = bounded_histogram(rows, ONE[:5], np.zeros(2, np.int64), edges)
    assert (found / GRID_UNITS).tolist() == [2, 2, 1]


@pytest.mark.parametrize(("weights", "radii"), [(ONE + 1, RADII), (-ONE, RADII), (ONE, 0 * RADII)])
def test_weights_and_radii_that_would_break_the_bound_are_refused(weights: np.ndarray, radii: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"weight|radius"):
        sums_of(ROWS, weights, radii)


def test_a_cap_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        weigh(np.zeros(1, np.uint64), Weighting.CAPPED, 0)
