"""Posting alerts to a real HTTPS server: it holds nothing up, and what does not arrive is posted later."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from common.errors import EngineError, InputError
from server.certificates.authority import Authority
from server.deployment.doctor import streaming
from server.deployment.doctor.findings import Level, trying
from server.deployment.stream import webhook
from server.deployment.stream.webhook import TRIES, Posting, webhook_of
from tests.server.deployment.coordinators import Seat, free_port
from tests.server.deployment.stream.streams import configured

TOKEN = "TOKEN-0815"  # noqa: S105  of a test
NOW = 1_900_000_000


@dataclass
class Server:
    """An HTTPS server that keeps what is posted, and answers as it is told to."""

    directory: Path
    port: int = field(default_factory=free_port)
    status: int = 200
    moved: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    n_asked: int = 0
    hangs: threading.Event | None = None

    def start(self) -> Server:
        server = self
        self.authority = Authority.create(self.directory / "ca", "test")
        files = self.authority.server("alerts", ["localhost"])

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                held = self.rfile.read(int(self.headers["Content-Length"]))
                if server.status == 200:
                    server.bodies.append(json.loads(held))
                self.do_HEAD()

            def do_HEAD(self) -> None:
                server.n_asked += 1
                server.tokens.append(self.headers["Authorization"])
                if server.hangs is not None:
                    server.hangs.wait(10)
                self.send_response(server.status)
                if server.moved:
                    self.send_header("Location", server.moved)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        self._server = ThreadingHTTPServer(("localhost", self.port), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path).start()
    yield found
    if found.hangs is not None:
        found.hangs.set()
    found.stop()


@pytest.fixture
def seat(tmp_path: Path, server: Server) -> Seat:
    """A coordinator whose alerts go to the server."""
    found = Seat(tmp_path / "c").begin()
    (found.root / "alerts.token").write_text(f"{TOKEN}\n")
    (found.root / "alerts.token").chmod(0o600)
    (found.root / "alerts.pem").write_bytes(server.authority.root.read_bytes())
    url = f'alerts_webhook = "https://localhost:{server.port}/hook"\n'
    configured(found, f'[stream]\n{url}alerts_token_file = "alerts.token"\nalerts_roots_file = "alerts.pem"\n')
    return found


def noted(seat: Seat, *places: int) -> None:
    """Alerts of a version that wait to be posted; there need be no model for them."""
    alerts = seat.office.registry.alerts
    with alerts.database.writing() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for place in places:
            held = json.dumps({"id": f"a-1-{place}", "zh": "聚类"})
            connection.exec_driver_sql(
                "INSERT INTO models VALUES (1, NULL, ?, ?, '{}', '', 1) ON CONFLICT DO NOTHING", ("0" * 64, "1" * 64)
            )
            connection.exec_driver_sql("INSERT INTO alerts VALUES (1, ?, ?, ?, 1, NULL)", (place, NOW, held))


def posting(seat: Seat) -> tuple[Posting, list[float]]:
    pauses = list[float]()
    return Posting(seat.office, pauses.append), pauses


def test_alerts_arrive_in_their_order_with_the_token_and_once(seat: Seat, server: Server) -> None:
    noted(seat, 0, 1, 2)
    found, _ = posting(seat)
    for _ in range(2):
        found.begin()
        found.end(10)
    assert [one["id"] for one in server.bodies] == ["a-1-0", "a-1-1", "a-1-2"]
    assert server.bodies[0]["zh"] == "聚类"
    assert set(server.tokens) == {f"Bearer {TOKEN}"}
    assert seat.office.registry.alerts.n_unposted() == 0


@pytest.mark.parametrize("status", [500, 401, 404])
def test_what_does_not_arrive_is_tried_a_few_times_kept_and_posted_later(
    seat: Seat, server: Server, status: int
) -> None:
    noted(seat, 0, 1)
    server.status = status
    found, pauses = posting(seat)
    found.go()
    assert (server.n_asked, len(pauses)) == (TRIES, TRIES - 1)
    assert seat.office.registry.alerts.n_unposted() == 2
    server.status = 200
    found.go()
    assert [one["id"] for one in server.bodies] == ["a-1-0", "a-1-1"]


def test_a_server_that_hangs_holds_nobody_up(seat: Seat, server: Server) -> None:
    noted(seat, 0)
    server.hangs = threading.Event()
    found, _ = posting(seat)
    before = time.monotonic()
    for _ in range(5):
        found.begin()
    assert time.monotonic() - before < 3
    found.end(0.1)
    assert seat.office.registry.alerts.n_unposted() == 1
    server.hangs.set()
    found.end(20)
    assert server.n_asked == 1, "one go at a time"
    assert seat.office.registry.alerts.n_unposted() == 0


def test_a_server_that_is_not_there_or_has_a_strangers_certificate_gets_nothing(
    seat: Seat, server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    noted(seat, 0)
    stranger = Authority.create(tmp_path / "stranger", "stranger")
    (seat.root / "alerts.pem").write_bytes(stranger.root.read_bytes())
    posting(seat)[0].go()
    server.stop()
    posting(seat)[0].go()
    assert (server.n_asked, seat.office.registry.alerts.n_unposted()) == (0, 1)
    said = "".join(capfd.readouterr()) + caplog.text + "".join(str(vars(one)) for one in caplog.records)
    assert "not reached" in said
    assert TOKEN not in said
    assert str(server.port) not in said


def test_a_token_follows_no_redirection_and_no_proxy_of_the_environment(
    seat: Seat, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{free_port()}")
    noted(seat, 0)
    posting(seat)[0].go()
    assert seat.office.registry.alerts.n_unposted() == 0
    noted(seat, 1)
    server.status, server.moved = 307, f"https://localhost:{server.port}/elsewhere"
    posting(seat)[0].go()
    assert server.n_asked == 1 + TRIES
    assert seat.office.registry.alerts.n_unposted() == 1


@pytest.mark.parametrize("held", ["", "\n", "two\x07bells\n", "Schlüssel\n"])
def test_a_token_is_one_line_of_plain_text_that_nobody_else_can_read(seat: Seat, held: str) -> None:
    part = seat.office.configuration.stream
    assert part is not None
    path = seat.root / "alerts.token"
    path.write_text(held)
    with pytest.raises(InputError, match="no token"):
        webhook_of(seat.office, part)
    path.write_text(TOKEN)
    path.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        webhook_of(seat.office, part)
    path.chmod(0o600)
    (seat.root / "alerts.pem").write_text("nothing")
    with pytest.raises(InputError, match="no certificates"):
        webhook_of(seat.office, part)


def test_doctor_asks_the_webhook_without_posting_anything(seat: Seat, server: Server) -> None:
    def look() -> list[Level]:
        found = trying("webhook", lambda: streaming.webhook(seat.place, seat.office.configuration, NOW), "mend it")
        return [one.level for one in found]

    assert look() == [Level.FINE]
    server.status = 405
    assert look() == [Level.FINE]
    server.status = 503
    assert look() == [Level.FAULT]
    server.stop()
    assert look() == [Level.FAULT]
    assert server.bodies == []


def test_an_error_of_the_webhook_names_neither_address_nor_token(seat: Seat, server: Server) -> None:
    part = seat.office.configuration.stream
    assert part is not None
    found = webhook_of(seat.office, part)
    assert found is not None
    server.status = 403
    with pytest.raises(EngineError) as caught:
        found.look()
    assert "403" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert str(server.port) not in str(caught.value)
    assert webhook.TIMEOUT_S <= 10
