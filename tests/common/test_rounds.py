import numpy as np
import pytest
from sklearn.cluster import KMeans

from common.errors import PlanError
from common.grid import GRID_UNITS, from_grid, to_grid
from common.plan import Phase
from common.rounds import Outcome, Round, next_round
from common.summary import Shape, Summary, inertia
from tests.common.open_run import outcome_of, plan_of, rounds_of, summarise
from tests.common.rows import blobs, on_grid

OVERLAPPING = blobs(6_000, 10, 7, seed=11, spread=1.2)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lloyd_rounds_equal_those_of_scikit_learn_from_the_same_start(seed: int) -> None:
    rows = blobs(6_000, 10, 7, seed=seed, spread=0.5)
    start = to_grid(rows[:6].astype(np.float64))
    theirs = KMeans(6, init=from_grid(start), n_init=1, tol=0.0, algorithm="lloyd").fit(rows.astype(np.float64))
    plan = plan_of(10, n_clusters=6, stop_per_million=0, refining_breadth=0, max_rounds=1000, smallest_cluster=1)
    asked: Round | Outcome = Round(number=1, phase=Phase.LLOYD, centroids=start)
    n_lloyd = 0
    while isinstance(asked, Round):
        n_lloyd += asked.phase is Phase.LLOYD
        asked = next_round(plan, asked, summarise(rows, asked))
    assert np.abs(from_grid(asked.centroids) - theirs.cluster_centers_).max() <= 1.5 / GRID_UNITS
    assert n_lloyd > 5, "the start must be far enough from the end for the test to mean anything"


def test_lloyd_from_another_start_ends_elsewhere() -> None:
    """The twin of the test above: the comparison can fail."""
    plan = plan_of(10, n_clusters=5, stop_per_million=0, refining_breadth=0, max_rounds=3 + 1)
    one, other = (
        next_round(plan, Round(number=1, phase=Phase.LLOYD, centroids=to_grid(start.astype(np.float64))), summary)
        for start in (OVERLAPPING[:5], OVERLAPPING[5:10])
        for summary in [
            summarise(OVERLAPPING, Round(number=1, phase=Phase.LLOYD, centroids=to_grid(start.astype(np.float64))))
        ]
    )
    assert np.abs(from_grid(one.centroids) - from_grid(other.centroids)).max() > 100 / GRID_UNITS


def test_a_run_finds_well_separated_groups_exactly() -> None:
    rows = blobs(3_000, 8, 12, seed=2)
    outcome = outcome_of(plan_of(8, n_clusters=12), rows)
    reference = KMeans(12, n_init=10, random_state=0).fit(rows)
    assert inertia(outcome.summary, outcome.centroids) == pytest.approx(reference.inertia_, rel=1e-4)


@pytest.mark.parametrize("n_clusters", [2, 5, 9, 20])
def test_a_run_is_as_good_as_the_pooled_reference(n_clusters: int) -> None:
    outcome = outcome_of(plan_of(10, n_clusters=n_clusters), OVERLAPPING)
    reference = KMeans(n_clusters, n_init=10, random_state=0).fit(OVERLAPPING)
    assert inertia(outcome.summary, outcome.centroids) <= 1.01 * reference.inertia_


def test_inertia_never_rises_while_lloyd_rounds_go_on() -> None:
    last = float("inf")
    seen = 0
    for asked, summary, _ in rounds_of(plan_of(10, n_clusters=6), OVERLAPPING):
        if asked.phase is not Phase.LLOYD or asked.step == 0:
            last = float("inf")
        if asked.phase is Phase.LLOYD:
            now = inertia(summary, asked.centroids)
            assert now <= last * (1 + 1e-9)
            last, seen = now, seen + 1
    assert seen > 5


