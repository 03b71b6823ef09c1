"""Without protection a run that went through faults ends with the very model that no fault would have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from client.deployment.claims import StationClaims
from client.deployment.configuration import load_configuration
from client.deployment.place import Place
from client.station import Station
from common.model import Model
from server.coordinator import Coordinator
from server.registry.run import State
from server.session import run_session
from simulations.ledgers import granting_policy
from simulations.loopback import Answer, Loopback
from tests.client.deployment.stations import Home
from tests.deployment.faults.deployments import Deployment, Once, deployment
from tests.deployment.faults.outcomes import insist_on_all
from tests.deployment.faults.wires import LostError

pytestmark = [pytest.mark.flower, pytest.mark.slow, pytest.mark.timeout(900)]

NAMES = ("east", "north", "south")
NONE = 'clusters = 3\nexpected_units = 20000\nprotection = "none"\nmax_rounds = 8\n'


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployment]:
    with deployment(NAMES, NONE) as found:
        yield found


def station_of(home: Home, found: Deployment) -> Answer:
    """A station in this process, over the claims of a real one."""
    place = Place(home.root)
    claims = StationClaims(place, load_configuration(place.configuration))
    return Station(home.name, granting_policy(found.seat.plan), claims.rows_for).answer


def over_loopback(found: Deployment, homes: Mapping[str, Home]) -> Model:
    stations = {name: station_of(replace(home, name=name), found) for name, home in homes.items()}
    with Loopback(stations, 1) as loopback:
        return run_session(Coordinator(found.seat.plan, bytes(16), "1"), loopback).model


def test_a_run_with_a_supernode_and_a_station_killed_ends_with_loopbacks_model_bit_for_bit(
    deployed: Deployment,
) -> None:
    def die() -> None:
        deployed.kill_station("south")
        deployed.stations["south"].start()
        raise LostError

    kills = [
        Once("round_request", lambda: deployed.kill_supernode("north"), number=2),
        Once("round_request", die, number=4),
    ]
    deployed.taps["north"].before, deployed.taps["south"].after = kills
    run = deployed.run()
    assert all(kill.done for kill in kills)
    assert (run.state, run.cohort, run.lost) == (State.DONE, NAMES, ()), run
    published = deployed.seat.office.registry.models.find(run.model or 0)
    assert published is not None
    model, expected = Model.model_validate_json(published.model), over_loopback(deployed, deployed.homes)
    assert model == expected.model_copy(update={"provenance": model.provenance})
    twice = over_loopback(deployed, deployed.homes | {"south": deployed.homes["east"]})
    assert model.centroids != twice.centroids, "a sum with one bureau's claims twice would be seen"
    assert (model.provenance.rounds, model.provenance.lost) == (expected.provenance.rounds, ())
    insist_on_all(deployed)
