"""A SuperLink and one bureau's link as real processes, made by the bureau's own commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.command import main
from client.link.bundles import digest_of
from client.link.place import LinkPlace
from common.consortium.linking import LinkAdmission, LinkRequest
from simulations.flower.internals import bundle_of
from simulations.processes.rehearsal import Rehearsal, free_port, rehearsing

NAME = "north"
PATIENCE_S = 90.0
RUN = "import sys; from client.command import main; sys.exit(main())"
ROOT = Path(__file__).parents[3]
INSTALLED = "client.courier:app"


def until(happened: Callable[[], object], seconds: float = PATIENCE_S, told: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen in time: {told()}"
        time.sleep(0.1)


def write_asking_app(directory: Path, told: Path, clientapp: str = INSTALLED, code: str = "") -> Path:
    """An app that asks every node once; with code of its own, if it is a hostile one."""
    directory.mkdir()
    included = ["pyproject.toml", "hostile.py"] if code else ["pyproject.toml"]
    (directory / "pyproject.toml").write_text(f"""\
[project]
name = "asking"
version = "1.0.0"
license = "Apache-2.0"
[tool.flwr.app]
publisher = "fedclaims"
fab-include = {json.dumps(included)}
[tool.flwr.app.components]
serverapp = "tests.client.link.asking_app:app"
clientapp = "{clientapp}"
[tool.flwr.app.config]
told = "{told}"
""")
    if code:
        (directory / "hostile.py").write_text(code)
    return directory


@dataclass
class Deployed:
    """A SuperLink, and a bureau's link in a directory."""

    base: Path
    rehearsal: Rehearsal
    process: subprocess.Popen[bytes] | None = None
    runs: list[str] = field(default_factory=list)

    @property
    def place(self) -> LinkPlace:
        return LinkPlace(self.base / "link")

    @property
    def socket(self) -> Path:
        return self.base / "s.sock"

    @property
    def log(self) -> Path:
        return self.base / "link.log"

    def begin(self, *options: str) -> LinkRequest:
        given = ["--name", NAME, "--socket", str(self.socket), "--port", str(free_port())]
        assert main(["link", "init", "--dir", str(self.place.root), *given, *options]) == 0
        return LinkRequest.from_json(self.place.request.read_bytes())

    def admit(self, request: LinkRequest, bundles: Sequence[str]) -> None:
        authority = self.rehearsal._authority
        admission = LinkAdmission(
            name=NAME,
            superlink=self.rehearsal.address,
            root=authority.root.read_text(),
            certificate=authority.client(request.certificate_request.encode(), NAME).decode(),
            bundles=tuple(bundles),
        )
        path = self.base / "admission.json"
        path.write_bytes(admission.to_json())
        assert main(["link", "accept", str(path), "--digest", admission.digest, "--dir", str(self.place.root)]) == 0
        public = self.base / "node.pub"
        public.write_text(request.node_key)
        self.rehearsal.children.run({"registration": self.rehearsal._registration(public)})

    def start(self, *before: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own command
                [*before, sys.executable, "-c", RUN, "link", "start", "--dir", str(self.place.root)],
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def standing(self) -> dict[str, dict[str, Any]]:
        """The programs by name, as the link tells of them."""
        try:
            held = json.loads(self.place.status.read_text())["programs"]
        except (OSError, ValueError):
            return {}
        return {one["program"]: one for one in held}

    def ask(self, app: Path) -> list[dict[str, Any]]:
        """What came back when every node was asked once."""
        told = app.parent / f"{app.name}.json"
        self.runs.append(f"run {app.name}")
        self.rehearsal.children.start(self.runs[-1], "flwr", "run", str(app), "rehearsal", "--stream")
        until(told.exists, told=lambda: self.rehearsal.children._told(self.runs[-1])[-2000:])
        found: list[dict[str, Any]] = json.loads(told.read_text())
        return found

    def app(self, name: str, clientapp: str = INSTALLED, code: str = "") -> tuple[Path, str]:
        """An app and its bundle's digest."""
        directory = write_asking_app(self.base / name, self.base / f"{name}.json", clientapp, code)
        return directory, digest_of(bundle_of(directory))


@contextmanager
def deployed() -> Iterator[Deployed]:
    """A SuperLink that runs, and a place for a link; all is ended in the end."""
    with tempfile.TemporaryDirectory(prefix="fc", dir="/tmp") as temporary:
        base = Path(temporary)
        with rehearsing(base / "r") as rehearsal:
            rehearsal.start_superlink()
            rehearsal.await_superlink()
            found = Deployed(base, rehearsal)
            try:
                yield found
            finally:
                if found.process is not None and found.process.poll() is None:
                    found.end(signal.SIGKILL)
