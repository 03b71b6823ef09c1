"""Real coordinators for tests: directories as ``init`` makes them, a consortium of real stations, processes."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from client.command import main as bureau
from client.policy import Policy
from common.consortium.identity import Identity
from common.consortium.linking import LinkAdmission
from common.consortium.roster import Roster
from common.consortium.signed import SignedRoster
from common.plan import Plan
from server.command import main
from server.consortium.files import write_key
from server.deployment.office import Office
from server.deployment.opening import open_office
from server.deployment.place import Place
from server.deployment.plan_file import load_plan
from simulations.ledgers import granting_policy
from tests.client.deployment.stations import Home, policy_toml

NAMES = ("east", "north", "south")
GOVERNOR = Identity.of_seed(bytes([7] * 32))
QUICK = """\
clusters = 3
epsilon = 10.0
expected_units = 20000
[tuning]
leaves_per_cluster = 1
reduction_restarts = 1
[tuning.division]
passes_per_level = 1
polish_rounds = 2
"""
PATIENCE_S = 120.0
RUN = "import sys; from server.command import main; sys.exit(main())"
BUREAU = "import sys; from client.command import main; sys.exit(main())"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@lru_cache(maxsize=1)
def _begun() -> Path:
    """A directory as ``init`` makes it, once for all tests of a process; building the bundle takes seconds."""
    root = Path(tempfile.mkdtemp(prefix="fcb"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    assert main(["init", "--dir", str(root / "c"), "--name", "coordinator", "--host", "localhost"]) == 0
    return root / "c"


@dataclass
class Seat:
    """A coordinator's directory, made by ``init``, with a quick plan and a consortium of its own."""

    root: Path
    plan_text: str = QUICK
    office: Office = field(init=False)

    def begin(self) -> Seat:
        shutil.copytree(_begun(), self.root)
        port = free_port()
        self.configure("port = 443", f"port = {port}")
        self.configure("port = 9092", f"port = {port}")
        self.place.plan.write_text(self.plan_text)
        self.office = open_office(self.place)
        return self

    @property
    def place(self) -> Place:
        return Place(self.root)

    @property
    def plan(self) -> Plan:
        return load_plan(self.place.plan)

    def configure(self, old: str, new: str) -> None:
        text = self.place.configuration.read_text()
        assert old in text
        self.place.configuration.write_text(text.replace(old, new))

    def reopen(self) -> Office:
        self.office = open_office(self.place)
        return self.office

    def found(self, homes: Sequence[Home]) -> SignedRoster:
        """Begin the consortium with its commands: the coordinator, these bureaus, one governor."""
        directory, key = str(self.place.consortium), self.root.parent / "governor.key"
        write_key(key, GOVERNOR, None)
        governor = ["--governance-key", GOVERNOR.public.hex(), "--threshold", "1"]
        assert main(["roster", "init", "--dir", directory, "--name", "coordinator", *governor]) == 0
        for home in homes:
            request = str(home.root / "consortium" / "join-request.json")
            assert main(["roster", "add", home.name, "--dir", directory, "--request", request]) == 0
        assert main(["roster", "sign", "--dir", directory, "--key", str(key)]) == 0
        return SignedRoster.from_json((self.place.consortium / "roster.json").read_bytes())

    def found_roster(self) -> Roster:
        return SignedRoster.from_json((self.place.consortium / "roster.json").read_bytes()).roster

    def tell(self, capsys: Any, *command: str) -> Any:
        """What a command says in JSON."""
        capsys.readouterr()
        code = main([*command, "--dir", str(self.root), "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(out)


def generous(plan: Plan) -> Policy:
    """A policy that grants a plan, again and again."""
    return granting_policy(plan).model_copy(
        update={"epsilon_per_data_version": 100.0, "epsilon_per_year": 100.0, "releases_per_day": 100_000}
    )


def homes_of(root: Path, plan: Plan, names: Sequence[str] = NAMES) -> list[Home]:
    """Real stations' directories, which grant a plan."""
    homes = [Home(root / name, name, place % 3).begin(plan) for place, name in enumerate(names)]
    for home in homes:
        (home.root / "policy.toml").write_text(policy_toml(generous(plan)))
    return homes


@dataclass
class Program:
    """A command of ours as a process, with its log."""

    log: Path
    command: tuple[str, ...]
    code: str = RUN
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Program:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own command
                [sys.executable, "-c", self.code, *self.command], stdout=log, stderr=log
            )
        return self

    @property
    def number(self) -> int:
        assert self.process is not None
        return self.process.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait(PATIENCE_S)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def until(true: Callable[[], object], what: str, *programs: Program, seconds: float = PATIENCE_S) -> None:
    """Wait; whoever ends meanwhile has failed."""
    deadline = time.monotonic() + seconds
    while not true():
        for program in programs:
            assert program.process is not None
            assert program.process.poll() is None, program.said()
        assert time.monotonic() < deadline, f"{what}: " + "\n".join(one.said()[-3000:] for one in programs)
        time.sleep(0.1)


def link_of(seat: Seat, home: Home, root: Path) -> Program:
    """A bureau's link, let in by the coordinator's command."""
    directory, admission = str(root / f"link-{home.name}"), root / f"admission-{home.name}.json"
    given = ["--name", home.name, "--socket", str(home.socket), "--port", str(free_port())]
    assert bureau(["link", "init", "--dir", directory, *given]) == 0
    request = str(Path(directory) / "link-request.json")
    assert main(["link", "admit", request, "--dir", str(seat.root), "--out", str(admission)]) == 0
    digest = LinkAdmission.from_json(admission.read_bytes()).digest
    assert bureau(["link", "accept", str(admission), "--dir", directory, "--digest", digest]) == 0
    return Program(root / f"link-{home.name}.log", ("link", "start", "--dir", directory), BUREAU)


def station_of(home: Home, root: Path) -> Program:
    return Program(root / f"station-{home.name}.log", ("start", "--dir", str(home.root)), BUREAU)
