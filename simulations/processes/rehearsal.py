"""A deployment on one machine: a SuperLink, and for each bureau a SuperNode and a courier that stays.

Everything listens on the loopback alone and speaks TLS under an authority that lives as long as the rehearsal; a
SuperNode is let in by its registered key.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import NamedTuple

from client.courier import SOCKET_KEY
from common.errors import EngineError
from simulations.flower.hosting import socket_at
from simulations.processes.children import Children
from simulations.processes.credentials import HOST, Authority, ServerFiles, node_key, secret

START_S = 90.0
LOOK_PAUSE_S = 0.05
SUPERLINK, RUN = "SuperLink", "run"
CONNECTION = "rehearsal"
SHORTEST_POLL_S, POLL_PER_NODE_S, LONGEST_POLL_S = 0.1, 0.02, 1.0
"""How often a SuperNode looks for messages; all of them look at one SuperLink, which takes some milliseconds a look."""


class Rehearsal:
    """The processes of a deployment, started step by step."""

    def __init__(self, directory: Path) -> None:
        """Work in a private directory; credentials, homes and logs go there."""
        self._directory = directory
        self._children = Children(directory)
        self._authority = Authority.new(directory)
        self._runtimes: list[_Runtime] = []
        self.address = f"{HOST}:{free_port()}"

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
        tls = self._tls(self._authority.server("superlink"))
        options = ["--enable-supernode-auth", "--isolation", "subprocess", "--host", HOST, "--port", port]
        self._children.start(SUPERLINK, "flower-superlink", *tls, *options, "--disable-runtime-dependency-installation")

    def await_superlink(self) -> None:
        """Wait until the SuperLink answers.

        Raises:
            EngineError: If it does not.
        """
        self._await(SUPERLINK, self.address)

    def start_couriers(self, n_bureaus: int) -> None:
        """Start every bureau's courier; it waits for its SuperNode."""
        for place in range(n_bureaus):
            self._start_courier(place)

    def start_supernodes(self, exchange: Path) -> None:
        """Let every bureau that has a courier in and start its SuperNode.

        Args:
            exchange: Where the stations listen.

        Raises:
            EngineError: If a key is not taken.
        """
        n_bureaus, at_once = len(self._runtimes), os.cpu_count() or 1
        poll_s = min(max(SHORTEST_POLL_S, POLL_PER_NODE_S * n_bureaus), LONGEST_POLL_S)
        for first in range(0, n_bureaus, at_once):
            places = range(first, min(first + at_once, n_bureaus))
            keys = {place: node_key(self._directory, f"bureau-{place}") for place in places}
            self._children.run({f"registration {place}": self._registration(keys[place].public) for place in places})
            for place in places:
                station = ["--node-config", f"{SOCKET_KEY}={json.dumps(str(socket_at(exchange, place)))}"]
                key = ["--auth-supernode-private-key", str(keys[place].private)]
                self._start_supernode(place, poll_s, [*station, *key])

    def await_supernodes(self) -> None:
        """Wait until every SuperNode answers its courier.

        Raises:
            EngineError: If one does not.
        """
        for place, runtime in enumerate(self._runtimes):
            self._await(_supernode(place), runtime.address)

    def run(self, app: Path) -> None:
        """Start the run of an app as an operator does."""
        self._children.start(RUN, "flwr", "run", str(app), CONNECTION, "--stream")

    def _await(self, name: str, address: str) -> None:
        deadline = time.monotonic() + START_S
        while not _answers(address, self.root):
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

    def _start_courier(self, place: int) -> None:
        """Start a bureau's courier, and keep what the SuperNode that it will serve is started with."""
        port, name = str(free_port()), f"bureau-{place}"
        shared = ["--superexec-auth-secret-file", str(secret(self._directory, name))]
        options = ["--isolation", "process", "--host", HOST, "--port", port, *shared]
        runtime = _Runtime(f"{HOST}:{port}", [*options, *self._tls(self._authority.server(name))])
        self._runtimes.append(runtime)
        module = ["-P", "-m", "simulations.processes.courier", runtime.address]
        trust = ["--root-certificates", str(self.root)]
        self._children.start(f"courier of bureau {place}", sys.executable, *module, *trust, *shared)

    def _start_supernode(self, place: int, poll_s: float, options: list[str]) -> None:
        module = ["-P", "-m", "simulations.processes.supernode", str(poll_s)]
        link = ["--superlink", self.address, "--root-certificates", str(self.root)]
        runtime = self._runtimes[place].options
        self._children.start(_supernode(place), sys.executable, *module, *link, *options, *runtime)

    def _tls(self, files: ServerFiles) -> list[str]:
        certificate = ["--ssl-certfile", str(files.certificate), "--ssl-keyfile", str(files.key)]
        return [*certificate, "--ssl-ca-certfile", str(self.root)]


class _Runtime(NamedTuple):
    """Where a SuperNode meets its courier."""

    address: str
    options: list[str]


def _supernode(place: int) -> str:
    return f"SuperNode of bureau {place}"


@contextmanager
def rehearsing(directory: Path) -> Iterator[Rehearsal]:
    """A rehearsal in a new directory, stopped in the end."""
    directory.mkdir(mode=0o700)
    rehearsal = Rehearsal(directory)
    try:
        yield rehearsal
    finally:
        rehearsal.children.stop()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
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
