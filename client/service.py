"""The station behind gRPC on a unix socket: one method, bytes in, bytes out.

A socket belongs to one station: nothing in a request chooses whose claims answer, and the permissions of the socket
are the whole of who may ask.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from common.errors import EngineError

_LOG = logging.getLogger(__name__)

SERVICE, METHOD = "fedclaims.Station", "Answer"
MAX_BYTES = 1 << 29
"""That of ``common.wire``, which is not imported: a courier knows nothing of what it carries, and stays small."""

SOCKET_MODE = 0o660
"""The station's user and the courier's group."""

MAX_WAITING = 4
"""Requests at once, the one at work included; more are turned away. A coordinator sends one."""

LONGEST_SOCKET_PATH = 100
"""The kernel's limit is 108 bytes with its ending zero."""

STOP_GRACE_S = 2.0


@contextmanager
def serve_station(answer: Callable[[bytes], bytes], socket: Path, max_bytes: int = MAX_BYTES) -> Iterator[None]:
    """Let a station answer on a unix socket.

    Guarantees:
        * Requests are answered one after another: a station is a state machine.
        * What goes out is the station's answer or a gRPC status code, never an exception's text.
        * A request or an answer beyond ``max_bytes`` is refused.

    Args:
        answer: The station's.
        socket: Where to listen; its directory must exist and be writable for the station alone.
        max_bytes: Limit of requests and of answers.

    Raises:
        EngineError: If the socket cannot be opened.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="station") as pool:
        server = grpc.server(pool, options=_limits(max_bytes), maximum_concurrent_rpcs=MAX_WAITING)
        handler = grpc.unary_unary_rpc_method_handler(_guarded(answer))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
        _listen(server, socket)
        server.start()
        try:
            yield
        finally:
            server.stop(STOP_GRACE_S).wait()  # removes the socket, too


class StationLink:
    """The other end: asks the station at a socket.

    Guarantees:
        * Whatever goes wrong is an ``EngineError`` that names a status code and nothing else.
    """

    def __init__(self, socket: Path, timeout_s: float, max_bytes: int = MAX_BYTES) -> None:
        """Connect when the first request is sent."""
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(_address(socket), options=_limits(max_bytes))
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
        try:
            return bytes(self._call(request, timeout=self._timeout_s))
        except grpc.RpcError as error:
            msg = f"the station gave no answer: {error.code().name}"
        raise EngineError(msg)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def _guarded(answer: Callable[[bytes], bytes]) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """The answer as a gRPC method that lets no exception out."""

    def method(request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return answer(request)
        except Exception as error:  # noqa: BLE001  gRPC would send the exception's text, and it could hold a claim's value
            _LOG.error("a station failed: %s", type(error).__name__)
        context.set_code(grpc.StatusCode.INTERNAL)
        return b""

    return method


def _listen(server: grpc.Server, socket: Path) -> None:
    if len(str(socket).encode()) > LONGEST_SOCKET_PATH:
        msg = f"a unix socket's path has at most {LONGEST_SOCKET_PATH} bytes: choose a shorter directory"
        raise EngineError(msg)
    try:
        server.add_insecure_port(_address(socket))
        socket.chmod(SOCKET_MODE)
    except (RuntimeError, OSError) as error:
        msg = "the station's socket cannot be opened: check that its directory exists and is writable"
        raise EngineError(msg) from error


def _address(socket: Path) -> str:
    return f"unix:{socket.absolute()}"


def _limits(max_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.max_send_message_length", max_bytes),
        ("grpc.enable_http_proxy", 0),
    ]
