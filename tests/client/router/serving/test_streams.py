"""Streams over real gRPC: however many there are and however silent, whoever asks claim by claim is answered."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2_grpc

from client.router.router import Router
from client.router.serving import schema
from client.router.serving.asking import RouterLink
from client.router.serving.listening import Door, listening
from client.router.serving.process import decides
from client.router.serving.service import RouterService
from tests.client.router.homes import Home
from tests.client.router.serving.test_serving import claim_bytes

CONNECTIONS = 4
SILENCE_S = 1.0
SOON_S = 20.0


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    with Home(tmp_path / "r").begin().accept().open() as found:
        yield found


@contextmanager
def listens(router: Router, silence_s: float) -> Iterator[Path]:
    socket = router.desk.place.root / "run" / "router.sock"
    door = Door(socket=socket, connections=CONNECTIONS, silence_s=silence_s)
    with decides(router, 100) as group, listening(RouterService(group), door):
        yield socket


class Stream:
    """One that stays open and says what it is told to say."""

    def __init__(self, socket: Path, method: str = f"/{schema.SERVICE}/DecideStream") -> None:
        self._said: queue.Queue[bytes | None] = queue.Queue()
        self._channel = grpc.insecure_channel(f"unix:{socket}")
        self.call: Any = self._channel.stream_stream(method)(iter(self._said.get, None), timeout=SOON_S)

    def asks(self, number: int) -> Any:
        self._said.put(schema.DecideRequest(claim=claim_bytes(number)).SerializeToString())
        return schema.Decision.FromString(next(self.call))

    def ended_with(self) -> grpc.StatusCode:
        with pytest.raises(grpc.RpcError) as found:
            next(self.call)
        return found.value.code()  # type: ignore[no-any-return]

    def end(self) -> None:
        self._said.put(None)
        self.call.cancel()
        self._channel.close()


@contextmanager
def streams(socket: Path, n_streams: int) -> Iterator[list[Stream]]:
    found = [Stream(socket) for _ in range(n_streams)]
    try:
        yield found
    finally:
        for one in found:
            one.end()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_streams_leave_half_of_the_connections_to_other_calls_and_more_are_turned_away(router: Router) -> None:
    with listens(router, 60.0) as socket, streams(socket, CONNECTIONS // 2) as open_ones:
        for number, one in enumerate(open_ones):
            assert one.asks(number).decision_id
        with streams(socket, CONNECTIONS) as others:
            assert {one.ended_with() for one in others} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        with RouterLink.to_socket(socket, 10.0) as link:
            assert link.decide(claim_bytes(9)).decision_id
            assert len(link.decide_batch([claim_bytes(10), claim_bytes(11)])) == 2
        for number, one in enumerate(open_ones, start=20):
            assert one.asks(number).decision_id


def test_other_streams_than_those_of_claims_count_too(router: Router) -> None:
    with listens(router, 60.0) as socket, grpc.insecure_channel(f"unix:{socket}") as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=schema.SERVICE))
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        asked: queue.Queue[Any] = queue.Queue()
        reflecting = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter(asked.get, None))
        with streams(socket, 1) as (one,):
            assert one.ended_with() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for call in (watching, reflecting):
            call.cancel()
        asked.put(None)


def test_a_stream_that_stays_silent_is_ended_and_one_that_speaks_is_not(router: Router) -> None:
    with listens(router, SILENCE_S) as socket, streams(socket, 2) as (silent, speaking):
        assert silent.asks(1).decision_id
        until_then, number = time.monotonic() + 3 * SILENCE_S, 100
        while time.monotonic() < until_then:
            assert speaking.asks(number).decision_id
            number += 1
            time.sleep(SILENCE_S / 8)
        assert silent.ended_with() is grpc.StatusCode.CANCELLED
        with streams(socket, 1) as (another,):
            assert another.asks(2).decision_id


def test_who_leaves_without_a_word_leaves_no_thread_behind(router: Router) -> None:
    with listens(router, 60.0) as socket:
        for number in range(3 * CONNECTIONS):
            until(lambda number=number: is_let_in(socket, number))  # type: ignore[misc]
        until(lambda: not [one for one in threading.enumerate() if "_read_ahead" in one.name])
        with RouterLink.to_socket(socket, 10.0) as link:
            for number in range(CONNECTIONS):
                assert link.decide(claim_bytes(number)).decision_id


def is_let_in(socket: Path, number: int) -> bool:
    """Whether a stream is let in and answered; the one before may need a moment to be gone."""
    with streams(socket, 1) as (one,):
        try:
            return bool(one.asks(number).decision_id)
        except grpc.RpcError:
            return False
