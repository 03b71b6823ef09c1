"""Real proxies for tests: an upstream that records, nginx and Caddy as rendered, and somebody who knocks with bytes."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.certificates.authority import Authority
from server.certificates.credentials import ServerFiles
from server.proxy.command import RENDER, clients_of
from server.proxy.sites import Limits, Sites
from tests.server.certificates.test_authority import request_of

HOST = "127.0.0.1"
PATIENCE_S = 20.0
SBIN = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Upstream:
    """What reached the upstream: method, path and headers of every request, and how long its body was."""

    port: int
    seen: list[tuple[str, str, dict[str, str], int]] = field(default_factory=list)
    pause_s: float = 0.0
    body: bytes = b"ok"

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.seen]


@contextmanager
def upstream_of(files: ServerFiles) -> Iterator[Upstream]:
    """A small HTTPS server that answers everything with 200."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.headers.get("Transfer-Encoding"):
                self.close_connection = True
            body = self.rfile.read(length)
            found.seen.append(
                (self.command, self.path, {key.lower(): one for key, one in self.headers.items()}, len(body))
            )
            time.sleep(found.pause_s)
            self.send_response(200)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815  http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A proxy may hang up at any time."""

    server = Quiet((HOST, 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Upstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class World:
    """An authority, who may knock, and a proxy's sites."""

    root: Path
    limits: Limits = field(default_factory=Limits)
    operators: tuple[str, ...] = ("127.0.0.1/32",)
    control: bool = False

    def __post_init__(self) -> None:
        self.authority = Authority.create(self.root / "authority", "test authority")
        self.proxy = self.authority.server("proxy", [HOST, "coordinator.example"])
        self.superlink = self.authority.server("superlink", [HOST, "localhost"])
        self.port = free_port()
        (self.root / "proxy").mkdir(mode=0o711)
        self.credentials: dict[str, Path | None] = {"nobody": None}

    def let_in(self) -> None:
        """Certificates of everybody that knocks in a test."""
        self.credentials |= {
            "bureau": self.bureau("north"),
            "sly": self.bureau("x,OU=operator"),
            "operator": self.operator(),
            "expired": self.bureau("late", lifetime=timedelta(minutes=-1)),
            "stranger": self.stranger(),
            "revoked": self.bureau("gone"),
            "server": self._whole("server", self.proxy),
        }
        self.authority.revoke("gone")

    def knocker(self, who: str) -> Knocker:
        return Knocker(self, self.credentials[who])

    def bureau(self, name: str = "north", **options: Any) -> Path:
        """A bureau's certificate and key in one file."""
        return self._client(self.authority, name, **options)

    def stranger(self) -> Path:
        """A certificate of another authority of the very same name."""
        other = self.root / f"other-{free_port()}"
        return self._client(Authority.create(other, "test authority"), "north")

    def operator(self) -> Path:
        return self._whole("operator", self.authority.operator())

    def sites(self, superlink_port: int) -> Sites:
        return Sites(
            listen=f"{HOST}:{self.port}",
            superlink=f"{HOST}:{superlink_port}",
            certificate=self.proxy.certificate,
            key=self.proxy.key,
            root=self.authority.root,
            revocations=self.authority.revocations,
            clients=clients_of(self.authority),
            operators=self.operators,
            control=self.control,
            directory=self.root / "proxy",
            limits=self.limits,
        )

    def _whole(self, name: str, files: ServerFiles) -> Path:
        path = self.root / f"{name}-whole.pem"
        path.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
        return path

    def _client(self, authority: Authority, name: str, **options: Any) -> Path:
        key = ec.generate_private_key(ec.SECP384R1())
        pem = authority.client(request_of(key), name, **options)
        path = self.root / f"client-{len(list(self.root.glob('client-*')))}.pem"
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
        return path


@dataclass
class Proxy:
    """A real proxy's process."""

    kind: str
    world: World
    superlink_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        return self.world.root / f"{self.kind}.conf"

    def rendered(self) -> str:
        return RENDER[self.kind](self.world.sites(self.superlink_port))

    def start(self) -> None:
        self.file.write_text(self.rendered())
        command = {
            "nginx": ["-c", str(self.file), "-e", str(self.world.root / "start.log"), "-g", "daemon off;"],
            "caddy": ["run", "--adapter", "caddyfile", "--config", str(self.file)],
        }[self.kind]
        with (self.world.root / f"{self.kind}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  the proxy of this test
                [program(self.kind), *command], stdout=log, stderr=log, env=self._environment()
            )
        self._await()

    def reload(self) -> None:
        """As the head of each configuration says what to do after a revocation."""
        if self.kind == "caddy":
            self.stop()
            self.start()
            return
        subprocess.run(  # noqa: S603
            [program("nginx"), "-s", "reload", "-c", str(self.file), "-e", str(self.world.root / "start.log")],
            check=True,
        )

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(PATIENCE_S)

    def _await(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, (self.world.root / f"{self.kind}.log").read_text()
            try:
                with socket.create_connection((HOST, self.world.port), 1.0):
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the proxy does not listen")

    def _environment(self) -> dict[str, str]:
        return {"PATH": SBIN, "HOME": str(self.world.root), "XDG_DATA_HOME": str(self.world.root), "GOMAXPROCS": "2"}


def program(kind: str) -> str:
    found = shutil.which(kind, path=SBIN)
    assert found is not None
    return found


def insist_on(kind: str) -> str:
    """Skip what needs a proxy that is not here."""
    if shutil.which(kind, path=SBIN) is None:
        pytest.skip(f"{kind} is not installed: apt-get install {'nginx-light' if kind == 'nginx' else kind}")
    return kind


@contextmanager
def new_world(**options: Any) -> Iterator[World]:
    """Short paths, which workers of another user may enter."""
    with tempfile.TemporaryDirectory(prefix="fc-") as directory:
        Path(directory).chmod(0o711)
        yield World(Path(directory), **options)


@contextmanager
def proxy_of(kind: str, world: World, superlink_port: int) -> Iterator[Proxy]:
    proxy = Proxy(kind, world, superlink_port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


@dataclass
class Knocker:
    """Somebody with a certificate, or none, who sends bytes."""

    world: World
    credential: Path | None
    session: ssl.SSLSession | None = None
    resuming: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.world.authority.root))
        if self.credential is not None:
            context.load_cert_chain(self.credential)
        return context

    @contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        context = self.resuming or self.context()
        with (
            socket.create_connection((HOST, self.world.port), PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="coordinator.example", session=self.session) as wrapped,
        ):
            yield wrapped

    def send(self, held: bytes) -> int:
        """The status of the answer to these bytes; 0 if the connection ended without one."""
        try:
            with self.connected() as wrapped:
                wrapped.sendall(held)
                return status_of(wrapped)
        except (ssl.SSLError, OSError):
            return 0

    def ask(self, method: str, path: str, body: bytes = b"", *headers: str) -> int:
        return self.send(request(method, path, body, *headers))


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: coordinator.example", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_of(wrapped: ssl.SSLSocket) -> int:
    """Reads one answer to the end of its head."""
    held = b""
    while b"\r\n\r\n" not in held:
        piece = wrapped.recv(4096)
        if not piece:
            break
        held += piece
    first = held.split(b"\r\n")[0].split(b" ")
    return int(first[1]) if len(first) > 1 else 0
