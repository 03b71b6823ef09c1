"""The station's door over TLS, and the health service beside it: who is answered, and what is said."""

from __future__ import annotations

import socket as sockets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client.health import MAX_BYTES, health_service, is_ready_at
from client.service import (
    MAX_LOOKING,
    MAX_WAITING,
    SERVICE,
    StationLink,
    TlsAddress,
    TlsDoor,
    channel_to,
    serve_station,
)
from common.errors import EngineError
from server.certificates.authority import Authority
from tests.server.certificates.test_authority import request_of

LISTED = "courier"


@dataclass
class Bureau:
    """A bureau's own authority, its station's door, and who asks there."""

    root: Path

    def __post_init__(self) -> None:
        self.authority = Authority.create(self.root / "authority", "a bureau's authority")
        self.files = self.authority.server("station", ["127.0.0.1"])

    def door(self, port: int = 0) -> TlsDoor:
        return TlsDoor(
            address=f"127.0.0.1:{port}",
            certificate=self.files.certificate.read_bytes(),
            key=self.files.key.read_bytes(),
            client_root=self.authority.root.read_bytes(),
            names=frozenset({LISTED, "another"}),
        )

    def asking(self, address: str, name: str = LISTED, authority: Authority | None = None) -> TlsAddress:
        key = ec.generate_private_key(ec.SECP384R1())
        return TlsAddress(
            address=address,
            root=self.authority.root.read_bytes(),
            certificate=(authority or self.authority).client(request_of(key), name),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Bureau:
    return Bureau(tmp_path_factory.mktemp("bureau"))


@contextmanager
def served(
    bureau: Bureau, answer: Callable[[bytes], bytes], ready: Callable[[], bool] = lambda: True, max_bytes: int = 1 << 20
) -> Iterator[str]:
    with serve_station(answer, bureau.door(), max_bytes, [health_service(ready)]) as address:
        yield address


def outcome(link: StationLink, request: bytes = b"abc") -> str:
    try:
        return link.answer(request).decode()
    except EngineError as error:
        return str(error).rpartition(" ")[2]


def test_a_listed_name_is_answered_over_tls(bureau: Bureau) -> None:
    with (
        served(bureau, lambda request: request[::-1]) as address,
        StationLink(bureau.asking(address), 10.0) as link,
        StationLink(bureau.asking(address, "another"), 10.0) as another,
    ):
        assert (outcome(link), outcome(another)) == ("cba", "cba")


@pytest.mark.parametrize("name", ["somebody", "courier,another", "COURIER", "courier "])
def test_a_name_that_is_not_listed_is_not_answered_by_anything(bureau: Bureau, name: str) -> None:
    seen: list[bytes] = []
    with served(bureau, lambda request: seen.append(request) or b"") as address:
        asking = bureau.asking(address, name)
        with StationLink(asking, 10.0) as link:
            assert outcome(link) == "PERMISSION_DENIED"
        with pytest.raises(EngineError, match="PERMISSION_DENIED"):
            is_ready_at(asking, 10.0)
    assert seen == []


def test_a_stranger_or_nobody_is_not_answered(bureau: Bureau, tmp_path: Path) -> None:
    seen: list[bytes] = []
    stranger = Authority.create(tmp_path / "stranger", "a bureau's authority")
    with served(bureau, lambda request: seen.append(request) or b"") as address:
        with StationLink(bureau.asking(address, authority=stranger), 3.0) as link:
            assert outcome(link) in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
        credentials = grpc.ssl_channel_credentials(bureau.authority.root.read_bytes())
        for channel in (grpc.secure_channel(address, credentials), grpc.insecure_channel(address)):
            with channel, pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(f"/{SERVICE}/Answer")(b"", timeout=3.0)
            assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert seen == []


def test_a_station_with_anothers_certificate_is_not_asked(bureau: Bureau, tmp_path: Path) -> None:
    seen: list[bytes] = []
    other = Bureau(tmp_path / "other")
    with (
        serve_station(lambda request: seen.append(request) or b"", other.door()) as address,
        StationLink(bureau.asking(address), 3.0) as link,
    ):
        assert outcome(link) in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert seen == []


def test_a_request_beyond_the_limit_never_reaches_the_station_over_tls_either(bureau: Bureau) -> None:
    seen: list[int] = []
    with (
        served(bureau, lambda request: seen.append(len(request)) or b"ok", max_bytes=1000) as address,
        StationLink(bureau.asking(address), 10.0) as link,
    ):
        assert [outcome(link, bytes(900)), outcome(link, bytes(1100))] == ["ok", "RESOURCE_EXHAUSTED"]
    assert seen == [900]


def test_health_is_told_beside_a_request_at_work_and_a_flood_is_turned_away(bureau: Bureau) -> None:
    blocked = threading.Event()

    def answer(_: bytes) -> bytes:
        blocked.wait(30.0)
        return b"answered"

    with (
        served(bureau, answer) as address,
        StationLink(bureau.asking(address), 60.0) as link,
        ThreadPoolExecutor(MAX_WAITING + 2) as pool,
    ):
        waiting = [pool.submit(outcome, link) for _ in range(MAX_WAITING + 2)]
        while sum(one.done() for one in waiting) < 2:
            pass
        assert is_ready_at(bureau.asking(address), 10.0)
        blocked.set()
        found = [one.result() for one in waiting]
    assert sorted(found) == ["RESOURCE_EXHAUSTED"] * 2 + ["answered"] * MAX_WAITING
    assert MAX_LOOKING > 0


def raising() -> bool:
    raise OSError("NAME=Jane Doe")


@pytest.mark.parametrize(("ready", "expected"), [(lambda: True, "ready"), (lambda: False, "not"), (raising, "not")])
def test_ready_is_what_the_station_says_and_alive_is_that_it_answers(
    tmp_path: Path, ready: Callable[[], bool], expected: str
) -> None:
    path = tmp_path / "s"
    with serve_station(bytes, path, others=[health_service(ready)]), channel_to(path) as channel:
        assert is_ready_at(path, 5.0) == (expected == "ready")
        stub = health_pb2_grpc.HealthStub(channel)
        alive = stub.Check(health_pb2.HealthCheckRequest(), timeout=5.0)
        assert alive.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="another"), timeout=5.0)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=5.0))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_question_about_health_that_is_too_long_is_not_parsed(tmp_path: Path) -> None:
    path, codes = tmp_path / "s", []
    with serve_station(bytes, path, others=[health_service(lambda: True)]), channel_to(path) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for length in (MAX_BYTES // 2, MAX_BYTES):
            with pytest.raises(grpc.RpcError) as caught:
                stub.Check(health_pb2.HealthCheckRequest(service="x" * length), timeout=5.0)
            codes.append(caught.value.code())
    assert codes == [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL]


def test_whether_nobody_is_there_is_an_error_that_names_a_code(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not answer: UNAVAILABLE"):
        is_ready_at(tmp_path / "nothing", 5.0)


def test_an_address_that_somebody_has_is_an_error_that_says_so(bureau: Bureau) -> None:
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door = bureau.door(taken.getsockname()[1])
        with pytest.raises(EngineError, match="cannot be opened"), serve_station(bytes, door):
            pass
