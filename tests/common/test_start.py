"""A run that starts from given centroids: no seeding, the budget goes to what is left."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from common.errors import RoundLostError
from common.grid import GRID_UNITS, to_grid
from common.plan import Phase, Plan, Protection
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.budget import LEAST_COST, allotment
from common.private.feasible import feasibility
from common.private.forecast import forecast
from common.private.lbg import after_loss, first, following
from common.rounds import first_round
from common.start import LARGEST_RADIUS, Start
from tests.common.open_run import plan_of
from tests.common.private_run import outcome_of, private_plan
from tests.common.rows import blobs

K, D = 4, 3
SEED, SHIFT = 3, 0.02
ROWS = blobs(40_000, D, K, SEED, 0.05)


def _centres() -> npt.NDArray[np.float64]:
    """Where ``blobs`` puts its groups."""
    found = np.random.default_rng(SEED).normal(size=(K, D))
    return np.asarray(found * 0.7 / np.linalg.norm(found, axis=1, keepdims=True))


CENTRES = _centres()


def start(shift: float = 0.0) -> Start:
    return Start.of(to_grid(CENTRES + shift), np.full(K, GRID_UNITS // 2, np.int64))


def started(polish_rounds: int, outcomes: int = 0, **changes: Any) -> Plan:
    division = {"polish_rounds": polish_rounds, "outcomes": outcomes}
    return private_plan(D, {"division": division}, n_clusters=K, start=start(SHIFT), **changes)


def test_a_plan_with_a_start_survives_the_way_to_its_canonical_form_and_back() -> None:
    plan = started(2)
    assert Plan.from_canonical(plan.canonical()) == plan
    assert plan.fingerprint != private_plan(D, {"division": {"polish_rounds": 2}}, n_clusters=K).fingerprint


@pytest.mark.parametrize(("rounds", "outcomes"), [(0, 0), (3, 0), (0, 400), (2, 100)])
def test_the_rounds_are_polishing_measuring_and_outcomes_and_cost_the_whole_budget(rounds: int, outcomes: int) -> None:
    plan = started(rounds, outcomes)
    expected = [*[Phase.LLOYD] * rounds, Phase.MEASURE, *([Phase.OUTCOMES] if outcomes else [])]
    assert plan.privacy is not None
    assert [one.phase for one in forecast(plan)] == expected
    parts = allotment(plan.privacy, plan.max_leaves)
    assert sum(one.cost for one in forecast(plan)) == parts.total == parts.polish + parts.measure + parts.outcomes
    assert (parts.root, parts.histogram, parts.levels) == (0, 0, ())


def test_the_first_question_is_about_the_centroids_of_the_plan() -> None:
    asked = first(started(2))
    assert (asked.centroids == start(SHIFT).centroid_units()).all()
    assert (asked.radii == start().radius_units()).all()


def test_a_run_without_polishing_measures_around_the_very_centroids_it_was_given() -> None:
    plan = started(0)
    found = outcome_of(plan, [ROWS], 1)
    assert (found.centroids == start(SHIFT).centroid_units()).all()
    assert found.rounds == 1
    nearest = np.linalg.norm(ROWS[:, None] - CENTRES - SHIFT, axis=2).argmin(axis=1)
    off = found.measured.counts - np.bincount(nearest, minlength=K)
    assert 0 < np.abs(off).max() < 5 * found.measured.count_noise_std


def test_polishing_brings_a_shifted_start_back() -> None:
    found = outcome_of(started(4), [ROWS], 1)
    assert found.rounds == 5
    off = np.linalg.norm(found.centroids / GRID_UNITS - CENTRES, axis=1)
    assert off.max() < 0.2 * np.linalg.norm(np.full(D, SHIFT))


def test_a_start_leaves_more_for_every_round_than_a_run_that_seeds() -> None:
    seeded, warm = private_plan(D, n_clusters=K), started(6)
    assert first(warm).cost > max(one.cost for one in forecast(seeded) if one.phase is Phase.LLOYD)
    assert feasibility(warm, 1).mu >= feasibility(seeded, 1).mu


def test_a_lost_measuring_round_without_polishing_cannot_be_repeated() -> None:
    asked = first(started(0))
    assert asked.phase is Phase.MEASURE
    with pytest.raises(RoundLostError):
        after_loss(started(0), asked, 1)


def test_lost_outcomes_leave_the_figures() -> None:
    plan = started(0, 400)
    asked = first(plan)
    measured = following(plan, asked, np.zeros(K * 5, np.int64), 1)
    assert isinstance(measured, PrivateRound)
    assert measured.phase is Phase.OUTCOMES
    ended = after_loss(plan, measured, 1)
    assert isinstance(ended, PrivateOutcome)
    assert ended.outcomes is None
    assert ended.spent == asked.cost + measured.cost


def test_an_open_run_starts_with_lloyd_around_the_given_centroids() -> None:
    plan = plan_of(D, n_clusters=K, start=start())
    asked = first_round(plan)
    assert asked.phase is Phase.LLOYD
    assert (asked.centroids == start().centroid_units()).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"centroids": (), "radii": ()},
        {"centroids": ((0, 0), (0,)), "radii": (1, 1)},
        {"centroids": ((0, 0),), "radii": (1, 1)},
        {"centroids": ((0, 0),), "radii": (0,)},
        {"centroids": ((0, 0),), "radii": (LARGEST_RADIUS + 1,)},
        {"centroids": ((4 * GRID_UNITS, 4 * GRID_UNITS),), "radii": (1,)},
        {"centroids": ((5 * GRID_UNITS, 0),), "radii": (1,)},
        {"centroids": ((0.5, 0),), "radii": (1,)},
    ],
)
def test_a_start_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Start.model_validate(changes)


def test_a_start_of_another_shape_than_the_plan_s_is_refused() -> None:
    with pytest.raises(ValidationError, match="number of clusters and of features"):
        private_plan(D + 1, n_clusters=K, start=start())
    with pytest.raises(ValidationError, match="number of clusters and of features"):
        private_plan(D, n_clusters=K + 1, start=start())


def test_a_run_that_seeds_needs_a_polishing_round() -> None:
    with pytest.raises(ValidationError, match="at least one polishing round"):
        private_plan(D, {"division": {"polish_rounds": 0}}, n_clusters=K)


def test_the_least_cost_holds_for_every_round_of_a_start() -> None:
    assert min(one.cost for one in forecast(started(20, 1))) >= LEAST_COST
    assert started(2).protection is Protection.NOISE
