import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from common.errors import CohortError, EngineError
from simulations.flower import engine, processes
from simulations.flower.ending import end_all, ended_like_ctrl_c
from simulations.flower.engine import run_over_flower
from tests.flower.worlds import BUREAUS, over_loopback, small_plan, stations_of

MARK = ("FEDCLAIMS_TEST_MARK", f"{os.getpid()}")


def sleepers(script: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A marked shell that starts others and tells their numbers."""
    environment = os.environ | dict([MARK])
    child = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, env=environment)  # noqa: S603
    assert child.stdout is not None
    pids = [int(number) for number in child.stdout.readline().split()]
    child.stdout.close()
    return child, pids


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_children_and_theirs_are_ended() -> None:
    child, pids = sleepers("sleep 600 & a=$!; sleep 600 & echo $a $!; wait")
    end_all([child], MARK)
    assert len(pids) == 2
    assert not any(map(lives, [child.pid, *pids]))


def test_those_whose_parents_have_died_are_ended_by_their_mark() -> None:
    child, pids = sleepers("sleep 600 >/dev/null & echo $!")
    child.wait()
    assert all(map(lives, pids))
    end_all([child], MARK)
    assert not any(map(lives, pids))


def test_those_that_hide_their_mark_are_ended_by_their_parents() -> None:
    child, pids = sleepers("env -i sleep 600 & echo $!; wait")
    end_all([child], MARK)
    assert not any(map(lives, pids))


def test_other_processes_live_on() -> None:
    stranger = subprocess.Popen(["/bin/sleep", "600"])
    child, _ = sleepers("sleep 600 & echo $!; wait")
    try:
        end_all([child], MARK)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_terminate_cleans_up_like_ctrl_c(number: signal.Signals) -> None:
    def own(*_: object) -> None: ...

    inherited = signal.signal(number, own)  # an ignored signal would stay ignored
    try:
        with pytest.raises(KeyboardInterrupt), ended_like_ctrl_c():
            signal.raise_signal(number)
        assert signal.getsignal(number) is own
    finally:
        signal.signal(number, inherited)


def test_a_second_signal_does_not_disturb_the_cleaning() -> None:
    cleaned = False
    with suppress(KeyboardInterrupt), ended_like_ctrl_c():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            cleaned = True
    assert cleaned


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_like_ctrl_c():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("n_bureaus", [0, 1, 2])
def test_too_few_bureaus_are_refused_before_anything_is_started(
    n_bureaus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FlowerProcesses", None)
    with pytest.raises(CohortError, match=f"^{n_bureaus} bureaus take part, the plan needs 3"):
        run_over_flower(stations_of(small_plan(), BUREAUS[:n_bureaus]), small_plan())


def test_flower_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    outer = {
        "PATH": "/bin",
        "HOME": "/home/x",
        "FLWR_DATABASE": "theirs",
        "RAY_ADDRESS": "theirs",
        "PYTHONPATH": "mine",
    }
    found = processes._environment(outer, tmp_path, tmp_path / "home")
    assert found["HOME"] == "/home/x"
    assert found.keys().isdisjoint({"FLWR_DATABASE", "RAY_ADDRESS"})
    assert found["FLWR_TELEMETRY_ENABLED"] == found["RAY_USAGE_STATS_ENABLED"] == "0"
    assert found["FLWR_DISABLE_UPDATE_CHECK"] == found["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"
    assert found["FLWR_HOME"] == str(tmp_path / "home")
    assert found["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/bin"]
    assert found["PYTHONPATH"].split(os.pathsep) == [str(Path(__file__).parents[2]), "mine"]


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "ray" else object())
    with pytest.raises(EngineError, match=r"pip install '\.\[flower\]'"):
        run_over_flower(stations_of(small_plan()), small_plan())


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("ERROR: it happened\n  File x\nValueError: first cause\nRuntimeError: its echo\n", "ValueError: first cause"),
        ("ERROR [uvicorn] [Errno 98] address in use\n", "[Errno 98] address in use"),
        ("all is well\n", "none"),
    ],
)
def test_the_last_words_are_the_first_cause(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "flower.log").write_text(log)
    assert processes.FlowerProcesses(tmp_path).last_words().endswith(f"the first error in its log: {words}")


def fake_commands(directory: Path, **scripts: str) -> Callable[[], Path]:
    """A directory with shell scripts in the place of Flower's commands."""
    for name, script in scripts.items():
        command = directory / name.replace("_", "-")
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
    return lambda: directory


def test_a_superlink_that_does_not_start_is_an_error_with_its_last_words(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = fake_commands(tmp_path, flower_superlink="echo fine; echo 'Error: port taken'; exit 3")
    monkeypatch.setattr(processes, "_scripts", commands)
    with pytest.raises(EngineError, match=r"ended too early.*Error: port taken"):
        run_over_flower(stations_of(small_plan()), small_plan())
    assert not list(temporary.iterdir())


def test_a_run_that_ends_without_an_outcome_is_an_error_and_the_superlink_is_ended(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"
    commands = fake_commands(
        tmp_path, flower_superlink=f"echo $$ > {pid_file}; sleep 600", flwr="sleep 0.2; echo 'OSError: no'"
    )
    monkeypatch.setattr(processes, "_scripts", commands)
    monkeypatch.setattr(processes, "_answers", lambda _: pid_file.exists() and bool(pid_file.read_text().strip()))
    with pytest.raises(EngineError, match=r"ended too early.*OSError: no"):
        run_over_flower(stations_of(small_plan()), small_plan())
    assert not lives(int(pid_file.read_text()))
    assert not list(temporary.iterdir())


SCRIPT = """
from tests.flower.worlds import small_plan, stations_of
from simulations.flower.engine import run_over_flower
plan = small_plan()
run_over_flower(stations_of(plan), plan, on_round=lambda closed: print("round", closed.number, flush=True))
"""


def marked_by(directory: str) -> list[psutil.Process]:
    """Processes that have anything to do with a directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if directory in " ".join(process.cmdline()) or directory in "".join(process.environ().values()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.flower
def test_over_ray_the_hash_is_that_of_loopback_and_nothing_is_left(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEDCLAIMS_TEST_RUN", told := f"run-of-{os.getpid()}")
    plan, numbers = small_plan(), list[int]()
    report = run_over_flower(stations_of(plan), plan, on_round=lambda closed: numbers.append(closed.number))
    expected = over_loopback(plan)
    assert report.model.centroids_sha256 == expected.model.centroids_sha256
    assert report.bytes_up == expected.bytes_up
    assert numbers == [closed.number for closed in report.rounds] == list(range(1, len(numbers) + 1))
    assert not [one for one in marked_by(told) if one.pid != os.getpid()]
    assert not list(temporary.iterdir())


@pytest.mark.flower
def test_after_ctrl_c_over_ray_nothing_is_left() -> None:

    with tempfile.TemporaryDirectory(prefix="fc", dir="/tmp") as temporary:
        command = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"TMPDIR": temporary, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert command.stdout is not None
        assert command.stdout.readline() == "round 1\n"
        assert any("raylet" in process.name() for process in marked_by(temporary))
        command.send_signal(signal.SIGINT)
        _, told = command.communicate(timeout=60)
        assert "KeyboardInterrupt" in told
        assert marked_by(temporary) == []
        assert list(Path(temporary).iterdir()) == []
