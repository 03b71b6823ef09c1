"""Attacks that are refused: each with the code of the rule that stops it, and answered where there is no such rule."""

from __future__ import annotations

import pytest

from common.messages import RefusalCode
from simulations.attacks import refused
from simulations.attacks.outcome import RefusalOutcome
from simulations.attacks.victims import Victims, generated


@pytest.fixture(scope="module")
def victims() -> Victims:
    return generated(60, seed=8)


def is_refused_by_the_rule_alone(outcome: RefusalOutcome, code: RefusalCode) -> None:
    print(outcome)  # noqa: T201  what is refused is what these tests are for
    assert outcome.code is code
    assert outcome.without_rule is None


def test_a_cohort_of_one_bureau_is_refused_whatever_the_plan_allows(victims: Victims) -> None:
    is_refused_by_the_rule_alone(refused.lone_bureau(victims), RefusalCode.COHORT_TOO_SMALL)


def test_losing_bureau_after_bureau_does_not_end_with_one(victims: Victims) -> None:
    outcome = refused.shrunk_cohort(victims)
    is_refused_by_the_rule_alone(outcome, RefusalCode.COHORT_TOO_SMALL)
    assert outcome.answered == 2


def test_a_bureau_is_not_taken_out_of_a_session_and_put_back(victims: Victims) -> None:
    outcome = refused.grown_cohort(victims)
    is_refused_by_the_rule_alone(outcome, RefusalCode.WRONG_COHORT)
    assert outcome.answered == 2


def test_a_round_with_noise_answers_one_question(victims: Victims) -> None:
    outcome = refused.second_answer(victims)
    is_refused_by_the_rule_alone(outcome, RefusalCode.WRONG_ORDER)
    assert outcome.answered == 1


def test_a_session_ends_with_its_budget(victims: Victims) -> None:
    outcome = refused.too_many_rounds(victims)
    is_refused_by_the_rule_alone(outcome, RefusalCode.POLICY)
    assert outcome.answered == 8


def test_sessions_end_with_the_budget_of_the_data_version(victims: Victims) -> None:
    """Rho adds up to that of epsilon 8 after 43 sessions of epsilon 1: epsilon itself does not add up."""
    outcome = refused.too_many_sessions(victims)
    is_refused_by_the_rule_alone(outcome, RefusalCode.POLICY)
    assert 8 <= outcome.answered < 64


def test_radii_and_centroids_out_of_range_are_refused(victims: Victims) -> None:
    outcomes = refused.out_of_range(victims)
    assert len(outcomes) == 5
    for outcome in outcomes:
        is_refused_by_the_rule_alone(outcome, RefusalCode.WRONG_SHAPE)
