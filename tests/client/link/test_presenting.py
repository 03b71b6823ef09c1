"""The client certificate towards the SuperLink's door: shown there, over TLS 1.3 alone, and never left out."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from flwr.proto.fleet_pb2 import RegisterNodeFleetRequest
from flwr.supernode import fleet_http_connection

from client.deployment.doctor.findings import Finding, Level
from client.link import reaching
from client.link.place import LinkPlace
from client.link.presenting import present_certificate
from common.errors import EngineError
from tests.common.consortium.links import TestAuthority, key_of

AUTHORITY, STRANGER = TestAuthority(), TestAuthority("stranger")
HERE = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


def kept(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


class Door(ThreadingHTTPServer):
    """Asks for a client certificate, and notes whose came."""

    seen: list[str]
    date: str = ""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        certificate: Any = self.connection.getpeercert()  # type: ignore[attr-defined]  # TLS sockets have it
        names = {key: value for one in certificate["subject"] for key, value in one}
        self.server.seen.append(names["commonName"])  # type: ignore[attr-defined]
        self.send_response_only(200)
        self.send_header("content-type", "application/protobuf")
        self.send_header("date", self.server.date or self.date_time_string())  # type: ignore[attr-defined]
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class QuietDoor(Door):
    def handle_error(self, *_: object) -> None: ...


@contextmanager
def door(directory: Path, latest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[QuietDoor]:
    key = key_of()
    certificate = directory / "door.pem"
    certificate.write_text(AUTHORITY.issue(key.public_key(), "door", purpose=ExtendedKeyUsageOID.SERVER_AUTH, san=HERE))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=AUTHORITY.root)
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, latest
    context.load_cert_chain(certificate, kept(directory / "door.key", key))
    server = QuietDoor(("127.0.0.1", 0), Handler)
    server.seen = []
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def presenting(directory: Path, authority: TestAuthority = AUTHORITY) -> Any:
    """Flower's class for the connection, after our change, in a module of its own."""
    key = key_of()
    certificate = directory / "client.pem"
    certificate.write_text(authority.issue(key.public_key(), "north"))
    module = ModuleType("connection")
    vars(module)["FleetHttpClient"] = fleet_http_connection.FleetHttpClient
    present_certificate(module, certificate, kept(directory / "client.key", key))
    return vars(module)["FleetHttpClient"]


def register(client: Any, server: Door, root: bytes | None = None) -> None:
    address = f"127.0.0.1:{server.server_address[1]}"
    with client.from_server_address(
        address, insecure=False, root_certificates=root or AUTHORITY.root.encode(), interceptors=[]
    ) as opened:
        opened.RegisterNode(RegisterNodeFleetRequest(public_key=b"key"))


def test_the_door_sees_our_certificate(tmp_path: Path) -> None:
    with door(tmp_path) as server:
        register(presenting(tmp_path), server)
        assert server.seen == ["north"]


def test_flowers_own_client_would_show_none_and_be_refused(tmp_path: Path) -> None:
    with door(tmp_path) as server:
        with pytest.raises(httpx.TransportError):
            register(fleet_http_connection.FleetHttpClient, server)
        assert server.seen == []


def test_a_strangers_certificate_is_refused(tmp_path: Path) -> None:
    with door(tmp_path) as server, pytest.raises(httpx.TransportError):
        register(presenting(tmp_path, STRANGER), server)


def test_a_door_of_another_authority_is_not_believed(tmp_path: Path) -> None:
    with door(tmp_path) as server, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        register(presenting(tmp_path), server, STRANGER.root.encode())


def test_an_older_tls_is_refused(tmp_path: Path) -> None:
    with door(tmp_path, ssl.TLSVersion.TLSv1_2) as server, pytest.raises(httpx.ConnectError):
        register(presenting(tmp_path), server)


@pytest.mark.parametrize(("insecure", "root"), [(True, None), (False, None), (False, "/path/of/a.pem")])
def test_without_tls_or_an_authority_there_is_no_connection(tmp_path: Path, insecure: bool, root: str | None) -> None:  # noqa: FBT001
    with pytest.raises(EngineError, match="needs TLS"):
        presenting(tmp_path).from_server_address("127.0.0.1:1", insecure, root, interceptors=[])


