"""The station behind gRPC, on a unix socket or over TLS: one method, bytes in, bytes out.

A door belongs to one station: nothing in a request chooses whose claims answer. Who may ask is whom the permissions of
the socket let in; over TLS, whoever has a certificate of the bureau's own authority under a name that is listed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore, Lock
from types import TracebackType
from typing import Any, Self

import grpc

from common.errors import EngineError

_LOG = logging.getLogger(__name__)

SERVICE, METHOD = "fedclaims.Station", "Answer"
MAX_BYTES = 1 << 26
"""That of ``common.wire``, which is not imported: a courier knows nothing of what it carries, and stays small."""

SOCKET_MODE = 0o660
"""The station's user and the courier's group."""

MAX_WAITING = 4
"""Requests at once, the one at work included; more are turned away. A coordinator sends one."""

MAX_LOOKING = 4
"""Calls of other services at once, which are answered beside the request at work."""

LONGEST_SOCKET_PATH = 100
"""The kernel's limit is 108 bytes with its ending zero."""

STOP_GRACE_S = 2.0

AGAIN_S = 0.5
"""Between two tries at a station that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsDoor:
    """Where a station listens over TLS.

    Attributes:
        address: ``host:port``.
        certificate: Of the station, PEM.
        key: Of the station, PEM.
        client_root: The authority of those who ask, PEM.
        names: Common names that may ask.
    """

    address: str
    certificate: bytes
    key: bytes
    client_root: bytes
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsAddress:
    """How a station is reached over TLS.

    Attributes:
        address: ``host:port``; the host stands in the station's certificate.
        root: The authority of the station's certificate, PEM.
        certificate: Of whoever asks, PEM.
        key: Of whoever asks, PEM.
    """

    address: str
    root: bytes
    certificate: bytes
    key: bytes


@contextmanager
def serve_station(
    answer: Callable[[bytes], bytes],
    door: Path | TlsDoor,
    max_bytes: int = MAX_BYTES,
    others: Sequence[grpc.GenericRpcHandler] = (),
) -> Iterator[str]:
    """Let a station answer at a door; what it yields is the door's address, with the port that was chosen for 0.

    Guarantees:
        * Requests are answered one after another: a station is a state machine. Others are answered beside them.
        * What goes out is the station's answer or a gRPC status code, never an exception's text.
        * A request or an answer beyond ``max_bytes`` is refused.
        * Over TLS nobody is answered, by others neither, without a certificate of a listed name.

    Args:
        answer: The station's.
        door: Where to listen; the directory of a socket must exist and be writable for the station alone.
        max_bytes: Limit of requests and of answers.
        others: Services beside the station's.

    Raises:
        EngineError: If the door cannot be opened.
    """
    names = door.names if isinstance(door, TlsDoor) else None
    with ThreadPoolExecutor(MAX_WAITING + MAX_LOOKING, thread_name_prefix="station") as pool:
        server = grpc.server(
            pool,
            interceptors=[] if names is None else [_Listed(names)],
            options=_limits(max_bytes),
            maximum_concurrent_rpcs=MAX_WAITING + MAX_LOOKING,
        )
        handler = grpc.unary_unary_rpc_method_handler(_guarded(_one_by_one(answer)))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}), *others))
        address = _listen(server, door)
        server.start()
        try:
            yield address
        finally:
            server.stop(STOP_GRACE_S).wait()  # removes the socket, too


class StationLink:
    """The other end: asks the station at a socket, or at an address over TLS.

    Guarantees:
        * Whatever goes wrong is an ``EngineError`` that names a status code and nothing else.
        * A station that is not there, or goes in mid-answer, is asked the same again until it is, for so long.
    """

    def __init__(
        self, station: Path | TlsAddress, timeout_s: float, max_bytes: int = MAX_BYTES, *, silent_s: float = 0.0
    ) -> None:
        """Connect when the first request is sent.

        Args:
            station: Where it is.
            timeout_s: For the whole of an answer.
            max_bytes: Limit of requests and of answers.
            silent_s: How long a station may be gone, within that time.
        """
        self._timeout_s, self._silent_s = timeout_s, silent_s
        self._channel = channel_to(station, max_bytes)
        self._call = self._channel.unary_unary(f"/{SERVICE}/{METHOD}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, request: bytes) -> bytes:
        """The station's answer.

        Raises:
            EngineError: If there is none in time.
        """
        deadline, gone = time.monotonic() + self._timeout_s, 0.0
        while True:
            try:
                return bytes(self._call(request, timeout=deadline - time.monotonic()))
            except grpc.RpcError as error:
                code = error.code()
            gone = gone or time.monotonic()
            until = min(gone + self._silent_s, deadline)
            if code is not grpc.StatusCode.UNAVAILABLE or time.monotonic() + AGAIN_S > until:
                break
            time.sleep(AGAIN_S)
        msg = f"the station gave no answer: {code.name}"
        raise EngineError(msg)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def channel_to(station: Path | TlsAddress, max_bytes: int = MAX_BYTES) -> grpc.Channel:
    """A channel that connects when it is first used."""
    if isinstance(station, Path):
        return grpc.insecure_channel(_address(station), options=_limits(max_bytes))
    credentials = grpc.ssl_channel_credentials(station.root, station.key, station.certificate)
    return grpc.secure_channel(station.address, credentials, options=_limits(max_bytes))


class _BusyError(Exception):
    """There are enough requests."""


class _Listed(grpc.ServerInterceptor):  # type: ignore[misc]  # gRPC ships no types
    """Answers nobody but those whose certificate has a listed common name."""

    def __init__(self, names: frozenset[str]) -> None:
        """Remember the names."""
        self._names = names

    def intercept_service(self, continuation: Callable[..., Any], details: grpc.HandlerCallDetails) -> Any:
        """The method, behind a look at who asks; all methods here take one message and give one."""
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._behind(handler.unary_unary), handler.request_deserializer, handler.response_serializer
        )

    def _behind(self, method: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[..., Any]:
        def looking(request: Any, context: grpc.ServicerContext) -> Any:
            found = [one.decode("utf-8", "replace") for one in context.auth_context().get("x509_common_name", [])]
            if len(found) != 1 or found[0] not in self._names:
                _LOG.warning("somebody asked whose certificate is not listed")
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "")
            return method(request, context)

        return looking


def _one_by_one(answer: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """One request after another; a few wait."""
    places, at_work = BoundedSemaphore(MAX_WAITING), Lock()

    def answering(request: bytes) -> bytes:
        if not places.acquire(blocking=False):
            raise _BusyError
        try:
            with at_work:
                return answer(request)
        finally:
            places.release()

    return answering


def _guarded(answer: Callable[[bytes], bytes]) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """The answer as a gRPC method that lets no exception out."""

    def method(request: bytes, context: grpc.ServicerContext) -> bytes:
        code = grpc.StatusCode.INTERNAL
        try:
            return answer(request)
        except _BusyError:
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
        except Exception as error:  # noqa: BLE001  gRPC would send the exception's text, and it could hold a claim's value
            _LOG.error("a station failed: %s", type(error).__name__)
        context.set_code(code)
        return b""

    return method


def _listen(server: grpc.Server, door: Path | TlsDoor) -> str:
    if isinstance(door, TlsDoor):
        return _listen_with_tls(server, door)
    if len(str(door).encode()) > LONGEST_SOCKET_PATH:
        msg = f"a unix socket's path has at most {LONGEST_SOCKET_PATH} bytes: choose a shorter directory"
        raise EngineError(msg)
    try:
        server.add_insecure_port(_address(door))
        door.chmod(SOCKET_MODE)
    except (RuntimeError, OSError) as error:
        msg = "the station's socket cannot be opened: check that its directory exists and is writable"
        raise EngineError(msg) from error
    return str(door)


def _listen_with_tls(server: grpc.Server, door: TlsDoor) -> str:
    pair = [(door.key, door.certificate)]
    credentials = grpc.ssl_server_credentials(pair, root_certificates=door.client_root, require_client_auth=True)
    try:
        port = server.add_secure_port(door.address, credentials)
    except RuntimeError:
        port = 0
    if not port:
        msg = "the station's address cannot be opened: check address, certificate and key, and that nobody else has it"
        raise EngineError(msg)
    return f"{door.address.rpartition(':')[0]}:{port}"


def _address(socket: Path) -> str:
    return f"unix:{socket.absolute()}"


def _limits(max_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.max_send_message_length", max_bytes),
        ("grpc.enable_http_proxy", 0),
        ("grpc.so_reuseport", 0),
        ("grpc.initial_reconnect_backoff_ms", int(AGAIN_S * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(AGAIN_S * 2000)),
    ]
