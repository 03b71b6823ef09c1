"""What stands beside the service: other users, the proxy's list of revocations, processes that are told to end."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.certificates.credentials import Credentials
from server.deployment.doctor.findings import Level
from server.deployment.doctor.neighbours import LATEST_RELOAD_S, reloaded, users
from server.deployment.superlink import SuperLink
from tests.server.deployment.coordinators import Seat

DEPLOY = Path(__file__).parents[3] / "deploy"
CLOSING = """
import signal, sys, time
def end(*_):
    time.sleep(0.5)
    open(sys.argv[1], "w").write("closed")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
STARTING = "import subprocess, sys, time; subprocess.Popen([sys.executable, *sys.argv[1:]]); time.sleep(60)"


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path / "c").begin()


def level(seat: Seat, rules: Path, *others: int) -> Level:
    (found,) = users(seat.office.configuration, rules, lambda: list(others))
    return found.level


def test_doctor_tells_of_other_users_unless_a_rule_keeps_them_from_the_superlink(seat: Seat, tmp_path: Path) -> None:
    rules, port = tmp_path / "etc", seat.office.configuration.superlink.port
    (rules / "nftables.d").mkdir(parents=True)
    assert level(seat, rules) is Level.FINE
    assert level(seat, rules, 1000) is Level.WARNING
    held = (DEPLOY / "nftables" / "fedclaims-coordinator.nft").read_text()
    (rules / "nftables.d" / "fedclaims-coordinator.nft").write_text(held.replace("= 9092", "= 1"))
    assert level(seat, rules, 1000) is Level.WARNING
    (rules / "nftables.d" / "fedclaims-coordinator.nft").write_text(held.replace("= 9092", f"= {port}"))
    assert level(seat, rules, 1000) is Level.FINE


def test_doctor_tells_of_a_proxy_that_has_not_read_the_newest_list_of_revocations(seat: Seat, tmp_path: Path) -> None:
    seat.configure('directory = "/var/lib/fedclaims-proxy"', f'directory = "{tmp_path}"')
    configuration, revocations = seat.reopen().configuration, Credentials(seat.place.authority).revocations
    assert list(reloaded(seat.place, configuration)) == [], "it cannot be seen"
    (tmp_path / "nginx.pid").write_text(str(os.getpid()))
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as worker:
        (fresh,) = reloaded(seat.place, configuration)
        later = time.time() + LATEST_RELOAD_S + 60
        os.utime(revocations, (later, later))
        (stale,) = reloaded(seat.place, configuration)
        worker.kill()
    assert (fresh.level, stale.level) == (Level.FINE, Level.WARNING)
    assert "reload" in stale.fix


def test_a_process_that_is_ended_has_time_to_close_what_it_writes(seat: Seat, tmp_path: Path) -> None:
    superlink, closed = SuperLink(seat.place, 9), tmp_path / "closed"
    command = [sys.executable, "-c", STARTING, "-c", CLOSING, str(closed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:  # noqa: S603  stands for a SuperLink
        superlink._child = child
        assert child.stdout is not None
        child.stdout.readline()
        superlink.stop()
    assert closed.read_text() == "closed"


def test_what_needs_an_operator_is_not_tried_again_by_systemd() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / "systemd" / "fedclaims-coordinator.service")
    assert unit["Service"]["RestartPreventExitStatus"].split() == ["3", "4", "5"]
    assert int(unit["Service"]["RestartSec"]) >= 30
