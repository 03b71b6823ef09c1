"""A deployment of real processes: service, SuperLink, stations, links; runs that end well, and some that do not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from common.consortium.publishing import SignedPublication, accept
from common.consortium.roster import Role
from server.command import main
from server.deployment.place import is_running
from server.deployment.superlink import lives
from server.registry.facts import put
from server.registry.models import CONFIRMED
from server.registry.run import State, WantedBy
from tests.client.deployment.stations import Home
from tests.server.deployment.coordinators import Program, Seat, free_port, homes_of, link_of, station_of, until

pytestmark = [pytest.mark.flower, pytest.mark.slow]


@dataclass
class Deployed:
    seat: Seat
    homes: Sequence[Home]
    service: Program
    others: list[Program]

    def run(self) -> int:
        runs = self.seat.office.registry.runs
        return runs.order(WantedBy.OPERATOR, self.seat.office.clock()).number

    def state(self, number: int) -> State:
        run = self.seat.office.registry.runs.find(number)
        assert run is not None
        return run.state

    def ended(self, number: int) -> bool:
        return self.state(number) in {State.DONE, State.FAILED, State.ABANDONED}

    @property
    def port(self) -> int:
        return self.seat.office.configuration.proxy.port

    def superlink(self) -> int | None:
        try:
            held = json.loads(self.seat.place.status.read_bytes())
        except (OSError, ValueError):
            return None
        number: int | None = held["superlink"]["process"]
        return number


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with tempfile.TemporaryDirectory(prefix="fcd") as directory, ExitStack() as stack:
        root = Path(directory)
        seat = Seat(root / "c").begin()
        homes = homes_of(root, seat.plan)
        signed = seat.found(homes)
        for home in homes:
            home.accept(signed)
        links = [link_of(seat, home, root) for home in homes]
        others = [*(station_of(home, root) for home in homes), *links]
        service = Program(root / "service.log", ("start", "--dir", str(seat.root)))
        for program in (*others, service):
            stack.callback(program.end)
            program.start()
        until(lambda: is_running(seat.place), "the service runs", service)
        yield Deployed(seat, homes, service, others)


def test_a_run_that_is_ordered_ends_with_a_signed_model_of_all_bureaus(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    number = deployed.run()
    until(lambda: deployed.ended(number), "the run is closed", deployed.service, *deployed.others, seconds=240)
    (told,) = [one for one in deployed.seat.tell(capsys, "runs") if one["number"] == number]
    assert (told["state"], told["reason"], told["cohort"]) == ("done", "", ["east", "north", "south"])
    assert told["model"] == 1
    assert set(told["heads"]) == {"east", "north", "south"}
    shown = deployed.seat.tell(capsys, "show", str(number))
    assert len(shown["rounds"]) == 7
    assert (deployed.seat.place.transcripts / shown["transcript"]["path"]).stat().st_size == shown["transcript"][
        "bytes"
    ]
    (published,) = deployed.seat.tell(capsys, "models")
    assert (published["version"], published["session"]) == (1, told["session"])


def test_the_signed_model_comes_to_every_station_for_its_router(deployed: Deployed) -> None:
    for home in deployed.homes:
        until(lambda home=home: list((home.root / "models").glob("1-*/model.json")), "the model is there")  # type: ignore[misc]
        (folder,) = (home.root / "models").glob("1-*")
        signed = SignedPublication.from_json((folder / "publication.json").read_bytes())
        assert signed.publication == deployed.seat.office.registry.models.newest()
        assert hashlib.sha256((folder / "model.json").read_bytes()).hexdigest() == signed.publication.model_sha256


def test_a_model_is_brought_without_a_run_to_whoever_has_not_confirmed_it(deployed: Deployed, capsys: Any) -> None:
    models, home = deployed.seat.office.registry.models, deployed.homes[0]
    until(lambda: len(models.confirmed(1)) == len(deployed.homes), "every bureau confirms")
    others = sorted(models.confirmed(1) - {home.name})
    with models.database.writing() as connection:
        put(connection, f"{CONFIRMED} 1", json.dumps(others))
    shutil.rmtree(home.root / "models")
    said = deployed.seat.tell(capsys, "models", "deliver", "1")
    assert (said["missing"], said["confirmed"]) == ([], sorted([home.name, *others]))
    assert len(list((home.root / "models").glob("1-*/model.json"))) == 1


def test_what_is_exported_is_what_a_bureau_accepts(deployed: Deployed, tmp_path: Path, capsys: Any) -> None:
    files = deployed.seat.tell(capsys, "models", "export", "1", "--out", str(tmp_path / "m"))
    signed = SignedPublication.from_json(Path(files["publication"]).read_bytes())
    roster = deployed.seat.found_roster()
    accepted = accept(
        signed,
        Path(files["model"]).read_bytes(),
        features_sha256=deployed.seat.plan.features.fingerprint,
        roster=roster,
        roles=frozenset({Role.COORDINATOR}),
        accepted=None,
        now=deployed.seat.office.clock(),
    )
    assert accepted.version == 1


def test_a_superlink_that_is_killed_in_mid_run_fails_the_run_and_the_next_one_is_done(deployed: Deployed) -> None:
    number, runs = deployed.run(), deployed.seat.office.registry.runs
    until(lambda: len(runs.rounds(number)) >= 2, "a round is closed", deployed.service, *deployed.others)
    superlink = deployed.superlink()
    assert superlink is not None
    os.kill(superlink, signal.SIGKILL)
    until(lambda: deployed.ended(number), "the run is closed", deployed.service)
    run = runs.find(number)
    assert run is not None
    assert run.state is State.FAILED
    assert run.reason
    again = deployed.run()
    until(lambda: deployed.ended(again), "the run is closed", deployed.service, *deployed.others, seconds=240)
    assert deployed.state(again) is State.DONE, runs.find(again)
    assert deployed.superlink() not in {None, superlink}
    newest = deployed.seat.office.registry.models.newest()
    assert newest is not None
    assert newest.version == 2


def test_doctor_finds_a_superlink_that_stands_where_the_proxy_should(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--dir", str(deployed.seat.root), "--json"]) == 1
    bad = {one["check"] for one in json.loads(capsys.readouterr().out) if one["level"] == "fault"}
    assert bad == {"proxy", "proxy's paths"}
    deployed.seat.configure(f"[proxy]\nport = {deployed.port}", f"[proxy]\nport = {free_port()}")
    found = {one["check"]: one["level"] for one in deployed.seat.tell(capsys, "doctor")}
    assert found.pop("SuperLink") == "fine"
    assert found.pop("proxy") == "warning"
    assert "fault" not in found.values()


def test_stop_now_ends_run_and_service_and_leaves_no_process(deployed: Deployed, capsys: Any) -> None:
    number, runs = deployed.run(), deployed.seat.office.registry.runs
    until(lambda: len(runs.rounds(number)) >= 1, "a round is closed", deployed.service)
    below = [one.pid for one in psutil.Process(deployed.service.number).children(recursive=True)]
    assert below
    told = deployed.seat.tell(capsys, "stop", "--now")
    assert told["ended"] is True
    run = runs.find(number)
    assert run is not None
    assert (run.state, run.reason) == (State.ABANDONED, "stopped by the operator")
    until(lambda: not any(map(lives, below)), "nothing of it is left", seconds=20)
