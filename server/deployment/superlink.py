"""The SuperLink as a child of the service: on the loopback, with TLS and node authentication, ended by number."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import psutil

from common.errors import EngineError, InputError
from server.certificates.credentials import Credentials
from server.certificates.issuing import Kind
from server.consortium.files import PRIVATE, replace
from server.deployment.commands import CONNECTION, HOST, environment_of, scripts
from server.deployment.place import Place

CERTIFICATE = "superlink"
LOG_FILE, DATABASE_FILE = "superlink.log", "superlink.sqlite"
MOST_LOG_BYTES = 16 << 20
LOOK_S, END_S = 2.0, 10.0
APP_END_S = 12.0
"""For a ServerApp that was told to end to close its transcript; Flower itself takes up to five seconds."""


class SuperLink:
    """One SuperLink.

    Guarantees:
        * It is asked to listen on the loopback alone, and to let in nobody but registered nodes.
        * It ends with the process that started it, however that ends; so does whatever it started.
        * What it knew of nodes it knows again after a restart.
    """

    def __init__(self, place: Place, port: int) -> None:
        """Prepare; nothing is started yet."""
        self._place, self._port = place, port
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> int | None:
        """Its number, while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def start(self) -> None:
        """Start it; ``answers`` tells when it is ready.

        Raises:
            InputError: If the authority's files need mending.
            EngineError: If it cannot be started.
        """
        directory = self._place.superlink.absolute()
        self._configure()
        log = _log(directory)
        try:
            with open(log, "ab", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as output:
                self._child = subprocess.Popen(  # noqa: S603  a command of our own environment, without a shell
                    [sys.executable, "-P", "-m", "server.deployment.leashed", str(os.getpid()), *self._command()],
                    cwd=directory,
                    env=environment_of(self._place, os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C reaches us alone, and we end it in order
                )
        except OSError as error:
            msg = f"the SuperLink cannot be started ({type(error).__name__}): check the installation"
            raise EngineError(msg) from None

    def answers(self) -> bool:
        """Whether our SuperLink is ready; another one's certificate would be refused."""
        return answers(self._place, self._port)

    def stop(self) -> None:
        """End it and whatever it started."""
        if self._child is None:
            return
        below = _below(self._child.pid)
        self._child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(END_S)
        _end([*below, *_below(self._child.pid)])
        self._child.kill()
        self._child.wait()
        self._child = None

    def end_process(self, number: int) -> None:
        """End one process that the SuperLink has started; nothing, if it has not."""
        if self._child is not None:
            _end([one for one in _below(self._child.pid) if one.pid == number])

    def _command(self) -> list[str]:
        files = Credentials(self._place.authority).files(Kind.SERVER, CERTIFICATE)
        root = self._place.authority.absolute() / "ca.pem"
        if not files.certificate.exists() or not files.key.exists():
            msg = f"{files.certificate} or its key is missing: fedclaims-coordinator certificate renew {CERTIFICATE}"
            raise InputError(msg)
        return [
            *(str(scripts() / "flower-superlink"), "--host", HOST, "--port", str(self._port)),
            *("--ssl-certfile", str(files.certificate.absolute()), "--ssl-keyfile", str(files.key.absolute())),
            *("--ssl-ca-certfile", str(root), "--database", DATABASE_FILE, "--isolation", "subprocess"),
            *("--enable-supernode-auth", "--disable-runtime-dependency-installation"),
        ]

    def _configure(self) -> None:
        """Tell Flower's command line where the SuperLink is, and whom to believe that."""
        home, root = self._place.flower_home, Credentials(self._place.authority).root.absolute()
        home.mkdir(0o700, parents=True, exist_ok=True)
        lines = [
            f"[superlink]\ndefault = {json.dumps(CONNECTION)}\n\n[superlink.{CONNECTION}]",
            f"address = {json.dumps(f'{HOST}:{self._port}')}",
            f"root-certificates = {json.dumps(str(root))}",
        ]
        replace(home / "config.toml", ("\n".join(lines) + "\n").encode())


def answers(place: Place, port: int) -> bool:
    """Whether a SuperLink with our certificate answers at a port of this machine."""
    try:
        trust = ssl.create_default_context(cafile=str(place.authority / "ca.pem"))
    except OSError:
        return False
    connection = HTTPSConnection(HOST, port, timeout=LOOK_S, context=trust)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def lives(number: int | None) -> bool:
    """Whether a process of this number runs."""
    if number is None:
        return False
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _log(directory: Path) -> Path:
    """Where output goes; what is large is put aside, and one is kept."""
    log = directory / LOG_FILE
    with suppress(OSError):
        if log.stat().st_size > MOST_LOG_BYTES:
            log.replace(log.with_suffix(".log.old"))
    return log


def _below(number: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(number).children(recursive=True))
    except psutil.Error:
        return []


def _end(processes: list[psutil.Process]) -> None:
    """Tell processes to end, and kill what does not."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(processes, timeout=APP_END_S)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
