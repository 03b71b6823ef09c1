"""A stream over real processes: service, SuperLink, stations, links; also a service that is killed and comes back."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.command import main
from server.deployment.place import is_running
from server.deployment.stream.windows import newest_state
from server.registry.tick import Outcome, Tick
from tests.client.deployment.stations import Home
from tests.server.deployment.coordinators import Program, Seat, homes_of, link_of, station_of, until
from tests.server.deployment.stream.streams import WINDOWED, configured

pytestmark = [pytest.mark.flower, pytest.mark.slow]

SECTION = '[stream]\nevery = "1m"\n'
TICK_S = 240.0


@dataclass
class Deployed:
    seat: Seat
    homes: Sequence[Home]
    service: Program
    others: list[Program]
    name: str

    def ticks(self) -> list[Tick]:
        """The oldest first."""
        return self.seat.office.registry.ticks.newest(self.name, 1000)[::-1]

    def published(self) -> list[int]:
        return [one.number for one in self.ticks() if one.outcome is Outcome.PUBLISHED]

    def run_until(self, n_published: int) -> None:
        until(
            lambda: len(self.published()) >= n_published, f"{self.ticks()}", self.service, *self.others, seconds=TICK_S
        )


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with tempfile.TemporaryDirectory(prefix="fcs") as directory, ExitStack() as stack:
        root = Path(directory)
        seat = Seat(root / "c", WINDOWED).begin()
        configured(seat, SECTION)
        homes = homes_of(root, seat.plan)
        signed = seat.found(homes)
        for home in homes:
            home.accept(signed)
        links = [link_of(seat, home, root) for home in homes]
        assert main(["stream", "init", "--dir", str(seat.root)]) == 0
        begun = seat.office.registry.streams.begun()
        assert begun is not None
        others = [*(station_of(home, root) for home in homes), *links]
        service = Program(root / "service.log", ("start", "--dir", str(seat.root)))
        for program in (*others, service):
            stack.callback(program.end)
            program.start()
        until(lambda: is_running(seat.place), "the service runs", service)
        yield Deployed(seat, homes, service, others, begun.name)


def test_ticks_publish_models_that_every_bureau_gets(deployed: Deployed) -> None:
    deployed.run_until(2)
    state = newest_state(deployed.seat.office, deployed.name)
    assert state is not None
    assert state.window == deployed.published()[-1]
    models = deployed.seat.office.registry.models
    until(lambda: len(models.confirmed(1)) == len(deployed.homes), "every bureau confirms")


def test_a_service_that_is_killed_comes_back_and_goes_on(deployed: Deployed, capsys: Any) -> None:
    n_before = len(deployed.published())
    deployed.service.end(signal.SIGKILL)
    deployed.service.start()
    until(lambda: is_running(deployed.seat.place), "the service runs", deployed.service)
    deployed.run_until(n_before + 1)
    ticks = deployed.ticks()
    assert [number for one in ticks for number in range(one.since, one.number + 1)] == list(
        range(1, ticks[-1].number + 1)
    )
    assert all((one.reason == "") is (one.outcome is not Outcome.KEPT) for one in ticks)
    found = deployed.seat.tell(capsys, "stream", "status")
    assert found["published"]["version"] == n_before + 1
    assert found["budget"]["epsilon"] == 4.0


def test_one_tick_is_had_without_the_service(deployed: Deployed, capsys: Any) -> None:
    assert main(["stream", "start", "--dir", str(deployed.seat.root)]) == 7, "a service has ticks of its own"
    deployed.service.end()
    capsys.readouterr()
    code = main(["stream", "start", "--dir", str(deployed.seat.root), "--json"])
    said = capsys.readouterr()
    assert (code, json.loads(said.out)["outcome"]) == (0, "published"), said.err
