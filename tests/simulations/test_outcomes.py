"""Past outcomes by cluster, counted around the centroids of a model that is in force: noisy, masked, replayed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from common.columns import MISSING, ClaimTable, CodeColumn
from common.counting import counting_plan
from common.errors import PlanError
from common.grid import GRID_UNITS
from common.outcomes import DECIDED
from common.plan import Phase, Plan, Protection
from common.private.question import Question
from common.replay.session import replayed
from server.session import SessionReport
from simulations.bureaus import Bureaus, WorldClaims, gather_bureaus
from simulations.conducting import conduct
from simulations.consortium import simulated_consortium
from simulations.loopback import Loopback
from simulations.world import World
from tests.client.masked.parties import opened_sums
from tests.simulations.private_plans import world_plan

K = 4
WORDS = ("APPROVED", "REDUCED", "DENIED", "FRAUD")


class Adjudicated(WorldClaims):
    """Generated claims of which every second is decided, the dearer ones more often against the provider."""

    def dealt(self) -> Iterator[tuple[str, ClaimTable]]:
        rng = np.random.default_rng(8)
        for name, table in super().dealt():
            dear = table.total > np.median(table.total)
            kinds = np.where(rng.random(len(table)) < np.where(dear, 0.4, 0.05), rng.integers(1, 4, len(table)), 0)
            kinds[rng.random(len(table)) < 0.5] = MISSING
            column = CodeColumn(indices=kinds.astype(np.int32), values=WORDS)
            yield name, replace(table, attributes={**table.attributes, "outcome": column})


@pytest.fixture(scope="module")
def bureaus() -> Iterator[Bureaus]:
    plan = world_plan()
    world = World(n_bureaus=3, n_claims=9000, seed=4)
    found = gather_bureaus(Adjudicated(world=world), plan.features, plan.cost_cap_yuan)
    yield found
    found.close()


def plan_for(protection: Protection, **terms: object) -> Plan:
    base = {"epsilon_thousandths": 20_000, "leaves_per_cluster": 2, "expected_units": 10**6}
    plan = world_plan(K, protection, **(base | terms))
    return Plan.model_validate(plan.model_dump() | {"min_cohort": 3})


def run(bureaus: Bureaus, plan: Plan) -> tuple[SessionReport, list[bytes]]:
    transcript = list[bytes]()
    with bureaus.stations(plan, 1) as stations, Loopback(stations, 1) as talk:
        return conduct(plan, tuple(sorted(stations)), talk, lambda _: None, transcript.append), transcript


def truth(bureaus: Bureaus, plan: Plan) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    assert plan.start is not None
    assert plan.privacy is not None
    centroids, radii = plan.start.centroid_units(), plan.start.radius_units()
    question = Question(phase=Phase.OUTCOMES, centroids=centroids, radii=radii, cost=10**6)
    answers = [one.store.answer(question, plan.privacy) for one in bureaus.by_name.values()]
    words = np.sum(answers, axis=0) / GRID_UNITS
    return words[: K * len(DECIDED)].reshape(K, -1), words[K * len(DECIDED) :]


@pytest.mark.parametrize("protection", [Protection.NOISE, Protection.SECURE])
def test_outcomes_are_counted_around_the_model_s_own_centroids_and_published_with_their_noise(
    bureaus: Bureaus, protection: Protection
) -> None:
    first, _ = run(bureaus, plan_for(protection))
    plan = counting_plan(first.model, 20_000)
    report, _ = run(bureaus, plan)
    assert [one.phase for one in report.rounds] == [Phase.MEASURE, Phase.OUTCOMES]
    model, (decided, largest) = report.model, truth(bureaus, plan)
    assert model.outcomes is not None
    places = [model.centroid_units().tolist().index(row) for row in first.model.centroid_units().tolist()]
    for place, expected, provider in zip(places, decided, largest, strict=True):
        seen = model.outcomes.clusters[place]
        assert seen.decided is not None
        assert 0 < abs(seen.decided - expected.sum()) < 6 * 2 * model.outcomes.noise_std + 1
        assert seen.adverse_low is not None
        assert seen.adverse_high is not None
        room = 6 * 2 * model.outcomes.noise_std
        assert seen.adverse_low - room <= expected[1:].sum() <= seen.adverse_high + room
        assert seen.largest_provider is not None
        assert abs(seen.largest_provider - provider) < 6 * model.outcomes.provider_noise_std + 1
    assert model.spent is not None
    assert model.spent.epsilon <= 20.0


def test_a_masked_counting_run_replays_and_shows_no_bureau_s_counts(bureaus: Bureaus) -> None:
    first, _ = run(bureaus, plan_for(Protection.SECURE))
    plan = counting_plan(first.model, 20_000)
    report, transcript = run(bureaus, plan)
    found = replayed(iter(transcript), simulated_consortium(tuple(sorted(bureaus.by_name))).roster)
    assert found.model == report.model
    assert len(opened_sums(transcript)) == 2


def test_a_clustering_run_can_count_outcomes_in_its_last_round(bureaus: Bureaus) -> None:
    report, _ = run(bureaus, plan_for(Protection.NOISE, division={"outcomes": 100}))
    assert report.rounds[-1].phase is Phase.OUTCOMES
    assert report.rounds[-1].inertia is None
    assert report.model.outcomes is not None


def test_a_run_that_does_not_ask_publishes_no_outcomes(bureaus: Bureaus) -> None:
    report, _ = run(bureaus, plan_for(Protection.NOISE))
    assert report.model.outcomes is None


def test_a_model_of_an_open_plan_has_no_terms_to_count_under(bureaus: Bureaus) -> None:
    plan = Plan(features=plan_for(Protection.NOISE).features, n_clusters=K, protection=Protection.NONE, max_rounds=12)
    report, _ = run(bureaus, plan)
    with pytest.raises(PlanError, match="protected plan"):
        counting_plan(report.model, 1000)
