"""The gRPC server around the service: a unix socket, or a port with mutual TLS; health, reflection, graceful stop."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from client.ledger.durable import read_private
from client.router.serving import schema
from client.router.serving.service import MOST_BATCH_BYTES, RouterService
from client.router.serving.streams import LONGEST_SILENCE_S, StreamLimit
from client.service import LONGEST_SOCKET_PATH, SOCKET_MODE
from common.errors import EngineError, InputError

STOP_GRACE_S = 10.0
MOST_PEM_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates for both sides, PEM.

    Attributes:
        certificate: Of this router, with its chain.
        key: Its private key.
        client_ca: Whoever signs certificates of those who may ask.
    """

    certificate: bytes
    key: bytes
    client_ca: bytes

    @classmethod
    def read(cls, certificate: Path, key: Path, client_ca: Path) -> Tls:
        """From files; the key must be its owner's alone.

        Raises:
            InputError: If one cannot be read.
        """
        return cls(certificate=_pem(certificate), key=read_private(key), client_ca=_pem(client_ca))


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to listen.

    Attributes:
        socket: A unix socket; its directory must be writable for the router alone.
        group: May connect to the socket; empty for the router's own group.
        address: ``host:port`` instead; then ``tls`` is given, too.
        tls: For the address.
        connections: Calls at once; at most half of them streams.
        silence_s: For so long a stream may be silent.
    """

    socket: Path
    group: str = ""
    address: str = ""
    tls: Tls | None = None
    connections: int = 64
    silence_s: float = LONGEST_SILENCE_S


@contextmanager
def listening(service: RouterService, door: Door) -> Iterator[int]:
    """Answer until this ends; gives the port, 0 for a socket.

    Guarantees:
        * Calls beyond ``connections`` are turned away at once; a message beyond the limit is not parsed.
        * Streams, however many and however silent, leave half of ``connections`` to other calls.
        * Over an address only those are heard who show a certificate of ``client_ca``.
        * At the end calls under way are finished first, and health says before that nothing is taken any more.

    Raises:
        EngineError: If the socket or the address cannot be opened.
    """
    limit = StreamLimit(max(door.connections // 2, 1), door.silence_s)
    with ThreadPoolExecutor(door.connections, thread_name_prefix="router") as pool, limit:
        server = grpc.server(pool, interceptors=(limit,), options=_limits(), maximum_concurrent_rpcs=door.connections)
        server.add_generic_rpc_handlers((service.handlers(),))
        state = health.HealthServicer(experimental_non_blocking=True, experimental_thread_pool=pool)
        health_pb2_grpc.add_HealthServicer_to_server(state, server)
        reflection.enable_server_reflection((schema.SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        port = _open(server, door)
        server.start()
        state.set("", health_pb2.HealthCheckResponse.SERVING)
        state.set(schema.SERVICE, health_pb2.HealthCheckResponse.SERVING)
        try:
            yield port
        finally:
            state.enter_graceful_shutdown()
            server.stop(STOP_GRACE_S).wait()


def _open(server: grpc.Server, door: Door) -> int:
    try:
        if door.tls is not None:
            pair = ((door.tls.key, door.tls.certificate),)
            credentials = grpc.ssl_server_credentials(pair, door.tls.client_ca, require_client_auth=True)
            return int(server.add_secure_port(door.address, credentials))
        if len(str(door.socket.absolute()).encode()) > LONGEST_SOCKET_PATH:
            msg = f"a unix socket's path has at most {LONGEST_SOCKET_PATH} bytes: choose a shorter directory"
            raise EngineError(msg)
        server.add_insecure_port(f"unix:{door.socket.absolute()}")
        door.socket.chmod(SOCKET_MODE)
        if door.group:
            shutil.chown(door.socket, group=door.group)
    except (RuntimeError, OSError, LookupError):
        msg = "the router's socket or address cannot be opened: check directory, group, address and certificates"
        raise EngineError(msg) from None
    return 0


def _pem(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_PEM_BYTES)
    except OSError:
        msg = f"{path} cannot be read: name a PEM file"
        raise InputError(msg) from None


def _limits() -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", MOST_BATCH_BYTES),
        ("grpc.so_reuseport", 0),
        ("grpc.enable_http_proxy", 0),
    ]
