from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from common.grid import GRID_UNITS, from_grid
from common.kernel import e_step, row_norms
from common.private.bounding import BoundedSums, bounded_histogram, bounded_sums
from common.private.budget import Shares, level_budgets, noise_for, polish_budget
from common.private.lbg import PrivateRound, Recipe, Step, bin_edges, first, following, noise_of
from common.private.update import Cells, NoiseStds, radius_from_histogram, updated
from tests.common.rows import blobs

ROWS = blobs(20_000, 8, 6, seed=6, spread=0.3)
MU_SQUARED = 0.25


def recipe_of(**changes: object) -> Recipe:
    held = {"n_features": 8, "n_clusters": 6, "n_leaves": 36, "mu_squared": MU_SQUARED, "sensitivity": 1.0, "seed": 0}
    return Recipe(**(held | changes))  # type: ignore[arg-type]


def rounds_of(recipe: Recipe, rows: np.ndarray, noise_factor: float, seed: int) -> Iterator[PrivateRound | Cells]:
    """A run with rounded continuous noise: enough to look at the schedule, never to protect anything."""
    rng, weights = np.random.default_rng(seed), np.full(len(rows), GRID_UNITS, np.int64)
    asked: PrivateRound | Cells = first(recipe)

    def noised(values: np.ndarray, std: float) -> np.ndarray:
        return values + np.rint(rng.normal(size=values.shape) * std * GRID_UNITS * noise_factor).astype(np.int64)

    while isinstance(asked, PrivateRound):
        yield asked
        noise, cells = noise_of(recipe, asked), asked.cells
        if asked.step is Step.RADIUS:
            found = bounded_histogram(rows, weights, cells.centroids[0], bin_edges())
            asked = following(recipe, asked, noised(found, noise.counts))
            continue
        labels = e_step(rows, row_norms(rows), cells.centroids).labels
        sums = bounded_sums(rows, weights, labels, cells.centroids, cells.radii)
        noisy = BoundedSums(
            counts=noised(sums.counts, noise.counts),
            sums=noised(sums.sums, noise.sums),
            squares=noised(sums.squares, noise.squares),
        )
        asked = following(recipe, asked, noisy)
    yield asked


def ratio(recipe: Recipe, noise_factor: float = 1.0, seed: int = 0) -> float:
    *_, cells = rounds_of(recipe, ROWS, noise_factor, seed)
    assert isinstance(cells, Cells)
    centroids = from_grid(cells.centroids)
    ours = ((ROWS[:, None] - centroids) ** 2).sum(axis=2).min(axis=1).sum()
    return float(ours / KMeans(recipe.n_clusters, n_init=10, random_state=0).fit(ROWS).inertia_)


@given(st.floats(1e-3, 4.0), st.integers(1, 9))
def test_the_budget_is_divided_without_rest(mu_squared: float, levels: int) -> None:
    histogram, parts = level_budgets(mu_squared, levels, Shares())
    assert len(parts) == levels + 1
    assert histogram + sum(parts) + polish_budget(mu_squared, Shares()) == pytest.approx(mu_squared)


@given(st.floats(1e-4, 4.0), st.integers(1, 500), st.floats(0.1, 20.0))
def test_the_noise_of_a_round_costs_exactly_its_budget(mu_squared: float, d: int, sensitivity: float) -> None:
    noise = noise_for(mu_squared, d, sensitivity, Shares())
    spent = sum((sensitivity / std) ** 2 for std in (noise.counts, noise.sums, noise.squares))
    assert spent == pytest.approx(mu_squared)
    assert noise.counts**2 / noise.sums**2 == pytest.approx(2 * np.sqrt(d))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("mu_squared", [0.003, MU_SQUARED, 4.0])
def test_a_run_spends_its_whole_budget_and_no_more(seed: int, mu_squared: float) -> None:
    asked = [
        one for one in rounds_of(recipe_of(mu_squared=mu_squared), ROWS, 1.0, seed) if isinstance(one, PrivateRound)
    ]
    assert sum(one.mu_squared for one in asked) == pytest.approx(mu_squared)


def test_unspent_seeding_budget_goes_to_polishing() -> None:
    rich, poor = (
        [one for one in rounds_of(recipe_of(mu_squared=mu), ROWS[:1_000], 0.0, 0) if isinstance(one, PrivateRound)]
        for mu in (4.0, 0.001)
    )
    levels = [len([one for one in found if one.step is Step.LEVEL]) for found in (rich, poor)]
    assert levels[1] < levels[0], "with little budget fewer cells are worth splitting"
    assert poor[-1].mu_squared * Shares().polish_rounds > 1.1 * polish_budget(0.001, Shares())


def test_without_noise_it_finds_what_pooling_finds() -> None:
    assert ratio(recipe_of(), noise_factor=0.0) <= 1.01


def test_with_noise_it_stays_close_and_with_far_too_much_it_does_not() -> None:
    assert np.mean([ratio(recipe_of(), 1.0, seed) for seed in range(3)]) <= 1.05
    assert np.mean([ratio(recipe_of(), 300.0, seed) for seed in range(3)]) > 1.2


def test_the_schedule_follows_from_the_released_sums_alone() -> None:
    one, other = (list(rounds_of(recipe_of(), ROWS, 1.0, 5)) for _ in range(2))
    assert len(one) == len(other)
    assert all(
        np.array_equal(a.cells.centroids, b.cells.centroids)
        for a, b in zip(one[:-1], other[:-1], strict=True)
        if isinstance(a, PrivateRound) and isinstance(b, PrivateRound)
    )


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
    clear = from_grid(updated(CELL, noisy_cell(10_000, 0.4), noise, 5.0, 1.0).centroids)[0]
    assert clear == pytest.approx([0.2, 0.0], abs=1e-4)
    lost = from_grid(updated(CELL, noisy_cell(10, 0.1), noise, 5.0, 1.0).centroids)[0]
    assert lost.tolist() == [0.0, 0.0]


def test_no_step_is_longer_than_the_radius_and_a_lost_cell_stays() -> None:
    noise = NoiseStds(counts=1.0, sums=0.01, squares=1.0)
    far = from_grid(updated(CELL, noisy_cell(100, 3.0), noise, 5.0, 1.0).centroids)[0]
    assert np.linalg.norm(far) <= 0.5 + 1e-6
    nothing = updated(CELL, noisy_cell(-20, 0.5), noise, 50.0, 1.0)
    assert nothing.centroids.tolist() == [[0, 0]]
    assert nothing.counts.tolist() == [0.0]
    assert nothing.radii.tolist() == CELL.radii.tolist()


def test_the_first_radius_holds_nearly_all_claims() -> None:
    edges = bin_edges()
    held = np.zeros(40, np.int64)
    held[[3, 20, 39]] = [600, 396, 4]
    assert radius_from_histogram(held, edges, 0.995) == edges[20]
    assert radius_from_histogram(-held, edges, 0.995) == edges[-1]


def test_a_radius_round_does_not_take_sums() -> None:
    with pytest.raises(TypeError, match="bounded sums"):
        following(recipe_of(), first(recipe_of()), np.zeros(40, np.int64))
