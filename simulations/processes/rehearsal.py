"""A deployment on one machine: a SuperLink, and for each bureau a SuperNode and a courier that stays.

Everything listens on the loopback alone and speaks TLS under an authority that lives as long as the rehearsal; a
SuperNode is let in by its registered key.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

from client.link.admission import accept
from client.link.beginning import begin_link
from client.link.configuration import LinkConfiguration, StationPart, SuperNodePart
from client.link.keys import LOOPBACK
from client.link.place import LinkPlace
from client.link.programs import COURIER, SUPERNODE, Program, door_of, programs_of
from common.consortium.linking import LinkAdmission
from common.errors import EngineError
from server.certificates.authority import Authority
from server.certificates.credentials import ServerFiles
from simulations.flower.hosting import socket_at
from simulations.processes.children import Children

START_S = 90.0
LOOK_PAUSE_S = 0.05
LASTS = dt.timedelta(days=2)
SUPERLINK, RUN = "SuperLink", "run"
CONNECTION = "rehearsal"
SHORTEST_PAUSE_S, PAUSE_PER_NODE_S, LONGEST_PAUSE_S = 0.1, 0.02, 3.0
"""How often a SuperNode looks for messages; all of them look at one SuperLink, which takes some milliseconds a look."""


class Rehearsal:
    """The processes of a deployment, started step by step."""

    def __init__(self, directory: Path) -> None:
        """Work in a private directory; credentials, homes and logs go there."""
        self._directory = directory
        self._children = Children(directory)
        self._authority = Authority.create(directory / "authority", "fedclaims rehearsal", lifetime=LASTS)
        self._links: list[_Link] = []
        self.address = f"{LOOPBACK}:{free_port()}"

    @property
    def children(self) -> Children:
        """The processes."""
        return self._children

    @property
    def root(self) -> Path:
        """Certificate that all others come from."""
        return self._authority.root

    def start_superlink(self) -> None:
        """Start the SuperLink; ``await_superlink`` is the other half."""
        self._configure()
        port = self.address.rpartition(":")[2]
        tls = self._tls(self._authority.server("superlink", [LOOPBACK], lifetime=LASTS))
        options = ["--enable-supernode-auth", "--isolation", "subprocess", "--host", LOOPBACK, "--port", port]
        self._children.start(SUPERLINK, "flower-superlink", *tls, *options, "--disable-runtime-dependency-installation")

    def await_superlink(self) -> None:
        """Wait until the SuperLink answers.

        Raises:
            EngineError: If it does not.
        """
        self._await(SUPERLINK, self.address, self.root)

    def admit(self, exchange: Path, n_bureaus: int, bundle: str) -> None:
        """Make every bureau's link and let it in, as a bureau and the coordinator do.

        Args:
            exchange: Where the stations listen.
            n_bureaus: How many.
            bundle: SHA-256 of the app bundle that couriers are to serve.
        """
        pause_s = pause_among(n_bureaus)
        for place in range(n_bureaus):
            station = StationPart(socket=socket_at(exchange, place))
            supernode = SuperNodePart(port=free_port(), longest_pause_s=pause_s)
            self._admit(LinkConfiguration(name=f"bureau-{place}", station=station, supernode=supernode), bundle)

    def start_couriers(self) -> None:
        """Start every bureau's courier; it waits for its SuperNode."""
        for link in self._links:
            self._start(link, COURIER)

    def start_supernodes(self) -> None:
        """Register every bureau's node key, as an operator does, and start its SuperNode.

        Raises:
            EngineError: If a key is not taken.
        """
        at_once = os.cpu_count() or 1
        for first in range(0, len(self._links), at_once):
            some = self._links[first : first + at_once]
            self._children.run({f"registration of {link.name}": self._registration(link.node_key) for link in some})
            for link in some:
                self._start(link, SUPERNODE)

    def await_supernodes(self) -> None:
        """Wait until every SuperNode answers its courier.

        Raises:
            EngineError: If one does not.
        """
        for link in self._links:
            self._await(link.called(SUPERNODE), door_of(link.configuration), link.place.runtime_root)

    def run(self, app: Path) -> None:
        """Start the run of an app as an operator does."""
        self._children.start(RUN, "flwr", "run", str(app), CONNECTION, "--stream")

    def ended(self) -> bool:
        """Whether one of the processes has ended."""
        return self._children.ended() is not None

    def last_words(self) -> str:
        """What to tell about that."""
        return self._children.last_words(self._children.ended() or RUN)

    def _await(self, name: str, address: str, root: Path) -> None:
        deadline = time.monotonic() + START_S
        while not _answers(address, root):
            self._children.insist_on_life()
            if time.monotonic() > deadline:
                raise EngineError(self._children.last_words(name))
            time.sleep(LOOK_PAUSE_S)

    def _configure(self) -> None:
        """Tell Flower's command line where the SuperLink is, and whom to believe that."""
        home = self._directory / "home"
        home.mkdir()
        lines = [
            f"[superlink]\ndefault = {json.dumps(CONNECTION)}\n\n[superlink.{CONNECTION}]",
            f"address = {json.dumps(self.address)}",
            f"root-certificates = {json.dumps(str(self.root))}",
        ]
        (home / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _registration(self, public_key: Path) -> list[str]:
        return ["flwr", "supernode", "register", str(public_key), CONNECTION]

    def _admit(self, configuration: LinkConfiguration, bundle: str) -> None:
        place, now = LinkPlace(self._directory / configuration.name), dt.datetime.now(dt.UTC)
        request = begin_link(place.root, configuration, now)
        certificate = self._authority.client(request.certificate_request.encode(), request.name, lifetime=LASTS)
        admission = LinkAdmission(
            name=request.name,
            superlink=self.address,
            root=self.root.read_text("ascii"),
            certificate=certificate.decode("ascii"),
            bundles=(bundle,),
        )
        accept(place, admission, admission.digest, now)
        public = place.root / "node.key.pub"
        public.write_text(f"{request.node_key}\n", encoding="ascii")
        programs = programs_of(place, configuration, self.address)
        self._links.append(_Link(place=place, configuration=configuration, node_key=public, programs=programs))

    def _start(self, link: _Link, name: str) -> None:
        (program,) = (one for one in link.programs if one.name == name)
        self._children.start(link.called(name), *program.command, home=link.place.home)

    def _tls(self, files: ServerFiles) -> list[str]:
        certificate = ["--ssl-certfile", str(files.certificate), "--ssl-keyfile", str(files.key)]
        return [*certificate, "--ssl-ca-certfile", str(self.root)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A bureau's link, and what the coordinator keeps of it."""

    place: LinkPlace
    configuration: LinkConfiguration
    node_key: Path
    programs: tuple[Program, ...]

    @property
    def name(self) -> str:
        return self.configuration.name

    def called(self, program: str) -> str:
        return f"{program} of {self.name}"


@contextmanager
def rehearsing(directory: Path) -> Iterator[Rehearsal]:
    """A rehearsal in a new directory, stopped in the end."""
    directory.mkdir(mode=0o700)
    rehearsal = Rehearsal(directory)
    try:
        yield rehearsal
    finally:
        rehearsal.children.stop()


def pause_among(n_bureaus: int) -> float:
    """Seconds between two looks of a SuperNode, so that all looks together take a fifth of the SuperLink's time.

    >>> pause_among(3), pause_among(10), pause_among(50), pause_among(300)
    (0.1, 0.2, 1.0, 3.0)
    """
    return min(max(SHORTEST_PAUSE_S, PAUSE_PER_NODE_S * n_bureaus), LONGEST_PAUSE_S)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _answers(address: str, root: Path) -> bool:
    """Whether our SuperLink listens; another one's certificate would be refused."""
    connection = HTTPSConnection(address, timeout=1.0, context=ssl.create_default_context(cafile=str(root)))
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
