"""What a plain ``flwr run .`` does: a generated world of its own, a bureau for every node of the federation."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid
from threadpoolctl import threadpool_limits

from common.errors import CohortError, PlanError
from common.features.default import default_spec
from common.plan import Plan, Protection
from common.privacy import Privacy
from server.grid import GridTransport, Patience
from server.session import RoundReport, SessionReport
from simulations.bureaus import WorldClaims, gather_bureaus
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import SIZE_REQUEST, host_stations, private_directory
from simulations.flower.meeting import insist_on_everyone
from simulations.terms import fitted
from simulations.world import World

Conduct = Callable[[Grid, Exchange, Callable[[RoundReport], None]], SessionReport]

FEWEST_BUREAUS = 2
NODES_S = 60.0
REPLIES_S = 600.0


def in_own_world(grid: Grid, context: Context, conduct: Conduct) -> SessionReport:
    """Make a world as the run's configuration asks, conduct a session in it, and tell what came out.

    Raises:
        CohortError: If there are too few nodes.
        PlanError: If the configuration makes no world.
    """
    asked = context.run_config
    n_nodes = federation_size(grid)
    n_bureaus = int(asked["bureaus"]) or n_nodes
    insist_on_everyone(n_nodes, n_bureaus)
    protection = _protection(str(asked["protection"]))
    world = _world(n_bureaus, int(asked["claims"]), int(asked["seed"]))
    plan = Plan(
        name="flwr-run",
        features=default_spec(),
        n_clusters=int(asked["clusters"]) or len(world.groups),
        min_cohort=min(n_bureaus, int(Plan.model_fields["min_cohort"].default)),
        protection=protection,
        privacy=None if protection is Protection.NONE else Privacy(expected_units=1),
        seed=world.seed,
    )
    report = _conduct_in(world, plan, grid, str(context.run_id), conduct)
    _tell(report, str(asked["out"]))
    return report


def federation_size(grid: Grid) -> int:
    """How many nodes the federation has, as one of them knows it; counting those that are there already may miss some.

    Once it is known, Ray is up: it gives up when it is kept from starting, so a world is made after it, not beside it.

    Raises:
        CohortError: If there are too few for a federation.
    """
    transport = GridTransport(grid, 1, Patience(nodes_s=NODES_S, replies_s=REPLIES_S))
    told = transport.exchange(dict.fromkeys(transport.nodes()[:1], SIZE_REQUEST))
    n_nodes = max((int(held) for _, held in told), default=0)
    if n_nodes < FEWEST_BUREAUS:
        msg = f"the federation has {n_nodes} nodes, not {FEWEST_BUREAUS}: add --federation-config 'num-supernodes=4'"
        raise CohortError(msg)
    return n_nodes


def _protection(text: str) -> Protection:
    try:
        return Protection(text)
    except ValueError as error:
        msg = f"protection must be one of {', '.join(Protection)}"
        raise PlanError(msg) from error


def _world(n_bureaus: int, n_claims: int, seed: int) -> World:
    try:
        return World(n_bureaus=n_bureaus, n_claims=n_claims, seed=seed)
    except ValueError as error:
        raise PlanError(str(error)) from error


def _conduct_in(world: World, plan: Plan, grid: Grid, run_id: str, conduct: Conduct) -> SessionReport:
    bureaus = gather_bureaus(WorldClaims(world=world), plan.features, plan.cost_cap_yuan)
    try:
        plan = fitted(plan, len(bureaus.by_name), bureaus.n_claims, bureaus.n_persons)
        with (
            bureaus.stations(plan, os.cpu_count() or 1) as stations,
            private_directory(run_id) as directory,
            threadpool_limits(1, user_api="blas"),
        ):
            exchange = Exchange(directory)
            exchange.put_order(plan, stations, NODES_S, REPLIES_S)
            with host_stations(stations, directory):
                return conduct(grid, exchange, _tell_round)
    finally:
        bureaus.close()


def _tell_round(closed: RoundReport) -> None:
    _say(f"round {closed.number}: {closed.phase}, {closed.n_centroids} centroids, {closed.cost / 1e9:.2g} rho")


def _tell(report: SessionReport, out: str) -> None:
    """Show the outcome, and write the model if asked."""
    model = report.model
    _say(f"{len(model.provenance.cohort)} bureaus, {model.provenance.rounds} rounds, {len(model.clusters)} clusters")
    _say(f"centroids_sha256 {model.centroids_sha256}")
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        (Path(out) / "model.json").write_bytes(model.to_json())


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  Flower collects what its apps print and shows it as the run's log
