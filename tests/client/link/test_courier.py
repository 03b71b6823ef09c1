"""The courier that stays: what it serves, what it answers with a number, and what it does not know."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.clientapp import ClientApp

from client.courier import CourierCode
from client.link.bundles import digest_of
from client.link.courier import Bundles, Courier
from client.link.keys import door
from tests.flower.grids import context_of, held_by
from tests.flower.test_courier import message, on_the_wire

BUNDLE, PLANTED = b"the bundle", "NAME=Jane Doe"
ROOM = Path(__file__).parents[3]
ROOT = door(datetime.now(UTC)).root


def echoing(asked: list[bytes]) -> ClientApp:
    app = ClientApp()

    @app.query()
    def query(given: Message, _: Context) -> Message:
        asked.append(held_by(given))
        return Message(RecordDict({"reply": ConfigRecord({"bytes": b"answer"})}), reply_to=given)

    return app


def raising() -> ClientApp:
    app = ClientApp()

    @app.query()
    def query(_: Message, __: Context) -> Message:
        raise ValueError(PLANTED)

    return app


def courier(app: ClientApp, bundles: Bundles = lambda: frozenset({digest_of(BUNDLE)})) -> Courier:
    return Courier("127.0.0.1:1", ROOT, b"secret", bundles, app)


def test_a_message_of_a_bundle_on_the_list_comes_to_the_station() -> None:
    asked: list[bytes] = []
    assert held_by(courier(echoing(asked)).answer(message(), context_of({}, {}), BUNDLE)) == b"answer"
    assert asked == [b"ask"]


@pytest.mark.parametrize("bundle", [b"", b"the bundlf", b"the bundle "])
def test_a_message_of_any_other_bundle_is_answered_with_a_number_and_the_station_is_not_asked(bundle: bytes) -> None:
    asked: list[bytes] = []
    reply = courier(echoing(asked)).answer(message(), context_of({}, {}), bundle)
    assert reply.error.code == CourierCode.BUNDLE
    assert not reply.error.reason
    assert asked == []


def test_an_empty_list_refuses_everything() -> None:
    asked: list[bytes] = []
    reply = courier(echoing(asked), frozenset).answer(message(), context_of({}, {}), BUNDLE)
    assert reply.error.code == CourierCode.BUNDLE
    assert asked == []


def test_the_list_is_read_for_every_message() -> None:
    now, asked = set[str](), list[bytes]()
    serving = courier(echoing(asked), lambda: frozenset(now))
    assert serving.answer(message(), context_of({}, {}), BUNDLE).error.code == CourierCode.BUNDLE
    now.add(digest_of(BUNDLE))
    assert held_by(serving.answer(message(), context_of({}, {}), BUNDLE)) == b"answer"


def test_what_an_app_raises_is_answered_with_a_number(caplog: pytest.LogCaptureFixture) -> None:
    reply = courier(raising()).answer(message(), context_of({}, {}), BUNDLE)
    assert reply.error.code == CourierCode.INTERNAL
    assert PLANTED.encode() not in on_the_wire(reply)
    assert PLANTED not in caplog.text


def test_what_the_list_raises_is_answered_with_a_number(caplog: pytest.LogCaptureFixture) -> None:
    def bundles() -> frozenset[str]:
        raise OSError(PLANTED)

    reply = courier(echoing([]), bundles).answer(message(), context_of({}, {}), BUNDLE)
    assert reply.error.code == CourierCode.INTERNAL
    assert PLANTED.encode() not in on_the_wire(reply)
    assert PLANTED not in caplog.text


@pytest.mark.parametrize("kind", [MessageType.TRAIN, MessageType.EVALUATE, MessageType.QUERY + ".other"])
def test_a_message_of_another_kind_is_answered_with_a_number(kind: str) -> None:
    given, asked = message(), list[bytes]()
    given.metadata.message_type = kind
    assert courier(echoing(asked)).answer(given, context_of({}, {}), BUNDLE).error.code == CourierCode.INTERNAL
    assert asked == []


OWN = "print(*sorted(m for m in sys.modules if m.startswith(('common', 'client', 'server', 'simulations'))))"
HEAVY = ("pyarrow", "sqlalchemy", "numba", "sklearn", "pandas", "ray", "msgpack", "dp_accounting")


def test_the_courier_does_not_know_what_it_carries() -> None:
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", f"import sys, client.link.courier; {OWN}"], check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == [
        "client", "client.courier", "client.deployment", "client.deployment.logs", "client.link",
        "client.link.bundles", "client.link.courier", "client.link.internals", "client.service", "common",
        "common.errors",
    ]  # fmt: skip


def test_the_courier_loads_nothing_that_could_read_claims() -> None:
    told = "import sys, client.link.courier; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)  # noqa: S603
    assert set(found.stdout.split()).isdisjoint(HEAVY)


CARRYING = ("client/courier.py", "client/service.py", "client/link/courier.py", "client/link/internals.py",
            "client/link/bundles.py", "client/deployment/logs.py", "common/errors.py")  # fmt: skip


@pytest.mark.parametrize("name", CARRYING)
def test_what_carries_messages_imports_flower_and_grpc_and_nothing_else_from_outside(name: str) -> None:
    tree = ast.parse((ROOM / name).read_text())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    outside = {one.split(".")[0] for one in modules} - set(sys.stdlib_module_names)
    assert outside <= {"client", "common", "flwr", "grpc", "httpx"}, "httpx is what Flower speaks with"
