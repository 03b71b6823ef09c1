"""Supervising: programs are started again, later each time, and end with whoever supervises them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from client.link import supervising
from client.link.bound import bound
from client.link.programs import Program, environment
from client.link.supervising import Backoff, Supervisor
from tests.client.link.deployed import ROOT, until

ENVIRONMENT = dict(os.environ) | {"PYTHONPATH": str(ROOT)}


def shell(name: str, script: str) -> Program:
    return Program(name=name, command=("/bin/sh", "-c", script))


def test_the_pause_doubles_up_to_a_minute_and_begins_anew_after_calm() -> None:
    backoff = Backoff()
    assert [backoff.after(0.1) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.after(supervising.CALM_S) == 1
    assert backoff.after(0.1) == 2


def supervised(
    programs: Sequence[Program], directory: Path, enough: threading.Event, patience_s: float = 20.0
) -> list[list[Mapping[str, object]]]:
    """What was told until it was enough; it runs in the main thread, as it must."""
    told: list[list[Mapping[str, object]]] = []
    stop = threading.Event()
    waiting = threading.Thread(target=lambda: (enough.wait(patience_s), stop.set()))
    waiting.start()
    Supervisor(programs, directory, ENVIRONMENT, lambda standing: told.append(list(standing))).run(stop)
    waiting.join()
    return told


def when(path: Path, n_lines: int, enough: threading.Event) -> None:
    """Enough, as soon as a file has so many lines."""

    def look() -> None:
        until(lambda: path.exists() and len(path.read_text().splitlines()) >= n_lines, 20.0)
        enough.set()

    threading.Thread(target=look, daemon=True).start()


def test_a_program_that_ends_is_started_again_and_the_other_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "FIRST_PAUSE_S", 0.1)
    enough, ends, stays = threading.Event(), tmp_path / "ends", tmp_path / "stays"
    when(ends, 3, enough)
    programs = [shell("ends", f"echo x >> {ends}; exit 3"), shell("stays", f"echo x >> {stays}; exec sleep 600")]
    told = supervised(programs, tmp_path, enough)
    assert len(ends.read_text().splitlines()) >= 3
    assert len(stays.read_text().splitlines()) == 1
    assert told[-1] == []
    assert {one["starts"] for standing in told for one in standing if one["program"] == "stays"} == {1}


def test_in_the_end_all_are_ended_the_last_one_first_and_what_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "END_S", 1.0)
    enough, begun, over = threading.Event(), tmp_path / "begun", tmp_path / "over"
    when(begun, 3, enough)
    polite = "trap 'echo {name} >> {over}; exit 0' TERM; echo x >> {begun}; while :; do sleep 0.1; done"
    stubborn = "trap '' TERM; echo $$ >> {begun}; while :; do sleep 0.1; done"
    scripts = {"first": polite, "second": polite, "stubborn": stubborn}
    programs = [shell(name, text.format(name=name, over=over, begun=begun)) for name, text in scripts.items()]
    supervised(programs, tmp_path, enough)
    assert over.read_text().split() == ["second", "first"]
    (pid,) = [int(line) for line in begun.read_text().split() if line != "x"]
    assert not psutil.pid_exists(pid)


BOUND_PARENT = """
import subprocess, sys, time
from client.link.bound import bound
child = subprocess.Popen(bound(["/bin/sleep", "600"]))
print(child.pid, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_bound_program_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", BOUND_PARENT], stdout=subprocess.PIPE, env=ENVIRONMENT)  # noqa: S603
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    until(lambda: psutil.Process(pid).name() == "sleep", 10.0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: not lives(pid), 10.0)


def test_a_program_whose_parent_is_gone_already_does_not_begin() -> None:
    command = bound(["/bin/echo", "begun"])
    command[command.index(str(os.getpid()))] = "1"
    found = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603
    assert found.returncode == 1
    assert found.stdout == ""
    assert "the parent is gone" in found.stderr


def test_a_complaint_is_logged_in_one_line_and_everything_else_is_for_debugging(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    enough, said = threading.Event(), tmp_path / "said"
    when(said, 1, enough)
    script = f"echo INFO all is well; printf 'ERROR: %01000d\\n' 1; sleep 0.5; echo x >> {said}; exec sleep 600"
    with caplog.at_level("INFO", "client.deployment"):
        supervised([shell("one", script)], tmp_path, enough)
    lines = [vars(one)["fields"]["line"] for one in caplog.records if one.getMessage() == "said"]
    assert lines[0].startswith("ERROR: 0000")
    assert max(map(len, lines)) <= supervising.LONGEST_LINE
    assert "all is well" not in caplog.text


def test_nothing_set_for_other_flower_runs_is_handed_on_and_nothing_is_told_to_its_makers() -> None:
    outer = {"FLWR_HOME": "/theirs", "FLWR_TELEMETRY_ENABLED": "1", "FLWR_OTHER": "1", "NO_PROXY": "a", "LANG": "C"}
    found = environment(outer, Path("/ours"))
    flowers = {key: value for key, value in found.items() if key.startswith("FLWR_")}
    assert flowers == {
        "FLWR_HOME": "/ours",
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.5",
    }
    assert found["NO_PROXY"] == "a,127.0.0.1"
    assert found["LANG"] == "C"


def test_a_run_of_nothing_takes_no_time(tmp_path: Path) -> None:
    began, stop = time.monotonic(), threading.Event()
    stop.set()
    Supervisor([], tmp_path, ENVIRONMENT, lambda _: None).run(stop)
    assert time.monotonic() - began < 5.0
