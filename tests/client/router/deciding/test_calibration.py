"""Calibration: stated confidence is the share found, on claims the table has not seen; the score itself is not."""

import numpy as np
import pytest

from client.router.deciding.calibration import Calibration, Step
from client.router.deciding.fitting import (
    FEWEST_IN_A_STEP,
    FEWEST_IN_A_STRATUM,
    Reviewed,
    cross_fitted,
    fast_score,
    fit_calibration,
    steps_of,
)
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.reliability import calibration_error, reliability
from common.errors import InputError

MODEL, HABITS = "a" * 64, "b" * 64
REGIONS = ("east", "north", "south")


def reviewed_claims(n: int = 6000, seed: int = 1) -> Reviewed:
    """Routine with a chance that rises with the score, but is not it; the same law in three regions."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.beta(2, 3, n), 6)
    return Reviewed(
        scores=scores, routine=rng.random(n) < 1 - 0.6 * (1 - scores) ** 3, strata=np.array(REGIONS)[np.arange(n) % 3]
    )


def fitted(reviewed: Reviewed, policy: RouterPolicy | None = None) -> Calibration:
    found = fit_calibration(
        reviewed, reviewed.scores, policy or RouterPolicy(), model_sha256=MODEL, habits_sha256=HABITS, now=7
    )
    assert found is not None
    return found


def test_cross_fitted_error_is_small_overall_and_in_each_region_and_the_uncalibrated_twin_fails() -> None:
    found = fitted(reviewed_claims())
    assert found.error <= 0.03
    assert set(found.error_by_stratum) == set(REGIONS)
    assert all(error <= 0.05 for error in found.error_by_stratum.values())
    assert found.raw_error > 0.3  # the twin: the score taken for the confidence


def test_on_fresh_claims_the_error_is_small_too_and_that_of_a_table_of_wrong_verdicts_is_not() -> None:
    seen, fresh = reviewed_claims(1200, 2), reviewed_claims(200_000, 3)
    assert calibration_error(fitted(seen).confidences(fresh.scores), fresh.routine) < 0.03
    mixed = Reviewed(scores=seen.scores, routine=np.random.default_rng(4).permutation(seen.routine))
    assert calibration_error(fitted(mixed).confidences(fresh.scores), fresh.routine) > 0.03


def test_a_claims_confidence_does_not_depend_on_its_own_verdict_in_cross_fitting() -> None:
    held = reviewed_claims(600)
    for row in (0, 299, 599):
        routine = held.routine.copy()
        routine[row] = ~routine[row]
        flipped = Reviewed(scores=held.scores, routine=routine)
        assert cross_fitted(flipped)[row] == cross_fitted(held)[row]


def test_steps_by_hand() -> None:
    # scores 1 to 8; verdicts 0 1 0 1 | 1 0 1 1: isotonic blocks (0), (1 0), (1 1 0), (1 1)
    scores = np.arange(1, 9) / 10
    routine = np.array([0, 1, 0, 1, 1, 0, 1, 1], bool)
    assert [(step.start, step.reviewed, step.routine) for step in steps_of(scores, routine, fewest=1)] == [
        (0.0, 1, 0),
        (0.2, 2, 1),
        (0.4, 3, 2),
        (0.7, 2, 2),
    ]
    # with at least 3 in a step: (0 1 0), (1 1 0), and the last two join those before them
    assert [(step.start, step.reviewed, step.routine) for step in steps_of(scores, routine, fewest=3)] == [
        (0.0, 3, 1),
        (0.4, 5, 4),
    ]


def test_every_step_rests_on_enough_claims_and_all_claims_are_in_one() -> None:
    for n in (50, 333, 2000):
        held = reviewed_claims(n, n)
        steps = steps_of(held.scores, held.routine)
        assert len(steps) == 1 or min(step.reviewed for step in steps) >= FEWEST_IN_A_STEP
        assert sum(step.reviewed for step in steps) == n
        assert sum(step.routine for step in steps) == held.routine.sum()


def test_the_confidence_is_the_share_of_the_step_that_can_be_counted_again() -> None:
    held = reviewed_claims()
    found = fitted(held)
    starts = [step.start for step in found.steps]
    for place, step in enumerate(found.steps):
        upper = starts[place + 1] if place + 1 < len(starts) else 2.0
        mine = (held.scores >= step.start) & (held.scores < upper)
        assert (mine.sum(), held.routine[mine].sum()) == (step.reviewed, step.routine)
        assert (found.confidences(held.scores[mine]) == step.routine / step.reviewed).all()


def test_a_higher_score_never_has_a_lower_confidence() -> None:
    found = fitted(reviewed_claims(900, 5))
    assert (np.diff(found.confidences(np.linspace(0, 1, 5000))) >= 0).all()


def test_too_few_reviewed_claims_give_no_calibration() -> None:
    policy = RouterPolicy(min_reviewed=500)
    given = {"model_sha256": MODEL, "habits_sha256": HABITS, "now": 7}
    held = reviewed_claims(499)
    assert fit_calibration(held, held.scores, policy, **given) is None  # type: ignore[arg-type]
    assert fitted(reviewed_claims(500), policy).n_reviewed == 500


def test_a_stratum_with_too_few_reviewed_claims_states_no_error() -> None:
    held = reviewed_claims(1000)
    strata = np.where(np.arange(1000) < FEWEST_IN_A_STRATUM - 1, "small", "large")
    found = fitted(Reviewed(scores=held.scores, routine=held.routine, strata=strata))
    assert set(found.error_by_stratum) == {"large"}


def test_no_more_than_the_fast_share_reaches_the_fast_score() -> None:
    rng = np.random.default_rng(9)
    for recent in (rng.random(1000), rng.integers(0, 5, 1000) / 5, np.full(10, 0.5)):
        for share in (0.0, 0.1, 0.6, 0.999):
            assert (recent >= fast_score(recent, share)).mean() <= share
        assert (recent >= fast_score(recent, 1.0)).all()
    assert fast_score(np.arange(10) / 10, 0.6) == 0.4  # 0.4 to 0.9 are six of ten
    assert fast_score(np.array([]), 0.6) == 0.0


def test_reliability_by_hand() -> None:
    confidences = np.array([0.9, 0.95, 0.2, 0.25])
    routine = np.array([True, False, False, False])
    low, high = reliability(confidences, routine)
    assert (low.lower, low.reviewed, low.stated, low.found) == (0.2, 2, 0.225, 0.0)
    assert (high.lower, high.reviewed, high.stated, high.found) == (0.9, 2, 0.925, 0.5)
    assert calibration_error(confidences, routine) == pytest.approx(0.5 * 0.225 + 0.5 * 0.425)
    assert calibration_error(np.array([]), np.array([], bool)) == 0.0


def test_a_calibration_survives_its_spelling_and_a_wrong_one_is_refused() -> None:
    found = fitted(reviewed_claims())
    again = Calibration.from_json(found.to_json())
    assert (again, again.sha256) == (found, found.sha256)
    falling = (Step(start=0.0, reviewed=10, routine=9), Step(start=0.5, reviewed=10, routine=8))
    too_many = (Step(start=0.0, reviewed=10, routine=11),)
    late = (Step(start=0.1, reviewed=10, routine=1),)
    for steps in (falling, too_many, late):
        with pytest.raises(InputError):
            Calibration.from_json(found.model_copy(update={"steps": steps}).to_json())
