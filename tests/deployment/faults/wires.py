"""Wires of a deployment on which a test lays its hands: courier to station, and SuperNode to proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from client.service import METHOD, SERVICE, channel_to
from common.errors import MessageError
from common.wire import AnyMessage, decode

HOST = "127.0.0.1"
PIECE = 1 << 16

Hook = Callable[[AnyMessage], None]


class LostError(Exception):
    """An answer does not come through, as if the station had died with it."""


def nothing(_: AnyMessage) -> None:
    """What is done on a wire that is left alone."""


def _message(request: bytes) -> AnyMessage | None:
    try:
        return decode(request)
    except MessageError:
        return None


@dataclass
class Tap:
    """Stands between a courier and its station, and passes everything on: bytes, and codes of what failed.

    ``before`` sees a request before the station does, ``after`` once its answer is here, and before that goes on.
    """

    station: Path
    door: Path
    before: Hook = nothing
    after: Hook = nothing
    asked: list[bytes] = field(default_factory=list)
    answered: list[tuple[bytes, bytes]] = field(default_factory=list)

    def carry(self, request: bytes, context: Any) -> bytes:
        self.asked.append(request)
        message = _message(request)
        if message is not None:
            self.before(message)
        with channel_to(self.station) as channel:
            try:
                reply = bytes(channel.unary_unary(f"/{SERVICE}/{METHOD}")(request, timeout=context.time_remaining()))
            except grpc.RpcError as error:
                context.abort(error.code(), "")
        self.answered.append((request, reply))
        try:
            if message is not None:
                self.after(message)
        except LostError:
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        return reply

    def leave_alone(self) -> None:
        self.before = self.after = nothing

    @contextmanager
    def served(self) -> Iterator[None]:
        handler = grpc.unary_unary_rpc_method_handler(self.carry)
        with ThreadPoolExecutor(4) as pool:
            server = grpc.server(pool)
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
            server.add_insecure_port(f"unix:{self.door}")
            server.start()
            try:
                yield
            finally:
                server.stop(1.0).wait()


@dataclass
class Line:
    """A bureau's line to the proxy, which can be cut: nobody is told, and nothing comes through any more.

    Connections from before a cut stay dead for ever, as behind a router that has forgotten them; new ones that are made
    during a cut wait until it is mended.
    """

    proxy_port: int
    whole: threading.Event = field(default_factory=threading.Event)
    _open: set[socket.socket] = field(default_factory=set)
    _dead: set[socket.socket] = field(default_factory=set)

    def cut(self) -> None:
        self.whole.clear()
        self._dead |= self._open

    def mend(self) -> None:
        self.whole.set()

    @contextmanager
    def laid(self) -> Iterator[int]:
        """Yields the port at the bureau's end."""
        self.whole.set()
        with ExitStack() as stack:
            listening = stack.enter_context(socket.create_server((HOST, 0)))
            stack.callback(self._hang_up)
            stack.callback(listening.shutdown, socket.SHUT_RDWR)
            threading.Thread(target=self._listen, args=(listening,), daemon=True).start()
            yield int(listening.getsockname()[1])

    def _listen(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self.whole.wait()
        try:
            far = socket.create_connection((HOST, self.proxy_port))
        except OSError:
            near.close()
            return
        self._open |= {near, far}
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        """From one end to the other; what comes over a dead connection is dropped, its end included."""
        with suppress(OSError):
            while piece := one.recv(PIECE):
                if one not in self._dead:
                    other.sendall(piece)
        if one not in self._dead:
            for end in (one, other):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        self.whole.set()
        for one in list(self._open):
            one.close()
