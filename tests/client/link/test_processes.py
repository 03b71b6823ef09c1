"""A bureau's link as real processes: what it carries, what it refuses, and how it goes on after a kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from client.command import main
from client.courier import CourierCode
from client.ledger.ledger import inspect
from client.link.bundles import as_lines
from client.service import serve_station
from tests.client.deployment.stations import Home, Running
from tests.client.link.deployed import Deployed, deployed, until

PLANTED = "NAME=Jane Doe"
HOSTILE = """\
import os, socket
from pathlib import Path
Path("{canary}").write_text("it was loaded")
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from client.service import StationLink

app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    with StationLink(Path(str(context.node_config["station-socket"])), 5.0) as link:
        answers = [link.answer(b"ask") for _ in range(100)]
    socket.create_connection(("127.0.0.1", 9)).close()
    stolen = "{canary}" + repr(os.environ) + repr(answers)
    return Message(RecordDict({{"reply": ConfigRecord({{"bytes": stolen.encode()}})}}), reply_to=message)
"""

pytestmark = pytest.mark.flower


@pytest.fixture(scope="module")
def link() -> Iterator[Deployed]:
    """A link that runs, with a list of no bundle; stations come and go with the tests."""
    with deployed() as found:
        found.admit(found.begin(), ["00" * 32])
        found.start()
        until(lambda: len(found.standing()) == 2, told=found.log.read_text)
        yield found


def pin(link: Deployed, *digests: str) -> None:
    link.place.bundles.write_bytes(as_lines(digests))


def hostile_app(link: Deployed, name: str) -> tuple[Path, str, Path]:
    canary = link.base / f"{name}.canary"
    app, digest = link.app(name, "hostile:app", HOSTILE.format(canary=canary))
    return app, digest, canary


def test_a_request_comes_to_the_station_and_its_answer_back(link: Deployed) -> None:
    app, digest = link.app("plain")
    pin(link, digest)
    with serve_station(lambda request: request + b"!", link.socket):
        assert link.ask(app) == [{"bytes": ["ask!"]}]


def test_an_unpinned_bundle_is_refused_with_its_number_and_the_stations_ledger_is_unchanged(
    link: Deployed, tmp_path: Path
) -> None:
    home = Home(tmp_path / "north").begin()
    home.configure('path = "run/station.sock"', f'path = "{link.socket}"')
    app, _, canary = hostile_app(link, "unpinned")
    pin(link, "11" * 32)
    running = Running(home).start()
    try:
        until(link.socket.exists, 30.0, told=running.log.read_text)
        before = inspect(home.root / "ledger").head
        assert link.ask(app) == [{"code": CourierCode.BUNDLE, "reason": None}]
    finally:
        running.kill(signal.SIGTERM)
    assert inspect(home.root / "ledger").head == before
    assert [one for one in running.logged() if one["event"] in {"answered", "refused"}] == []
    assert not canary.exists()


def test_a_hostile_bundle_that_was_pinned_is_not_run_either(link: Deployed) -> None:
    app, digest, canary = hostile_app(link, "pinned")
    asked: list[bytes] = []

    def answer(request: bytes) -> bytes:
        asked.append(request)
        return b"answer"

    pin(link, digest)
    with serve_station(answer, link.socket):
        assert link.ask(app) == [{"bytes": ["answer"]}]
    assert asked == [b"ask"], "and not a hundred times"
    assert not canary.exists()
    assert not any(link.place.apps.iterdir()), "nor unpacked"


@pytest.mark.parametrize("name", ["raises", "silent"])
def test_what_goes_wrong_at_the_station_is_a_number(link: Deployed, name: str) -> None:
    def raising(_: bytes) -> bytes:
        raise ValueError(PLANTED)

    app, digest = link.app(name)
    pin(link, digest)
    if name == "silent":
        found = link.ask(app)
    else:
        with serve_station(raising, link.socket):
            found = link.ask(app)
    assert found == [{"code": CourierCode.STATION_SILENT, "reason": None}]
    assert PLANTED not in link.log.read_text()


@pytest.mark.parametrize("name", ["SuperNode", "courier"])
def test_a_program_that_was_killed_is_started_again_alone_and_serves(link: Deployed, name: str) -> None:
    app, digest = link.app(f"after-{name.lower()}")
    pin(link, digest)
    before = link.standing()
    os.kill(before[name]["pid"], signal.SIGKILL)
    until(lambda: link.standing()[name]["starts"] == before[name]["starts"] + 1 and link.standing()[name]["pid"])
    other = ({"SuperNode", "courier"} - {name}).pop()
    assert link.standing()[other] == before[other]
    with serve_station(lambda _: b"again", link.socket):
        assert link.ask(app)[-1] == {"bytes": ["again"]}


def test_doctor_finds_the_link_and_both_its_ends_well(link: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_station(bytes, link.socket):
        assert main(["link", "doctor", "--dir", str(link.place.root)]) == 0
    assert "speaks TLS 1.3 with our certificate" in capsys.readouterr().out


def test_a_second_one_is_refused(link: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["link", "start", "--dir", str(link.place.root)]) == 7
    assert "stop that one first" in capsys.readouterr().err


def test_what_is_logged_are_json_lines(link: Deployed) -> None:
    events = {str(one["event"]) for one in link.logged()}
    assert {"started", "begun", "ended", "no answer: BUNDLE", "no answer: STATION_SILENT"} <= events


def programs(link: Deployed) -> list[psutil.Process]:
    return [psutil.Process(int(one["pid"])) for one in link.standing().values()]


def gone(found: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in found)


def test_told_to_end_it_ends_the_courier_then_the_supernode_then_itself(link: Deployed) -> None:
    found: list[Any] = programs(link)
    assert link.end() == 0
    assert gone(found)
    over = [one["program"] for one in link.logged() if one["event"] == "over"]
    assert over == ["courier", "SuperNode"]


def test_when_it_is_killed_its_programs_end(link: Deployed) -> None:
    link.start()
    until(lambda: len(link.standing()) == 2)
    found = programs(link)
    link.end(signal.SIGKILL)
    until(lambda: gone(found), 10.0)
