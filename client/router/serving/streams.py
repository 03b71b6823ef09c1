"""Streams leave room for everybody else: only so many at once, and none that stays silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, Self

import grpc

LONGEST_SILENCE_S = 300.0
TOO_MANY = "too many streams are open: end one, or ask claim by claim"

Handler = Any
Continuation = Callable[[grpc.HandlerCallDetails], Handler | None]


@dataclass(slots=True, eq=False)
class _Stream:
    """One that is open."""

    context: grpc.ServicerContext
    heard: float = field(default_factory=time.monotonic)

    def noting(self, items: Iterable[Any]) -> Iterator[Any]:
        """The same items; each that comes or goes is a sign of life."""
        for item in items:
            self.heard = time.monotonic()
            yield item
            self.heard = time.monotonic()


class StreamLimit(grpc.ServerInterceptor):  # type: ignore[misc] # grpc has no types
    """An interceptor that looks at streams alone.

    Guarantees:
        * At most ``most`` streams are open; another one is turned away at once.
        * A stream in both directions in which nothing comes and goes for ``silence_s`` is cancelled; so is one whose
          answers nobody reads. Whoever watches the health may be silent.
        * Calls that are no streams are not touched.
    """

    def __init__(self, most: int, silence_s: float = LONGEST_SILENCE_S) -> None:
        """Use it as a context, while the server serves."""
        self._most, self._silence_s = most, silence_s
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._n_open, self._talking = 0, set[_Stream]()
        self._thread = threading.Thread(target=self._watch, name="router-streams", daemon=True)

    def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method that was asked for, under the limits if it is a stream."""
        handler = continuation(handler_call_details)
        if handler is None or not handler.response_streaming:
            return handler
        coding = (handler.request_deserializer, handler.response_serializer)
        if handler.request_streaming:
            return grpc.stream_stream_rpc_method_handler(self._talk(handler.stream_stream), *coding)
        return grpc.unary_stream_rpc_method_handler(self._tell(handler.unary_stream), *coding)

    def _talk(self, method: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        @wraps(method)
        def limited(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            stream = _Stream(context)
            self._enter(stream, talking=True)
            yield from stream.noting(method(stream.noting(requests), context))

        return limited

    def _tell(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)  # also what it says of itself: that it blocks no thread
        def limited(request: Any, context: grpc.ServicerContext, *others: Any) -> Any:
            self._enter(_Stream(context), talking=False)
            return method(request, context, *others)

        return limited

    def _enter(self, stream: _Stream, *, talking: bool) -> None:
        """Count a stream until it ends, or end it now."""
        with self._lock:
            has_room = self._n_open < self._most
            self._n_open += has_room
            if has_room and talking:
                self._talking.add(stream)
        if not has_room:
            stream.context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY)
        if not stream.context.add_callback(lambda: self._leave(stream)):
            self._leave(stream)  # it has ended already

    def _leave(self, stream: _Stream) -> None:
        with self._lock:
            self._n_open -= 1
            self._talking.discard(stream)

    def _watch(self) -> None:
        while not self._ended.wait(self._silence_s / 4):
            with self._lock:
                silent = [one for one in self._talking if time.monotonic() - one.heard > self._silence_s]
            for one in silent:
                one.context.cancel()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
