"""Flower's processes: a SuperLink of our own on this machine, a run on it, and an end to all of them.

``flwr run`` alone would leave a daemon behind, shared by all of a user's projects. So the SuperLink is our child, has
its own home, and runs in a directory without code.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sysconfig
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import simulations
from common.errors import EngineError
from simulations.flower.ending import end_all

HOST = "127.0.0.1"
START_S = 60.0
LOOK_PAUSE_S = 0.05
LONGEST_WORDS = 300
FIRST_CAUSE = re.compile(r"(?:\w*(?:Error|Exception): |\[Errno ).+")
"""How Python and the HTTP server begin the line that matters; what follows the first one is its echo."""


class FlowerProcesses:
    """A SuperLink, a run, and whatever they start.

    Guarantees:
        * ``stop`` ends every process that was started from here, by its number, and no other.
    """

    def __init__(self, directory: Path) -> None:
        """Work in ``directory``: Flower's home, Ray's files and logs go there."""
        self._directory = directory
        self._home = directory / "home"
        self._log = directory / "flower.log"
        self._port = _free_port()
        self._environment = _environment(os.environ, directory, self._home)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the SuperLink and wait until it answers.

        Raises:
            EngineError: If it does not.
        """
        self._home.mkdir()
        connection = f'address = "{HOST}:{self._port}"\ninsecure = true\n'
        (self._home / "config.toml").write_text(f'[superlink]\ndefault = "ours"\n\n[superlink.ours]\n{connection}')
        options = ["--insecure", "--simulation", "--isolation", "subprocess", "--host", HOST, "--port", str(self._port)]
        superlink = self._spawn("flower-superlink", *options, "--disable-runtime-dependency-installation")
        deadline = time.monotonic() + START_S
        while not _answers(self._port):
            if superlink.poll() is not None or time.monotonic() > deadline:
                raise EngineError(self.last_words())
            time.sleep(LOOK_PAUSE_S)

    def run(self, app: Path, n_nodes: int) -> None:
        """Run an app on so many nodes; its processes are as many as this machine has cores, no more than nodes."""
        n_actors = min(n_nodes, os.cpu_count() or 1)
        size = f"num-supernodes={n_nodes} client-resources-num-cpus=1 init-args-num-cpus={n_actors}"
        self._spawn("flwr", "run", str(app), "ours", "--stream", "--federation-config", size)

    def ended(self) -> bool:
        """Whether the run, or the SuperLink under it, has ended."""
        return any(process.poll() is not None for process in self._started)

    def last_words(self) -> str:
        """What to tell about an end that was not expected; Flower's processes hold no claims, so its log may speak."""
        told = self._log.read_text(errors="replace") if self._log.exists() else ""
        cause = FIRST_CAUSE.search(told)
        words = cause.group()[:LONGEST_WORDS] if cause else "none"
        return f"Flower's simulation ended too early, start it again; the first error in its log: {words}"

    def stop(self) -> None:
        """End all processes; they hold nothing worth saving."""
        end_all(self._started, ("FLWR_HOME", str(self._home)))

    def _spawn(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  commands of our own environment, without a shell
                [str(_scripts() / command), *arguments],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            )
        self._started.append(child)
        return child


def _environment(outer: Mapping[str, str], directory: Path, home: Path) -> dict[str, str]:
    """Our environment without what a user set for other Flower runs; the code of this very process comes first."""
    kept = {key: value for key, value in outer.items() if not key.startswith(("FLWR_", "RAY_"))}
    code = str(Path(simulations.__path__[0]).parent)
    return kept | {
        "PATH": os.pathsep.join([str(_scripts()), outer.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(filter(None, [code, outer.get("PYTHONPATH")])),
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TMPDIR": str(directory),
    }


def _scripts() -> Path:
    """Where the commands of this very environment are."""
    return Path(sysconfig.get_path("scripts"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=1.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
