import numpy as np
import pytest
from sklearn.cluster import KMeans

from common.grid import GRID_UNITS, from_grid
from common.plan import Phase, Plan
from common.private.asked import PrivateRound
from common.private.bounding import BoundedSums
from common.private.budget import allotment
from common.private.lbg import first, following, noise_of
from common.private.question import bin_edges
from common.private.update import Caution, Cells, NoiseStds, radius_from_histogram, updated
from tests.common.private_run import outcome_of, private_plan, rounds_of
from tests.common.rows import blobs

ROWS = blobs(20_000, 8, 6, seed=6, spread=0.3)


def plan_at(epsilon_thousandths: int, **changes: object) -> Plan:
    return private_plan(8, {"epsilon_thousandths": epsilon_thousandths}, n_clusters=6, **changes)


PLAN = plan_at(1000)


def asked_in(plan: Plan, rows: np.ndarray = ROWS, seed: int = 0, *, noisy: bool = True) -> list[PrivateRound]:
    return [one for one in rounds_of(plan, [rows], seed, noisy=noisy) if isinstance(one, PrivateRound)]


def ratio(plan: Plan, seed: int = 0, *, noisy: bool = True, bureaus: int = 1, rows: np.ndarray = ROWS) -> float:
    centroids = from_grid(outcome_of(plan, np.array_split(rows, bureaus), seed, noisy=noisy).centroids)
    ours = ((rows[:, None] - centroids) ** 2).sum(axis=2).min(axis=1).sum()
    return float(ours / KMeans(6, n_init=10, random_state=0).fit(rows).inertia_)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("epsilon_thousandths", [100, 1000, 10_000])
def test_a_run_spends_its_budget_to_a_unit_and_no_more(seed: int, epsilon_thousandths: int) -> None:
    plan = plan_at(epsilon_thousandths)
    assert plan.privacy is not None
    total = allotment(plan.privacy, plan.max_leaves).total
    asked = asked_in(plan, seed=seed)
    assert sum(one.cost for one in asked) == total
    assert [one.spent for one in asked] == [sum(before.cost for before in asked[:at]) for at in range(len(asked))]
    assert outcome_of(plan, [ROWS], seed).spent == total


def test_a_run_seeds_finds_a_radius_polishes_and_measures() -> None:
    phases = [one.phase for one in asked_in(PLAN)]
    assert phases[:2] == [Phase.SEEDING, Phase.RADIUS]
    assert phases[-7:] == [Phase.LLOYD] * 6 + [Phase.MEASURE]
    assert set(phases[2:-7]) == {Phase.SEEDING}
    assert [one.number for one in asked_in(PLAN)] == list(range(1, len(phases) + 1))


def test_unspent_seeding_budget_goes_to_polishing() -> None:
    rich, poor = plan_at(10_000), plan_at(100)
    levels = [sum(one.phase is Phase.SEEDING for one in asked_in(plan, ROWS[:1_000])) for plan in (rich, poor)]
    assert levels[1] < levels[0], "with little budget fewer cells are worth splitting"
    assert poor.privacy is not None
    polish = sum(one.cost for one in asked_in(poor, ROWS[:1_000]) if one.phase is Phase.LLOYD)
    assert polish > 1.1 * allotment(poor.privacy, poor.max_leaves).polish


def test_without_noise_it_finds_what_pooling_finds() -> None:
    assert ratio(PLAN, noisy=False) <= 1.01


def test_with_noise_it_stays_close_and_with_far_too_much_it_does_not() -> None:
    assert np.mean([ratio(PLAN, seed) for seed in range(3)]) <= 1.02
    assert np.mean([ratio(plan_at(60), seed, rows=ROWS[:2_000]) for seed in range(3)]) > 1.2


