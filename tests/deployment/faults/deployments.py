"""A whole deployment for tests of faults: service, SuperLink, a real nginx, stations and links, each a process."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from client.command import main as bureau
from client.link.place import LinkPlace
from common.consortium.linking import LinkAdmission
from common.consortium.signed import SignedRoster
from common.wire import AnyMessage
from server.command import main
from server.deployment.commands import environment_of, scripts
from server.registry.run import Run, State, WantedBy
from tests.client.deployment.stations import Home
from tests.deployment.faults.door import Door
from tests.deployment.faults.wires import Line, Tap
from tests.server.deployment.coordinators import QUICK, Program, Seat, free_port, homes_of, link_of, station_of, until
from tests.server.proxy.doors import insist_on

NAMES = ("east", "north", "south", "west")
LEAST_S, MOST_S = 20, 120
"""A run waits as long for bureaus, and for the answers to one question, as this machine took to set all of it up."""

RUN_S = 800.0
CLOSED = {State.DONE, State.FAILED, State.ABANDONED}
OF_PHASE = {
    "offer": "masked_offer",
    "members": "members",
    "invite": "invite",
    "survivors": "survivors",
    "reveal": "reveal_request",
    "result": "masked_result",
}
"""What asks for each phase."""


@dataclass
class Deployment:
    """Everything that runs, by bureau where it is a bureau's."""

    root: Path
    seat: Seat
    homes: dict[str, Home]
    door: Door
    service: Program
    stations: dict[str, Program] = field(default_factory=dict)
    links: dict[str, Program] = field(default_factory=dict)
    taps: dict[str, Tap] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    rosters: dict[int, Path] = field(default_factory=dict)

    def run(self) -> Run:
        """Order a run, and wait until it is closed."""
        return self.closed(self.order())

    def order(self) -> int:
        return self.seat.office.registry.runs.order(WantedBy.OPERATOR, self.seat.office.clock()).number

    def closed(self, number: int) -> Run:
        until(lambda: self.found(number).state in CLOSED, "the run is closed", self.service, seconds=RUN_S)
        return self.found(number)

    def found(self, number: int) -> Run:
        run = self.seat.office.registry.runs.find(number)
        assert run is not None
        return run

    def link_place(self, name: str) -> LinkPlace:
        return LinkPlace(self.root / f"link-{name}")

    def n_let_in(self, name: str) -> int:
        """How often the proxy and the SuperLink have let its SuperNode ask for messages."""
        return self._n_asked(name, '"status":200')

    def n_turned_away(self, subject: str) -> int:
        """How often the proxy has turned a subject away."""
        return self._n_asked(subject, '"status":40')

    def await_online(self, name: str) -> None:
        before = self.n_let_in(name)
        until(lambda: self.n_let_in(name) > before, "the SuperNode is online", self.service)

    def _n_asked(self, name: str, status: str) -> int:
        asking = [line for line in self.door.seen().splitlines() if "/v1/fleet/" in line and status in line]
        return sum(f'CN={name}"' in line for line in asking if status == '"status":40' or "pull-messages" in line)

    def kill_supernode(self, name: str) -> None:
        """Its link starts it again."""
        held = json.loads(self.link_place(name).status.read_bytes())["programs"]
        (number,) = [one["pid"] for one in held if one["program"] == "SuperNode"]
        os.kill(number, signal.SIGKILL)

    def kill_station(self, name: str) -> None:
        assert self.stations[name].end(signal.SIGKILL) == -signal.SIGKILL

    def restart_link(self, name: str) -> None:
        self.links[name].end()
        self.links[name].start()

    def leave_alone(self) -> None:
        for tap in self.taps.values():
            tap.leave_alone()

    def digest_of(self, app: Path) -> str:
        """Of the bundle that Flower builds of an app."""
        out = self.root / "built"
        out.mkdir()
        command = [str(scripts() / "flwr"), "build", "--app", str(app)]
        place = self.seat.place
        subprocess.run(command, cwd=out, env=environment_of(place, os.environ), check=True, capture_output=True)  # noqa: S603
        (bundle,) = out.glob("*.fab")
        return hashlib.sha256(bundle.read_bytes()).hexdigest()

    def flwr(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """A command of Flower's to the SuperLink, past the proxy: the most that somebody on its machine can do."""
        place = self.seat.place
        return subprocess.run(  # noqa: S603  a command of our own environment
            [str(scripts() / "flwr"), *arguments, "--format", "json"],
            cwd=place.superlink,
            env=environment_of(place, os.environ),
            capture_output=True,
            check=False,
            timeout=90,
        )


@dataclass
class Once:
    """Does something the first time that a message of a kind comes by; says whether it did."""

    kind: str
    act: Callable[[], None]
    number: int | None = None
    done: bool = False

    def __call__(self, message: AnyMessage) -> None:
        here = message.kind == self.kind and self.number in {None, getattr(message, "number", None)}
        if here and not self.done:
            self.done = True
            self.act()


@contextmanager
def deployment(names: Sequence[str] = NAMES, plan_text: str = QUICK) -> Iterator[Deployment]:
    """All of it, set up by its own commands; when the block ends, no process is left."""
    insist_on("nginx")
    with tempfile.TemporaryDirectory(prefix="fcf") as directory, ExitStack() as stack:
        root = Path(directory)
        root.chmod(0o711)  # nginx's workers are another user
        seat = _seat(root, plan_text)
        homes = {home.name: home for home in homes_of(root, seat.plan, names)}
        service = Program(root / "service.log", ("start", "--dir", str(seat.root)))
        found = Deployment(root, seat, homes, Door(seat), service)
        found_consortium(found)
        for home in homes.values():
            join(found, home, stack)
        stack.callback(service.end)
        began = time.monotonic()
        service.start()
        stack.callback(found.door.end)
        found.door.start()
        until(lambda: service.said().count("node let in") == len(names), "the SuperLink knows all nodes", service)
        for name in names:
            stack.callback(found.links[name].end)
            found.links[name].start()
        until(lambda: all(map(found.n_let_in, names)), "all SuperNodes are online", service, *found.links.values())
        be_patient(seat, min(max(LEAST_S, round(time.monotonic() - began)), MOST_S))
        yield found


def be_patient(seat: Seat, seconds: int) -> None:
    """From the next run on; every run reads its configuration."""
    seat.configure('patience = "2m"', f'patience = "{seconds}s"')
    seat.configure('replies = "10m"', f'replies = "{seconds}s"')


def found_consortium(found: Deployment) -> None:
    signed = found.seat.found(list(found.homes.values()))
    keep_roster(found)
    for home in found.homes.values():
        home.accept(signed)


def keep_roster(found: Deployment) -> None:
    """For replays: a transcript is checked against the roster of then."""
    held = (found.seat.place.consortium / "roster.json").read_bytes()
    version = found.seat.found_roster().version
    found.rosters[version] = found.root / f"roster-{version}.json"
    found.rosters[version].write_bytes(held)


def change_roster(found: Deployment, accepting: Sequence[str], *command: str) -> None:
    """The next version, signed, and accepted by some."""
    directory, key = str(found.seat.place.consortium), str(found.root / "governor.key")
    assert main(["roster", *command, "--dir", directory]) == 0
    assert main(["roster", "sign", "--dir", directory, "--key", key]) == 0
    keep_roster(found)
    signed = SignedRoster.from_json((found.seat.place.consortium / "roster.json").read_bytes())
    for name in accepting:
        found.homes[name].accept(signed)


def join(found: Deployment, home: Home, stack: ExitStack) -> None:
    """A bureau's station, and its link, which is not started yet, with our hands on both its wires."""
    name = home.name
    tap = found.taps[name] = Tap(home.socket, found.root / f"tap-{name}.sock")
    stack.enter_context(tap.served())
    line = found.lines[name] = Line(found.seat.office.configuration.proxy.port)
    port = stack.enter_context(line.laid())
    found.stations[name] = station_of(home, found.root).start()
    stack.callback(found.stations[name].end, signal.SIGKILL)
    found.links[name] = link_over(found, name, port)


def link_over(found: Deployment, name: str, port: int) -> Program:
    """A link that finds the coordinator at the near end of its bureau's line, and the station behind the tap."""
    link = link_of(found.seat, Tapped(found.homes[name].root, name, door=found.taps[name].door), found.root)
    kept = found.link_place(name)
    admission = LinkAdmission.from_json(kept.admission.read_bytes()).model_copy(
        update={"superlink": f"localhost:{port}"}
    )
    path = found.root / f"admission-{name}-line.json"
    path.write_bytes(admission.to_json())
    assert bureau(["link", "accept", str(path), "--dir", str(kept.root), "--digest", admission.digest]) == 0
    return link


@dataclass
class Tapped(Home):
    """A home whose station is reached at another socket."""

    door: Path = Path()

    @property
    def socket(self) -> Path:
        return self.door


def _seat(root: Path, plan_text: str) -> Seat:
    seat = Seat(root / "c", plan_text).begin()
    port = seat.office.configuration.proxy.port
    seat.configure(f"[proxy]\nport = {port}", f"[proxy]\nport = {free_port()}")
    seat.reopen()
    return seat
