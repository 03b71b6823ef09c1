"""The engine of processes, part by part: credentials, courier, pauses, last words."""

import inspect
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from flwr.superlink.grid import http_grid
from flwr.supernode import start_client_internal

from client.courier import CourierCode
from common.errors import CohortError, EngineError
from common.plan import Plan
from server.session import SessionReport
from simulations.command import main
from simulations.conducting import OnRound, Record
from simulations.engines import loopback_engine
from simulations.loopback import Answer
from simulations.processes import children, engine
from simulations.processes.children import Children
from simulations.processes.courier import Courier
from simulations.processes.credentials import Authority, node_key, secret
from simulations.processes.engine import run_over_processes
from simulations.processes.haste import REPLY_PAUSE_S, hasten_supernode
from simulations.processes.rehearsal import Rehearsal
from tests.flower.grids import context_of
from tests.flower.test_courier import message, on_the_wire
from tests.flower.test_processes import PLANTED, THREE, quick_plan
from tests.flower.worlds import BUREAUS, stations_of
from tests.simulations.schema import faults

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "result.schema.json").read_text())


@pytest.fixture(scope="module", autouse=True)
def _base(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Made before a test has a temporary directory of its own that would take it along in the end."""
    tmp_path_factory.getbasetemp()


def over_loopback_instead(
    stations: Mapping[str, Answer], plan: Plan, on_round: OnRound, record: Record
) -> SessionReport:
    return loopback_engine(1, record)(stations, plan, on_round)


def test_a_pause_is_capped_and_nothing_else_of_the_loop_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    loop = ModuleType("loop")
    vars(loop).update(time=time, pull_objects=lambda *_, **how: how, other=5)
    hasten_supernode(loop, 0.2)
    monkeypatch.setattr(time, "sleep", slept.append)
    for seconds in (3, 0.5, 0.01):
        loop.time.sleep(seconds)
    assert slept == [0.2, REPLY_PAUSE_S, 0.01]
    assert loop.pull_objects().keys() == {"initial_backoff", "backoff_cap"}
    assert loop.other == 5


def test_flower_has_what_is_made_faster() -> None:
    assert start_client_internal.time is time
    assert {"initial_backoff", "backoff_cap"} <= inspect.signature(start_client_internal.pull_objects).parameters.keys()
    pulling = getattr(http_grid.pull_objects, "func", http_grid.pull_objects)  # another test may have hastened it
    assert pulling.__name__ == "pull_objects"


@pytest.mark.parametrize("held", [{}, {"time": time}, {"pull_objects": print}])
def test_a_flower_that_has_changed_is_not_started(held: dict[str, object]) -> None:
    loop = ModuleType("loop")
    vars(loop).update(held)
    with pytest.raises(EngineError, match=r"^loop is not the one we know: install flwr 1\.41$"):
        hasten_supernode(loop, 0.2)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("INFO : x\n\x1b[91mERROR\x1b[0m: it\nand why\nINFO: bye\n", "ERROR: it / and why"),
        ("Traceback\n  File x\nValueError: cause\n", "ValueError: cause"),
        ("│ Error: no │\n╰────╯\n", "Error: no"),
        ("2026-01-01T00:00:00.1Z INFO [uvicorn] all is well\none\n", "one"),
        ("", "nothing"),
    ],
)
def test_the_last_words_are_those_from_the_last_error_on(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "run.log").write_text(log)
    assert Children(tmp_path).last_words("run").endswith(f"the last lines of its log: {words}")


def test_a_port_that_was_taken_meanwhile_is_chosen_anew_three_times(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, tries = tmp_path / "flower-superlink", tmp_path / "tries"
    command.write_text(f"#!/bin/sh\necho $* >> {tries}\necho '[Errno 98] address already in use'\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setattr(children, "_scripts", lambda: tmp_path)
    monkeypatch.setattr(Rehearsal, "start_couriers", lambda *_: None)
    with pytest.raises(EngineError, match="taken by others 3 times"):
        run_over_processes(stations_of(quick_plan(), THREE), quick_plan())
    ports = {line.rpartition("--port ")[2] for line in tries.read_text().splitlines()}
    assert len(ports) == 3
    assert [path for path in temporary.iterdir() if path.name.startswith("fedclaims")] == []


@pytest.mark.parametrize("n_bureaus", [0, 2])
def test_too_few_bureaus_are_refused_before_anything_is_started(
    n_bureaus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "rehearsing", None)
    with pytest.raises(CohortError, match=f"^{n_bureaus} bureaus take part, the plan needs 3"):
        run_over_processes(stations_of(quick_plan(), BUREAUS[:n_bureaus]), quick_plan())


def test_credentials_are_for_this_user_alone_and_the_authoritys_key_is_nowhere(tmp_path: Path) -> None:
    authority = Authority.new(tmp_path)
    server, node = authority.server("superlink"), node_key(tmp_path, "bureau-0")
    files = {authority.root, server.certificate, server.key, node.private, node.public, secret(tmp_path, "bureau-0")}
    assert set(tmp_path.iterdir()) == files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert node.public.read_bytes().startswith(b"ecdsa-sha2-nistp384 ")
    assert [path for path in files if b"PRIVATE KEY" in path.read_bytes()] != []
    assert b"PRIVATE KEY" not in authority.root.read_bytes()


def test_what_an_app_raises_is_answered_with_a_number(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = ClientApp()

    @app.query()
    def query(_: Message, __: Context) -> Message:
        raise ValueError(PLANTED.decode())

    courier = Courier("127.0.0.1:1", Authority.new(tmp_path).root.read_bytes(), b"secret", app)
    reply = courier._answer(message(), context_of({}, {}))
    assert reply.error.code == CourierCode.INTERNAL
    assert PLANTED not in on_the_wire(reply)
    assert PLANTED.decode() not in caplog.text


def test_the_command_names_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "run_over_processes", over_loopback_instead)
    given = ["--engine", "processes", "--bureaus", "3", "--claims-total", "2000", "--clusters", "2"]
    assert main([*given, "--protection", "none", "--no-reference", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["engine"] == "processes"
    assert list(faults(SCHEMA, result)) == []
