"""Flower's commands as the service gives them: without others' settings, answered in JSON, within a limit of time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import EngineError
from server.deployment.node_keys import spelled
from server.deployment.place import DIRECTORY_KEY, Place

HOST = "127.0.0.1"
CONNECTION = "coordinator"
COMMAND_S = 90.0
GONE = frozenset({"unregistered", "deleted"})
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "VIRTUAL_ENV", "OMP_NUM_THREADS", "NUMBA_CACHE_DIR")
"""All that Flower's processes are told of our own environment."""


def environment_of(place: Place, outer: Mapping[str, str]) -> dict[str, str]:
    """What Flower's processes see: nothing that a user set for other runs, and whose coordinator they work for."""
    return {key: outer[key] for key in KEPT if key in outer} | {
        DIRECTORY_KEY: str(place.root.absolute()),
        "PATH": os.pathsep.join([str(scripts()), outer.get("PATH", os.defpath)]),
        "NO_PROXY": HOST,
        "no_proxy": HOST,
        "FLWR_HOME": str(place.flower_home.absolute()),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.5",
    }


def scripts() -> Path:
    """Where the commands of this very environment are."""
    return Path(sysconfig.get_path("scripts"))


class RefusedByFlowerError(EngineError):
    """The SuperLink has answered, and does not do it: look at its log."""


class Control:
    """Orders to the SuperLink of a coordinator, which must run."""

    def __init__(self, place: Place) -> None:
        """Use a coordinator's directory."""
        self._place = place

    def run(self, code: str) -> str:
        """Start a run for an order.

        Returns:
            Flower's number of it.

        Raises:
            EngineError: If the SuperLink does not take it.
        """
        said = self._ask("run", str(self._place.app.absolute()), CONNECTION, "--run-config", f'order="{code}"')
        return _word(said, "run-id")

    def stop(self, flower_run: str) -> None:
        """End a run.

        Raises:
            EngineError: If the SuperLink does not.
        """
        self._ask("stop", flower_run, CONNECTION)

    def register(self, name: str, public_key: str) -> str:
        """Let a node in.

        Returns:
            What the SuperLink calls it.

        Raises:
            EngineError: If the SuperLink does not take it.
        """
        try:
            with tempfile.TemporaryDirectory() as directory:
                path = Path(directory) / "node.pub"
                path.write_text(f"{public_key}\n", encoding="ascii")
                return _word(self._ask("supernode", "register", str(path), CONNECTION, "--name", name), "node-id")
        except OSError as error:
            msg = f"a node cannot be let in ({type(error).__name__}): free some space for temporary files"
            raise EngineError(msg) from None

    def unregister(self, node: str) -> None:
        """Let a node in no longer.

        Raises:
            EngineError: If the SuperLink does not do it.
        """
        self._ask("supernode", "unregister", node, CONNECTION)

    def nodes(self) -> frozenset[str]:
        """What the SuperLink calls the nodes that it lets in.

        Raises:
            EngineError: If it does not say.
        """
        found = _rows(self._ask("supernode", "list", CONNECTION))
        return frozenset(_word(one, "node-id") for one in found if _word(one, "status") not in GONE)

    def keys(self) -> dict[bytes, str]:
        """What the SuperLink calls the nodes that it lets in, by their keys as ``spelled`` spells them.

        Raises:
            EngineError: If it does not say.
        """
        command = [sys.executable, "-P", "-m", "server.deployment.registered", CONNECTION]
        found = [
            (spelled(_word(one, "public-key").encode()), _word(one, "node-id"))
            for one in _rows(self._said(command, "nodes"))
        ]
        return {key: node for key, node in found if key is not None}

    def _ask(self, *arguments: str) -> dict[str, Any]:
        what = " ".join(arguments[:2]) if arguments[0] == "supernode" else arguments[0]
        return self._said([str(scripts() / "flwr"), *arguments, "--format", "json"], what)

    def _said(self, command: list[str], what: str) -> dict[str, Any]:
        try:
            ran = subprocess.run(  # noqa: S603  a command of our own environment, without a shell
                command,
                cwd=self._place.superlink,
                env=environment_of(self._place, os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_S,
                check=False,
            )
            said = json.loads(ran.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            msg = f"`flwr {what}` gave no answer ({type(error).__name__}): look at the SuperLink's log"
            raise EngineError(msg) from None
        if not isinstance(said, dict) or not said.get("success"):
            msg = f"`flwr {what}` was refused by the SuperLink: look at its log"
            raise RefusedByFlowerError(msg)
        return said


def _word(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    if isinstance(found, str | int):
        return str(found)
    msg = f"Flower's answer has no {name}: install flwr 1.41"
    raise EngineError(msg)


def _rows(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = said.get("nodes")
    if isinstance(found, list) and all(isinstance(one, dict) for one in found):
        return found
    raise EngineError("Flower's answer has no nodes: install flwr 1.41")
