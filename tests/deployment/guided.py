"""The guides as somebody follows them: marked blocks in order, settings of one's own, and a telephone."""

from __future__ import annotations

import grp
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.server.deployment.coordinators import NAMES, free_port
from tests.server.proxy.doors import SBIN

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = (DOCS / "coordinator-guide.md", DOCS / "bureau-guide.md")
MARKED = re.compile(r"<!-- try: (\S+) (coordinator|governor|bureau)( stays)? -->\n```bash\n(.*?)```", re.DOTALL)
SETTING = re.compile(r"\b([A-Z_]+)=")
READ_ALOUD = re.compile(r": ([0-9a-f]{64})$", re.MULTILINE)
PATH = os.pathsep.join([str(Path(sys.executable).parent), SBIN])
PATIENCE_S, BLOCK_S = 300.0, 900.0


@dataclass(frozen=True)
class Block:
    """A marked block of a guide."""

    turn: str
    role: str
    stays: bool
    code: str


def blocks() -> list[Block]:
    """Of all guides, in the order of their turns; within a turn in that of the page."""
    found = [
        Block(turn, role, bool(stays), code)
        for guide in GUIDES
        for turn, role, stays, code in MARKED.findall(guide.read_text())
    ]
    return sorted(found, key=lambda block: block.turn)


@dataclass
class Person:
    """Somebody with a guide, a shell, and settings of their own."""

    role: str
    log: Path
    settings: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def copy(self, block: Block) -> str:
        """What a block says; a block that stays says it in the log."""
        if not block.stays:
            return self.run(block.code, check=True).stdout
        with self.log.open("ab") as log:
            command = ["/bin/bash", "-euc", f"exec {block.code}"]
            self.started.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))  # noqa: S603
        return ""

    def run(self, code: str, *, check: bool = False) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(  # noqa: S603  what the guide says
            ["/bin/bash", "-euc", code],
            env=self.environment,
            cwd=self.log.parent,
            capture_output=True,
            text=True,
            timeout=BLOCK_S,
            check=False,
        )
        assert not check or ran.returncode == 0, f"{code}\n{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}\n{self.said()}"
        return ran

    def until(self, code: str) -> None:
        """Look again and again, as people do, until all is well."""
        deadline = time.monotonic() + PATIENCE_S
        while (ran := self.run(code)).returncode != 0:
            assert all(process.poll() is None for process in self.started), self.said()
            assert time.monotonic() < deadline, f"{code}\n{ran.stdout[-4000:]}\n{self.said()}"
            time.sleep(0.5)

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        outer = {key: held for key, held in os.environ.items() if not key.startswith(("FLWR_", "FEDCLAIMS_"))}
        return outer | {"OMP_NUM_THREADS": "1"} | self.settings

    def end(self) -> None:
        for process in reversed(self.started):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            process.wait(PATIENCE_S)


@dataclass
class Consortium:
    """Everybody in one directory."""

    coordinator: Person
    governor: Person
    bureaus: list[Person]

    @property
    def everybody(self) -> list[Person]:
        return [self.coordinator, self.governor, *self.bureaus]

    def copy(self, block: Block) -> None:
        """A block, by everybody whom it is for; what is to be read aloud afterwards, is."""
        for person in [one for one in self.everybody if one.role == block.role]:
            self.telephone(block.turn, person.copy(block))

    def telephone(self, turn: str, said: str) -> None:
        if turn == "02":
            (self.coordinator.settings["GOVERNANCE_KEY"],) = READ_ALOUD.findall(said)
        for bureau in self.bureaus:
            if turn == "03":
                (bureau.settings["GOVERNANCE"],) = READ_ALOUD.findall(said)
            if turn == "10":
                digest = READ_ALOUD.search(said, said.index(f"admission-{bureau.settings['BUREAU']}.json"))
                assert digest is not None
                bureau.settings["ADMISSION"] = digest[1]


@contextmanager
def consortium() -> Iterator[Consortium]:
    """Three bureaus, a governor and a coordinator, of whom nothing is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="fcg") as directory, ExitStack() as stack:
        root = Path(directory)
        for name in ("post", "proxy", *NAMES):
            (root / name).mkdir()
        found = Consortium(_coordinator(root), _governor(root), [_bureau(root, name) for name in NAMES])
        for person in found.everybody:
            stack.callback(person.end)
        stack.callback(found.coordinator.run, 'test ! -e "$PROXY/nginx.pid" || nginx -s stop -c "$PROXY/nginx.conf"')
        yield found


def _coordinator(root: Path) -> Person:
    settings = {
        "PATH": PATH,
        "COORDINATOR": str(root / "coordinator"),
        "HOST": "localhost",
        "PORT": str(free_port()),
        "SUPERLINK_PORT": str(free_port()),
        "PROXY": str(root / "proxy"),
        "BUREAUS": " ".join(NAMES),
        "POST": str(root / "post"),
    }
    return Person("coordinator", root / "coordinator.log", settings)


def _governor(root: Path) -> Person:
    settings = {"PATH": PATH, "GOVERNOR_KEY": str(root / "governance.key"), "POST": str(root / "post")}
    return Person("governor", root / "governor.log", settings)


def _bureau(root: Path, name: str) -> Person:
    settings = {
        "PATH": PATH,
        "BUREAU": name,
        "STATION": str(root / name / "station"),
        "SOCKET": str(root / name / "station.sock"),
        "COURIERS": grp.getgrgid(os.getgid()).gr_name,
        "LINK": str(root / name / "link"),
        "LINK_PORT": str(free_port()),
        "POST": str(root / "post"),
    }
    return Person("bureau", root / f"{name}.log", settings)
