"""The door of a deployment for tests: a real nginx, as the coordinator's command renders it."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from server.command import main
from tests.server.deployment.coordinators import Seat, until
from tests.server.proxy.doors import SBIN
from tests.server.proxy.doors import program as program_of


@dataclass
class Door:
    """nginx as the coordinator's command renders it."""

    seat: Seat
    process: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        return self.seat.root.parent / "nginx.conf"

    @property
    def own(self) -> Path:
        return self.seat.root.parent / "proxy"

    @property
    def start_log(self) -> Path:
        return self.seat.root.parent / "nginx-start.log"

    def start(self) -> None:
        self.own.mkdir(mode=0o711)
        given = ["--dir", str(self.seat.root), "--out", str(self.file), "--own-dir", str(self.own)]
        assert main(["proxy", "nginx", *given, "--listen", "127.0.0.1"]) == 0
        with self.start_log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  the proxy of this test
                [*self._nginx(), "-g", "daemon off;"], stdout=log, stderr=log, env={"PATH": SBIN}
            )
        until(self._listens, "nginx listens")

    def reload(self) -> None:
        """As the head of its configuration says what to do after a revocation."""
        subprocess.run([*self._nginx(), "-s", "reload"], check=True, env={"PATH": SBIN})  # noqa: S603

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def seen(self) -> str:
        return (self.own / "access.log").read_text()

    def _nginx(self) -> list[str]:
        return [program_of("nginx"), "-c", str(self.file), "-e", str(self.start_log)]

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.seat.office.configuration.proxy.port)) == 0
