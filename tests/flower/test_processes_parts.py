"""The engine of processes, part by part: last words, ports, advice, the command."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from common.errors import CohortError, EngineError
from common.plan import Plan
from server.session import SessionReport
from simulations.command import main
from simulations.conducting import OnRound, Record
from simulations.engines import loopback_engine
from simulations.flower.exchange import Exchange
from simulations.flower.meeting import insist_on_everyone
from simulations.loopback import Answer
from simulations.processes import children, engine
from simulations.processes.children import Children
from simulations.processes.engine import run_over_processes
from simulations.processes.rehearsal import Rehearsal
from tests.flower.test_processes import THREE, quick_plan
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
    monkeypatch.setattr(children, "scripts", lambda: tmp_path)
    monkeypatch.setattr(Rehearsal, "start_couriers", lambda _: None)
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


def test_a_run_with_another_number_of_supernodes_does_not_advise_an_option_of_flowers_simulation() -> None:
    with pytest.raises(CohortError, match=r"has 2 nodes for 3 bureaus: a SuperNode was not let in") as caught:
        insist_on_everyone(2, 3, engine.ADVICE)
    assert "--federation-config" not in str(caught.value)


def test_that_advice_goes_with_the_order(temporary: Path) -> None:
    exchange = Exchange(temporary)
    exchange.put_order(quick_plan(), THREE, 1.0, 1.0, engine.ADVICE)
    assert exchange.order().advice == engine.ADVICE


def test_the_command_names_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "run_over_processes", over_loopback_instead)
    given = ["--engine", "processes", "--bureaus", "3", "--claims-total", "2000", "--clusters", "2"]
    assert main([*given, "--protection", "none", "--no-reference", "--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["engine"] == "processes"
    assert list(faults(SCHEMA, result)) == []
