import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.common.serde import message_to_proto

from client.courier import SOCKET_KEY, CourierCode, app, relay
from client.service import serve_station
from common.errors import EngineError, MessageError, RefusedError
from tests.flower.grids import context_of, held_by

PLANTED = "NAME=Jane Doe"


def message(content: RecordDict | None = None) -> Message:
    ask = content or RecordDict({"request": ConfigRecord({"bytes": b"ask"})})
    found = Message(ask, 5, MessageType.QUERY, ttl=30.0)
    found.metadata.__dict__["_message_id"] = "id"
    return found


def on_the_wire(reply: Message) -> bytes:
    return message_to_proto(reply).SerializeToString()


def raises(error: Exception) -> Callable[[bytes], bytes]:
    def answer(_: bytes) -> bytes:
        raise error

    return answer


def test_a_request_comes_to_the_station_and_its_answer_back() -> None:
    reply = relay(message(), lambda request: request + b"!")
    assert held_by(reply) == b"ask!"
    assert reply.metadata.reply_to_message_id == "id"
    assert b"ask!" in on_the_wire(reply)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError(PLANTED), CourierCode.INTERNAL),
        (KeyError(PLANTED), CourierCode.INTERNAL),
        (MemoryError(PLANTED), CourierCode.INTERNAL),
        (MessageError(PLANTED), CourierCode.BAD_MESSAGE),
        (RefusedError(PLANTED), CourierCode.NOT_CONFIGURED),
        (EngineError(PLANTED), CourierCode.STATION_SILENT),
    ],
)
def test_an_exceptions_text_is_in_no_byte_that_leaves(
    error: Exception, code: CourierCode, caplog: pytest.LogCaptureFixture
) -> None:
    reply = relay(message(), raises(error))
    assert reply.error.code == code
    assert not reply.error.reason
    assert b"Jane" not in on_the_wire(reply)
    assert "Jane" not in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        RecordDict({"a": ConfigRecord({"x": b"1", "y": b"2"})}),
        RecordDict({"a": ConfigRecord({"x": PLANTED})}),
        RecordDict({"a": ConfigRecord({"x": b"1"}), "b": ConfigRecord({"x": b"2"})}),
    ],
)
def test_a_message_of_another_form_never_reaches_the_station(content: RecordDict) -> None:
    asked: list[bytes] = []
    reply = relay(message(content), lambda request: asked.append(request) or b"")  # type: ignore[func-returns-value]
    assert reply.error.code == CourierCode.BAD_MESSAGE
    assert asked == []


def test_an_answer_that_is_not_bytes_is_an_error_without_its_text() -> None:
    reply = relay(message(), lambda _: object())  # type: ignore[arg-type,return-value]
    assert reply.error.code == CourierCode.INTERNAL


def test_the_courier_asks_the_station_that_its_bureau_named() -> None:
    with tempfile.TemporaryDirectory(prefix="fc-") as directory:
        ours, theirs = Path(directory) / "ours.sock", Path(directory) / "theirs.sock"
        with serve_station(lambda _: b"ours", ours), serve_station(lambda _: b"theirs", theirs):
            reply = app(message(), context_of({SOCKET_KEY: str(ours)}, {SOCKET_KEY: str(theirs)}))
    assert held_by(reply) == b"ours"


@pytest.mark.parametrize("node_config", [{}, {SOCKET_KEY: 5}, {SOCKET_KEY: "relative.sock"}])
def test_a_socket_that_the_run_names_is_no_socket(node_config: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory(prefix="fc-") as directory:
        theirs = Path(directory) / "theirs.sock"
        with serve_station(lambda _: b"theirs", theirs):
            reply = app(message(), context_of(node_config, {SOCKET_KEY: str(theirs)}))
    assert reply.error.code == CourierCode.NOT_CONFIGURED


def test_a_station_that_is_not_there_is_a_code() -> None:
    reply = app(message(), context_of({SOCKET_KEY: "/no/such/station.sock"}, {}))
    assert reply.error.code == CourierCode.STATION_SILENT


def test_the_courier_does_not_know_what_it_carries() -> None:
    told = "import sys, client.courier; print(*sorted(m for m in sys.modules if m.startswith(('common', 'client'))))"
    found = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)  # noqa: S603
    assert found.stdout.split() == ["client", "client.courier", "client.service", "common", "common.errors"]