def test_noise_of_everybody_costs_more_than_noise_of_an_honest_floor() -> None:
    terms = {"unit": "claim", "weighting": "each_claim", "expected_units": 20_000, "honest_floor": 6}
    secure = plan_at(300, protection="secure", privacy=terms)
    assert noise_of(secure, 10_000, 8).sums == pytest.approx(noise_of(PLAN, 10_000, 8).sums / np.sqrt(6))
    alone, together = (np.mean([ratio(plan, seed, bureaus=8) for seed in range(3)]) for plan in (plan_at(300), secure))
    assert together < alone


def test_the_schedule_follows_from_the_released_sums_alone() -> None:
    one, other = asked_in(PLAN, seed=5), asked_in(PLAN, seed=5)
    assert [a.question.digest() for a in one] == [b.question.digest() for b in other]
    assert [a.question.digest() for a in one] != [b.question.digest() for b in asked_in(PLAN, seed=6)]


def test_a_sum_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        following(PLAN, first(PLAN), np.zeros(9, np.int64), 1)


def test_what_is_measured_is_close_to_the_truth() -> None:
    found = outcome_of(PLAN, [ROWS], 3)
    measured, centroids = found.measured, from_grid(found.centroids)
    squares = ((ROWS[:, None] - centroids) ** 2).sum(axis=2)
    counts = np.bincount(squares.argmin(axis=1), minlength=len(centroids))
    assert np.abs(measured.counts - counts).max() < 4 * measured.count_noise_std
    assert 5 < measured.count_noise_std < 60
    assert measured.square_distances.sum() == pytest.approx(squares.min(axis=1).sum(), rel=0.1)
    assert np.abs(measured.costs[:, 0] - counts).max() < 4 * measured.cost_noise_std


CELL = Cells(
    centroids=np.zeros((1, 2), np.int64),
    radii=np.array([GRID_UNITS // 2]),
    counts=np.array([100.0]),
    spread=np.array([0.1]),
)


def noisy_cell(count: float, shift: float, square: float = 0.5) -> BoundedSums:
    """Sums of a cell of ``count`` claims whose mean offset is ``shift`` radii along the first axis."""
    values = [np.array([count]), np.array([[count * shift, 0.0]]), np.array([count * square])]
    counts, sums, squares = (np.rint(value * GRID_UNITS).astype(np.int64) for value in values)
    return BoundedSums(counts=counts, sums=sums, squares=squares)


def test_a_clear_step_is_taken_and_a_step_within_the_noise_is_not() -> None:
    noise = NoiseStds(counts=1.0, sums=1.0, squares=1.0)
    clear = from_grid(updated(CELL, noisy_cell(10_000, 0.4), noise, Caution(least=5.0, grow=1.0, doubt=1.0)).centroids)[
        0
    ]
    assert clear == pytest.approx([0.2, 0.0], abs=1e-4)
    lost = from_grid(updated(CELL, noisy_cell(10, 0.1), noise, Caution(least=5.0, grow=1.0, doubt=1.0)).centroids)[0]
    assert lost.tolist() == [0.0, 0.0]


def test_no_step_is_longer_than_the_radius_and_a_lost_cell_stays() -> None:
    noise = NoiseStds(counts=1.0, sums=0.01, squares=1.0)
    far = from_grid(updated(CELL, noisy_cell(100, 3.0), noise, Caution(least=5.0, grow=1.0, doubt=1.0)).centroids)[0]
    assert np.linalg.norm(far) <= 0.5 + 1e-6
    nothing = updated(CELL, noisy_cell(-20, 0.5), noise, Caution(least=50.0, grow=1.0, doubt=1.0))
    assert nothing.centroids.tolist() == [[0, 0]]
    assert nothing.counts.tolist() == [0.0]
    assert nothing.radii.tolist() == CELL.radii.tolist()


def test_the_first_radius_holds_nearly_all_claims() -> None:
    edges = bin_edges()
    held = np.zeros(40, np.int64)
    held[[3, 20, 39]] = [600, 396, 4]
    assert radius_from_histogram(held, edges, 0.995) == edges[20]
    assert radius_from_histogram(-held, edges, 0.995) == edges[-1]
