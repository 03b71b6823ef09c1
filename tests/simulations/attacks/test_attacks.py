"""Attacks on real stations over generated claims: without protection each wins what it is after, with noise none does.

Each rate without protection is the negative control of the one with it: the same attack, the same claims.
"""

from __future__ import annotations

import numpy as np
import pytest

from common.plan import Phase, Protection
from common.weighting import Weighting
from simulations.attacks.attacker import StationRefusedError, asking, attacker_of, whole_budget
from simulations.attacks.differencing import of_data_versions, of_rounds
from simulations.attacks.frontier import frontiers
from simulations.attacks.lone_cell import lone_cells
from simulations.attacks.model_presence import released_model
from simulations.attacks.outcome import AttackOutcome
from simulations.attacks.presence import ALL_PHASES, best_accuracy, probing
from simulations.attacks.reconstruction import reconstruction
from simulations.attacks.victims import BUREAU, COHORT, Victims, generated, noisy_plan, seeded

PLAN = noisy_plan()


@pytest.fixture(scope="module")
def victims() -> Victims:
    return generated(400, seed=7)


@pytest.fixture(scope="module")
def bureau(victims: Victims) -> Victims:
    return victims.select(np.arange(150))


@pytest.fixture(scope="module")
def target(bureau: Victims) -> int:
    """The claim that is easiest to tell from all others."""
    return next(frontiers(bureau.rows)).place


@pytest.fixture(scope="module")
def others(bureau: Victims, target: int) -> Victims:
    return bureau.without(target)


@pytest.fixture(scope="module")
def one_claim(bureau: Victims, target: int) -> Victims:
    return bureau.select(np.array([target])).of_one_person()


@pytest.fixture(scope="module")
def many_claims(bureau: Victims, target: int) -> Victims:
    return bureau.select(np.full(40, target)).of_one_person()


def shown(outcome: object) -> None:
    print(outcome)  # noqa: T201  the rates are what these tests are for


def is_won_without_and_lost_with_noise(outcome: AttackOutcome) -> None:
    """Every try is won without protection; with noise the rate is below the limit, not only not above it."""
    shown(outcome)
    assert outcome.unprotected.share == 1.0
    assert outcome.protected.upper() <= outcome.limit
    assert not outcome.unprotected.upper() <= outcome.limit


def test_a_cluster_of_one_is_a_claim_without_protection_and_noise_with_it(victims: Victims) -> None:
    is_won_without_and_lost_with_noise(lone_cells(victims, 100))


def test_two_rounds_that_differ_by_a_claim_give_it_away_without_protection_alone(victims: Victims) -> None:
    is_won_without_and_lost_with_noise(of_rounds(victims, 100))


def test_a_new_claim_is_named_out_of_a_hundred_without_protection_and_by_chance_with_noise(victims: Victims) -> None:
    outcome = of_data_versions(victims.select(np.arange(300)), victims.select(np.arange(300, 400)))
    shown(outcome)
    assert outcome.unprotected.share == 1.0
    assert outcome.unprotected.lower() > outcome.limit
    assert outcome.is_stopped
    assert outcome.protected.upper() < 0.15


@pytest.mark.parametrize(("n_rounds", "at_least"), [(20, 0.2), (100, 0.85)])
def test_sums_of_rounds_determine_claims_without_protection_and_none_with_noise(
    bureau: Victims, n_rounds: int, at_least: float
) -> None:
    """A fifth of the claims after twenty rounds, nearly all after a hundred; fewer rounds have less noise each."""
    outcome = reconstruction(bureau, n_rounds=n_rounds, n_centroids=48)
    shown(outcome)
    assert outcome.unprotected.found.lower() > at_least
    assert outcome.protected.found.upper() < 0.05
    assert outcome.unprotected.error < 0.5 * outcome.mean_guess
    assert outcome.protected.error > 0.9 * outcome.mean_guess


def test_presence_is_plain_to_a_probe_without_protection_and_within_the_limit_with_noise(
    others: Victims, one_claim: Victims
) -> None:
    is_won_without_and_lost_with_noise(probing(others, one_claim, 300))


@pytest.mark.slow
@pytest.mark.parametrize("phases", [ALL_PHASES, *[(phase,) for phase in ALL_PHASES]], ids=str)
def test_presence_stays_within_what_the_budget_buys_whatever_is_asked(
    others: Victims, one_claim: Victims, phases: tuple[Phase, ...]
) -> None:
    outcome = probing(others, one_claim, 1000, phases=phases)
    is_won_without_and_lost_with_noise(outcome)
    assert outcome.protected.lower() <= best_accuracy(PLAN)


def test_a_person_with_many_claims_is_no_easier_to_find_than_one_with_one(
    others: Victims, one_claim: Victims, many_claims: Victims
) -> None:
    one, many = (probing(others, person, 300) for person in (one_claim, many_claims))
    is_won_without_and_lost_with_noise(many)
    assert many.protected.lower() <= min(best_accuracy(PLAN), one.protected.upper())


def test_a_person_with_many_claims_is_plain_to_see_where_only_claims_are_protected(
    others: Victims, many_claims: Victims
) -> None:
    """The twin of the test above: sharing the weight among a person's claims is what hides the person."""
    outcome = probing(others, many_claims, 60, plan=noisy_plan(weighting=Weighting.EACH_CLAIM))
    shown(outcome)
    assert not outcome.is_stopped
    assert outcome.protected.share > 0.95


def test_a_released_model_tells_presence_without_protection_and_within_the_limit_with_noise(
    victims: Victims, target: int, one_claim: Victims
) -> None:
    is_won_without_and_lost_with_noise(released_model(victims.without(target), one_claim, 200))


@pytest.mark.slow
def test_a_released_model_stays_within_the_limit_over_many_runs(
    victims: Victims, target: int, one_claim: Victims
) -> None:
    is_won_without_and_lost_with_noise(released_model(victims.without(target), one_claim, 400))


def test_the_cohort_that_is_named_does_not_change_an_answer_with_noise(others: Victims) -> None:
    """A station cannot know whether the other bureaus exist: invented ones win nothing, its noise is whole."""
    question = asking(np.zeros(PLAN.features.n_features), 1.0, whole_budget(PLAN))
    answers = []
    for seed, cohort in [(9, COHORT), (9, ("a", BUREAU, "z")), (10, COHORT)]:
        with attacker_of(PLAN, seeded(seed)) as attacker:
            answers.append(attacker.session(others.store()).ask(question, cohort=cohort))
    assert np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2]), "other noise is seen"


def test_no_answer_leaves_unmasked_with_only_a_part_of_the_noise(others: Victims, one_claim: Victims) -> None:
    plan = noisy_plan(protection=Protection.SECURE, honest_floor=10_000)
    try:
        outcome = probing(others, one_claim, 200, plan=plan)
    except StationRefusedError:
        return
    is_won_without_and_lost_with_noise(outcome)


def test_a_bureau_without_claims_answers_as_one_with_a_single_claim_does(bureau: Victims) -> None:
    question = asking(np.zeros(PLAN.features.n_features), 1.0, whole_budget(PLAN))
    with attacker_of(PLAN, seeded(10)) as attacker:
        with_one, with_none = (
            attacker.session(bureau.select(np.arange(size)).store()).ask(question) for size in (1, 0)
        )
    assert with_one.shape == with_none.shape