def test_refinement_never_makes_the_result_worse() -> None:
    for seed in range(4):
        plain = outcome_of(plan_of(10, n_clusters=8, refining_breadth=0, seed=seed), OVERLAPPING)
        refined = outcome_of(plan_of(10, n_clusters=8, seed=seed), OVERLAPPING)
        before, after = (inertia(found.summary, found.centroids) for found in (plain, refined))
        assert after <= before * (1 + 1e-6)


def test_seeding_starts_with_one_cell_and_grows_to_the_plans_leaves() -> None:
    plan = plan_of(10, n_clusters=6, fewest_leaves=2, smallest_cluster=1)
    sizes = [len(asked.centroids) for asked, _, _ in rounds_of(plan, OVERLAPPING) if asked.phase is Phase.SEEDING]
    assert sizes == [1, *([2] * 3), *([4] * 3), *([8] * 3), *([16] * 3), *([18] * 3)]


def test_no_round_carries_more_centroids_than_the_plan_allows() -> None:
    plan = plan_of(10, n_clusters=40)
    assert max(len(asked.centroids) for asked, _, _ in rounds_of(plan, OVERLAPPING)) <= plan.max_centroids


def test_an_empty_cluster_is_reseated_and_the_run_keeps_its_number_of_clusters() -> None:
    plan = plan_of(10, n_clusters=5, refining_breadth=0)
    start = to_grid(np.concatenate([OVERLAPPING[:4].astype(np.float64), np.full((1, 10), 0.9)]))
    asked: Round | Outcome = Round(number=1, phase=Phase.LLOYD, centroids=start)
    assert summarise(OVERLAPPING, asked).counts[4] == 0
    while isinstance(asked, Round):
        asked = next_round(plan, asked, summarise(OVERLAPPING, asked))
    assert len(asked.centroids) == 5
    assert asked.summary.counts.min() >= plan.smallest_cluster


def test_a_cluster_below_the_floor_is_never_published() -> None:
    lonely = on_grid(np.concatenate([blobs(500, 4, 2, seed=1).astype(np.float64), np.full((3, 4), -0.49)]))
    outcome = outcome_of(plan_of(4, n_clusters=3, smallest_cluster=11), lonely)
    assert outcome.summary.counts.min() >= 11
    allowed = outcome_of(plan_of(4, n_clusters=3, smallest_cluster=1), lonely)
    assert allowed.summary.counts.min() == 3, "without the floor the three rows are a cluster of their own"


def test_equal_claims_give_one_cluster_however_many_are_asked_for() -> None:
    rows = np.tile(OVERLAPPING[:1], (100, 1))
    outcome = outcome_of(plan_of(10, n_clusters=4), rows)
    assert len(outcome.centroids) == 1
    assert outcome.summary.counts.tolist() == [100]


def test_fewer_claims_than_clusters_is_said_in_the_first_round() -> None:
    with pytest.raises(PlanError, match="5 claims cannot form 6 clusters"):
        outcome_of(plan_of(10, n_clusters=6), OVERLAPPING[:5])


def test_a_sum_of_another_shape_is_refused() -> None:
    asked = Round(number=1, phase=Phase.LLOYD, centroids=np.zeros((2, 10), np.int64))
    with pytest.raises(ValueError, match="shape"):
        next_round(plan_of(10, n_clusters=2), asked, Summary.zeros(Shape(3, 10, with_costs=False)))


def test_a_run_ends_when_its_rounds_are_used_up() -> None:
    outcome = outcome_of(plan_of(10, n_clusters=30, max_rounds=25), OVERLAPPING)
    assert outcome.rounds <= 27
    assert outcome.summary.n_rows == len(OVERLAPPING)


def test_the_outcome_is_measured_with_its_own_centroids() -> None:
    *_, (asked, summary, last) = rounds_of(plan_of(10, n_clusters=5), OVERLAPPING)
    assert asked.phase is Phase.MEASURE
    assert isinstance(last, Outcome)
    assert np.array_equal(last.centroids, asked.centroids)
    assert last.summary is summary
