"""A protected run end to end: the default, what it says, what it spends, and when it does not begin."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.errors import PlanError
from common.grid import from_grid
from common.noise.randomness import AesStream
from common.plan import Phase, Plan, Protection
from common.private.budget import allotment
from server.coordinator import Coordinator
from server.session import RoundReport, SessionReport, run_session
from simulations.bureaus import Bureaus, WorldClaims, gather_bureaus
from simulations.conducting import conduct
from simulations.engines import loopback_engine
from simulations.job import run_job
from simulations.loopback import Answer, Loopback
from simulations.options import job_of, parser
from simulations.story import Story
from simulations.world import World
from tests.simulations.claim_files import Silent
from tests.simulations.private_plans import world_plan

GIVEN = ["--bureaus", "3", "--claims-total", "12000", "--clusters", "5", "--epsilon", "4", "--no-reference"]


@pytest.fixture(scope="module")
def bureaus() -> Iterator[Bureaus]:
    plan = world_plan()
    world = World(n_bureaus=4, n_claims=12_000, seed=2)
    found = gather_bureaus(WorldClaims(world=world), plan.features, plan.cost_cap_yuan)
    yield found
    found.close()


@pytest.fixture(scope="module")
def story() -> Story:
    return run_job(job_of(parser().parse_args(GIVEN), GIVEN), Silent(), lambda _: None)[0]


def seeded(seed: int) -> Callable[[int], bytes]:
    """Seeds that differ from draw to draw and are the same in every run."""
    return AesStream(seed.to_bytes(32, "big"))


def centroids_over(bureaus: Bureaus, plan: Plan, seed: int) -> SessionReport:
    """A run on one thread: bureaus answer, and draw their seeds, in one order."""
    with bureaus.stations(plan, 1, seeded(seed)) as stations, Loopback(stations, 1) as transport:
        return conduct(plan, tuple(sorted(stations)), transport, lambda _: None)


def test_the_result_says_what_was_guaranteed_and_what_it_took(story: Story) -> None:
    result = story.result
    assert (result["protection"], result["epsilon"], result["delta"], result["unit"]) == ("secure", 4.0, 1e-6, "person")
    assert isinstance(result["epsilon_spent"], float)
    assert 3.99 < result["epsilon_spent"] <= 4.0
    assert isinstance(result["phi"], float)
    assert result["phi"] > 5
    assert isinstance(result["noise_multiplier"], float)
    assert 1.0 < result["noise_multiplier"] < 2.0


def test_the_model_holds_noisy_figures_and_what_they_cost(story: Story) -> None:
    model = story.model
    assert model.plan.privacy is not None
    assert model.spent is not None
    assert model.spent.rho_billionths == allotment(model.plan.privacy, model.plan.max_leaves).total
    assert model.quality.count_noise_std > 0
    counts = [cluster.count for cluster in model.clusters if cluster.count is not None]
    exact = [card.count for card in story.cards]
    assert counts
    assert counts != exact[: len(counts)]
    assert all(cluster.cost_mean is None and cluster.cost_n is None for cluster in model.clusters)


def test_what_is_hidden_below_the_floor_is_hidden_everywhere(bureaus: Bureaus) -> None:
    plan = replace_plan(world_plan(40, epsilon_thousandths=20_000), smallest_cluster=300)
    model = centroids_over(bureaus, plan, 1).model
    hidden = [cluster for cluster in model.clusters if cluster.count is None]
    shown = [cluster.count for cluster in model.clusters if cluster.count is not None]
    assert len(hidden) >= 2, "one hidden cluster would be the rest of the total"
    assert min(shown) >= 300 + 2 * model.quality.count_noise_std - 1
    assert all(one.mean_square_distance is None and one.cost_geometric_mean is None for one in hidden)


def replace_plan(plan: Plan, **changes: object) -> Plan:
    return Plan.model_validate(plan.model_dump() | changes)


def test_the_same_noise_gives_the_same_centroids_and_other_noise_does_not(bureaus: Bureaus) -> None:
    plan = world_plan(epsilon_thousandths=4000)
    one, again, other = (centroids_over(bureaus, plan, seed).model for seed in (1, 1, 2))
    assert one.centroids_sha256 == again.centroids_sha256 != other.centroids_sha256


def test_more_budget_comes_closer_to_no_noise(bureaus: Bureaus) -> None:
    def loss(epsilon_thousandths: int) -> float:
        plan = world_plan(epsilon_thousandths=epsilon_thousandths, expected_units=10**9)
        return float(np.mean([inside(bureaus, centroids_over(bureaus, plan, seed)) for seed in (1, 2, 3)]))

    assert loss(20_000) < loss(1000) < loss(150)


def inside(bureaus: Bureaus, report: SessionReport) -> float:
    """Inertia of all claims around a run's centroids."""
    centroids = from_grid(report.model.centroid_units())
    rows = np.concatenate([chunk.rows for one in bureaus.largest_first() for chunk in one.store.chunks()])
    return float(((rows[:, None] - centroids) ** 2).sum(axis=2).min(axis=1).sum())


