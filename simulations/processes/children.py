"""The processes of one rehearsal: started with an environment of their own, each with a log, ended by their numbers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import simulations
from client.link.bound import bound
from client.link.programs import environment, scripts
from common.errors import EngineError
from simulations.flower.ending import end_all

MARK = "FEDCLAIMS_REHEARSAL"
LINES, LONGEST_LINE = 5, 200
FRAME = " \t│╭╮╰╯─"
"""What Flower's command line draws around its errors."""

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CHATTER = re.compile(r"(\S+Z )?(INFO|DEBUG)\b|For more information")
TAKEN = "address already in use"


class PortTakenError(EngineError):
    """A port was free when it was chosen and is not any more: choose another."""


class Children:
    """Processes started from here.

    Guarantees:
        * ``stop`` ends all of them and whatever they started, by their numbers, and no others.
        * If this process is killed, the kernel kills them; what they started sees that and ends.
    """

    def __init__(self, directory: Path) -> None:
        """Work in a directory: homes and logs go there."""
        self._directory = directory
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: str, *arguments: str, home: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a command of this very environment under a name of its own.

        Args:
            name: For people, and of its log.
            command: A script of this environment, or a path.
            arguments: The command's.
            home: Flower's, and the directory to work in; all without one share one.
        """
        with self._log(name).open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  commands of our own environment, without a shell
                bound([str(scripts() / command), *arguments]),
                cwd=home or self._directory,
                env=_environment(os.environ, self._directory, home or self._directory / "home"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            )
        self._started[name] = child
        return child

    def run(self, commands: Mapping[str, Sequence[str]]) -> None:
        """Run commands to their ends, side by side.

        Raises:
            EngineError: If one fails.
        """
        for name, command in commands.items():
            self.start(name, *command)
        for name in commands:
            if self._started[name].wait():
                raise EngineError(self.last_words(name))
            del self._started[name]

    def ended(self) -> str | None:
        """The name of one that has ended, if any has."""
        return next((name for name, child in self._started.items() if child.poll() is not None), None)

    def insist_on_life(self) -> None:
        """Raise if one has ended.

        Raises:
            PortTakenError: If that was for want of a port.
            EngineError: If it was for anything else.
        """
        name = self.ended()
        if name is None:
            return
        raise (PortTakenError if TAKEN in self._told(name) else EngineError)(self.last_words(name))

    def last_words(self, name: str) -> str:
        """What to tell about an end that was not expected; no process of ours holds claims, so its log may speak."""
        words = " / ".join(_telling(self._told(name))) or "nothing"
        return f"the {name} ended too early, start the run again; the last lines of its log: {words}"

    def stop(self) -> None:
        """End all; they hold nothing worth saving."""
        end_all(self._started.values(), (MARK, str(self._directory)))

    def _log(self, name: str) -> Path:
        return self._directory / f"{name.replace(' ', '-')}.log"

    def _told(self, name: str) -> str:
        log = self._log(name)
        return log.read_text(errors="replace") if log.exists() else ""


def _telling(log: str) -> list[str]:
    """The last lines of a log that tell something: from its last error on, if there is one."""
    lines = [COLOUR.sub("", line).strip(FRAME)[:LONGEST_LINE] for line in log.splitlines()]
    lines = [line for line in lines if line and not CHATTER.match(line)]
    errors = [place for place, line in enumerate(lines) if "error" in line.casefold()]
    return lines[errors[-1] :][:LINES] if errors else lines[-LINES:]


def _environment(outer: Mapping[str, str], directory: Path, home: Path) -> dict[str, str]:
    """A deployment's environment, with our mark; the code of this very process comes first."""
    code = str(Path(simulations.__path__[0]).parent)
    return environment(outer, home) | {
        MARK: str(directory),
        "PYTHONPATH": os.pathsep.join(filter(None, [code, outer.get("PYTHONPATH")])),
    }
