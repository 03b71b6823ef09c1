import json
import tempfile
from pathlib import Path

import pytest

from common.errors import CohortError, PlanError
from common.features.default import default_spec
from common.plan import Plan, Protection
from simulations.bureaus import WorldClaims, gather_bureaus
from simulations.engines import loopback_engine
from simulations.flower import client_app, server_app
from simulations.flower.hosting import EXCHANGE_KEY
from simulations.world import World
from tests.flower.grids import MemoryGrid, context_of, couriers, silent

RUN_ID = 2**63 + 11


def config(**changes: object) -> dict[str, object]:
    asked = {EXCHANGE_KEY: "", "bureaus": 0, "claims": 1200, "clusters": 5, "protection": "none", "seed": 3, "out": ""}
    return asked | changes


def run(n_nodes: int, **changes: object) -> None:
    grid = MemoryGrid(couriers(client_app.app, n_nodes, config(**changes), RUN_ID))
    server_app.app(grid, context_of({}, config(**changes), RUN_ID))


def expected_hash(n_bureaus: int) -> str:
    world = World(n_bureaus=n_bureaus, n_claims=1200, seed=3)
    plan = Plan(features=default_spec(), protection=Protection.NONE, n_clusters=5, min_cohort=2, seed=3)
    bureaus = gather_bureaus(WorldClaims(world=world), plan.features, plan.cost_cap_yuan)
    with bureaus.stations(plan, 1) as stations:
        report = loopback_engine(1)(stations, plan, lambda _: None)
    return report.model.centroids_sha256


@pytest.mark.parametrize("n_nodes", [2, 4])
def test_a_plain_run_makes_a_bureau_for_every_node_and_tells_the_hash_of_loopback(
    n_nodes: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(n_nodes, out=str(tmp_path / "out"))
    expected = expected_hash(n_nodes)
    told = capsys.readouterr().out
    assert f"centroids_sha256 {expected}" in told
    assert f"{n_nodes} bureaus," in told
    assert json.loads((tmp_path / "out" / "model.json").read_bytes())["centroids_sha256"] == expected


def test_a_plain_run_leaves_nothing_behind() -> None:
    run(3)
    assert not list(Path(tempfile.gettempdir()).glob(f"fedclaims-{RUN_ID}*"))


@pytest.mark.parametrize("n_nodes", [0, 1])
def test_a_federation_of_one_is_none(n_nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.flower.own_world.NODES_S", 0.1)
    with pytest.raises(CohortError, match=rf"has {n_nodes} nodes, .*num-supernodes"):
        run(n_nodes)


def test_couriers_that_never_answer_are_no_federation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.flower.own_world.REPLIES_S", 0.1)
    with pytest.raises(CohortError, match="has 0 nodes"):
        server_app.app(MemoryGrid(dict.fromkeys((5, 6, 7), silent)), context_of({}, config(), RUN_ID))


def test_another_number_of_bureaus_than_nodes_says_what_to_do() -> None:
    with pytest.raises(CohortError, match=r"3 nodes for 4 bureaus: add --federation-config 'num-supernodes=4'"):
        run(3, bureaus=4)  # at once: the world is not made, nodes that never come are not waited for


def test_a_world_that_cannot_be_is_an_error_of_the_plan() -> None:
    with pytest.raises(PlanError, match="n_claims"):
        run(3, claims=0)