def test_secure_noise_is_smaller_than_noise_of_everybody(bureaus: Bureaus) -> None:
    alone, together = (
        centroids_over(bureaus, world_plan(protection=protection, epsilon_thousandths=4000, honest_floor=2), 3)
        for protection in (Protection.NOISE, Protection.SECURE)
    )
    assert together.model.quality.count_noise_std == pytest.approx(alone.model.quality.count_noise_std / 2**0.5)
    assert together.model.spent == alone.model.spent, "the price is the same"


@pytest.mark.parametrize("unit", ["person", "claim", "capped"])
def test_every_unit_of_privacy_runs_to_its_end(bureaus: Bureaus, unit: str) -> None:
    terms = {
        "person": {},
        "claim": {"unit": "claim", "weighting": "each_claim"},
        "capped": {"weighting": "capped", "claims_per_person": 2},
    }[unit]
    report = centroids_over(bureaus, world_plan(epsilon_thousandths=9000, **terms), 4)
    assert [one.phase for one in report.rounds][-1] is Phase.MEASURE
    n_units = {"person": bureaus.n_persons, "claim": bureaus.n_claims, "capped": None}[unit]
    if n_units is not None:
        assert report.model.quality.n_claims == pytest.approx(n_units, rel=0.1)


def test_a_lost_bureau_costs_nothing_twice(bureaus: Bureaus) -> None:
    plan = world_plan(epsilon_thousandths=9000, expected_units=20_000)
    with bureaus.stations(plan, 1, seeded(5)) as stations:
        dies = min(stations)

        class Loses(Loopback):
            rounds = 0

            def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
                self.rounds += 1
                yield from ((node, reply) for node, reply in super().exchange(requests) if self._kept(node))

            def _kept(self, node: str) -> bool:
                return node != dies or self.rounds < 6

        with Loses(stations, 1) as transport:
            report = run_session(Coordinator(plan, secrets.token_bytes(16), "test"), transport)
    assert report.lost == (dies,)
    assert plan.privacy is not None
    assert sum(one.cost for one in report.rounds) == allotment(plan.privacy, plan.max_leaves).total
    assert len(report.heads) == 4
    assert all(":" in head for head in report.heads.values())


def test_a_budget_that_is_not_worth_spending_is_refused_before_anything_is_spent() -> None:
    given = ["--bureaus", "3", "--claims-total", "2000", "--no-reference"]
    job = job_of(parser().parse_args(given), given)
    asked: list[str] = []

    def engine(stations: Mapping[str, Answer], plan: Plan, on_round: Callable[[RoundReport], None]) -> SessionReport:
        asked.append("begun")
        return loopback_engine(1)(stations, plan, on_round)

    with pytest.raises(PlanError, match=r"below 5: refused.*ask for .* clusters or fewer|pool periods"):
        run_job(replace(job, engine=engine), Silent(), lambda _: None)
    assert not asked


def test_a_coordinator_refuses_it_too(bureaus: Bureaus) -> None:
    plan = world_plan(50, expected_units=3000)
    with (
        bureaus.stations(plan, 1) as stations,
        Loopback(stations, 1) as transport,
        pytest.raises(PlanError, match="below 5: refused"),
    ):
        run_session(Coordinator(plan, bytes(16), "test"), transport)


def test_nothing_of_the_ledgers_is_left_behind(
    bureaus: Bureaus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulations.ledgers.IN_MEMORY", tmp_path)
    with bureaus.stations(world_plan(), 1):
        assert len(list(tmp_path.glob("fedclaims-ledgers-*/*"))) == 4
    assert not list(tmp_path.iterdir())