class WithoutVerify:
    def __init__(self, base_url: str, interceptors: object, retry_invoker: object) -> None: ...

    @classmethod
    def from_server_address(
        cls,
        server_address: str,
        insecure: bool,  # noqa: FBT001
        root_certificates: str,
        interceptors: object,
        retry_invoker: object,
    ) -> None: ...


class WithoutMaker:
    def __init__(self, base_url: str, interceptors: object, verify: object, retry_invoker: object) -> None: ...


@pytest.mark.parametrize("held", [{}, {"FleetHttpClient": print}, {"FleetHttpClient": WithoutVerify},
                                  {"FleetHttpClient": WithoutMaker}])  # fmt: skip
def test_a_flower_that_has_changed_is_not_started(tmp_path: Path, held: dict[str, object]) -> None:
    module = ModuleType("connection")
    vars(module).update(held)
    with pytest.raises(EngineError, match=r"^connection is not the one we know: install flwr 1\.41$"):
        present_certificate(module, tmp_path / "c.pem", tmp_path / "c.key")


@pytest.fixture
def place(tmp_path: Path) -> LinkPlace:
    """What ``doctor`` needs of an admitted link."""
    found = LinkPlace(tmp_path / "link")
    found.root.mkdir()
    key = key_of()
    kept(found.client_key, key)
    found.certificate.write_text(AUTHORITY.issue(key.public_key(), "north"))
    found.authority.write_text(AUTHORITY.root)
    return found


def found_by(place: LinkPlace, address: str) -> dict[str, Finding]:
    return {one.check: one for one in reaching.superlink(place, address)}


def test_doctor_shakes_hands_with_our_certificate(place: LinkPlace, tmp_path: Path) -> None:
    with door(tmp_path) as server:
        found = found_by(place, f"127.0.0.1:{server.server_address[1]}")
        assert server.seen == ["north"]
    assert {one.level for one in found.values()} == {Level.FINE}
    assert set(found) == {"name of the SuperLink", "SuperLink", "clock"}


def test_doctor_says_when_the_door_does_not_take_our_certificate(place: LinkPlace, tmp_path: Path) -> None:
    key = key_of()
    kept(place.client_key, key)
    place.certificate.write_text(STRANGER.issue(key.public_key(), "north"))
    with door(tmp_path) as server:
        found = found_by(place, f"127.0.0.1:{server.server_address[1]}")["SuperLink"]
    assert found.level is Level.FAULT
    assert "accept a new admission" in found.fix


def test_doctor_says_when_somebody_else_answers(place: LinkPlace, tmp_path: Path) -> None:
    place.authority.write_text(STRANGER.root)
    with door(tmp_path) as server:
        found = found_by(place, f"127.0.0.1:{server.server_address[1]}")["SuperLink"]
    assert found.level is Level.FAULT
    assert "is not the coordinator" in found.said


@pytest.mark.parametrize(("skew_s", "level"), [(0, Level.FINE), (-90, Level.WARNING), (400, Level.FAULT)])
def test_doctor_compares_the_clocks(place: LinkPlace, tmp_path: Path, skew_s: int, level: Level) -> None:
    with door(tmp_path) as server:
        server.date = server.RequestHandlerClass.date_time_string(  # type: ignore[attr-defined]
            None, datetime.now(UTC).timestamp() + skew_s
        )
        assert found_by(place, f"127.0.0.1:{server.server_address[1]}")["clock"].level is level


def test_doctor_says_when_nobody_is_there(place: LinkPlace) -> None:
    found = found_by(place, "127.0.0.1:1")["SuperLink"]
    assert found.level is Level.FAULT
    assert "firewall" in found.fix
    found = found_by(place, "no-such-host.invalid:443")["name of the SuperLink"]
    assert found.level is Level.FAULT
    assert "DNS" in found.fix
