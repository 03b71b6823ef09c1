"""The ServerApp: what it takes from Flower is a code, addresses and keys; everything else is the directory's."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flwr.cli.build import build_fab_from_disk
from flwr.supercore.task_identity import TaskIdentity

from common.errors import EngineError
from common.messages import Refusal, RefusalCode
from common.wire import encode
from server.deployment import server_app
from server.deployment.binding import Present, bound
from server.deployment.bundle import ORDER_KEY, PROJECT_FILE, bundle_digest, write_app
from server.deployment.commands import environment_of
from server.deployment.place import DIRECTORY_KEY
from server.registry.nodes import Node
from server.registry.run import State, WantedBy
from tests.flower.grids import MemoryGrid, context_of, reply_with
from tests.server.deployment.coordinators import Seat

# Flower asks pathspec for a class by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")

BUREAUS = frozenset({"east", "north", "south"})


def key() -> tuple[str, bytes]:
    """A node's key as an admission has it, and as Flower tells it."""
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    ssh = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return ssh, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def node(number: int, name: str, public_key: str) -> Node:
    return Node(
        id=number, name=name, public_key=public_key, bundle="a" * 64, admitted=1, revoked=None, node=None, seen=None
    )


@dataclass
class Told:
    """What Flower tells of a node."""

    node_id: int
    public_key: bytes


class Keyed(MemoryGrid):
    """A grid whose nodes have keys."""

    keys: dict[int, bytes]

    def get_nodes(self) -> list[Told]:  # type: ignore[override]
        return [Told(number, self.keys[number]) for number in self.answering]


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path / "c").begin()


@pytest.fixture(autouse=True)
def _flower_task(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_run_id", 7), ("_node_id", 1), ("_task_id", 3)):
        monkeypatch.setattr(TaskIdentity, name, value)


def test_a_node_is_whose_key_was_let_in_and_nobody_elses() -> None:
    (east, east_pem), (_, stranger_pem), (gone, gone_pem) = key(), key(), key()
    admitted = [node(1, "east", east), node(2, "gone", gone)]
    present = [
        Present(address="11", public_key=east_pem),
        Present(address="12", public_key=stranger_pem),
        Present(address="13", public_key=gone_pem),
        Present(address="14", public_key=b""),
        Present(address="15", public_key=b"nonsense"),
    ]
    assert {address: one.name for address, one in bound(present, admitted, BUREAUS).items()} == {"11": "east"}


def test_only_bureaus_that_were_let_in_are_asked_and_each_speaks_for_itself(seat: Seat) -> None:
    keys = {name: key() for name in ("east", "north", "stranger")}
    for name in ("east", "north"):
        seat.office.registry.nodes.admit(name, keys[name][0], "a" * 64, 1)

    def says(name: str) -> object:
        refusal = encode(Refusal(session=bytes(16), bureau=name, code=RefusalCode.POLICY))
        return lambda message: [reply_with(message, refusal)]

    grid = Keyed({11: says("east"), 12: says("east"), 13: says("stranger")})  # type: ignore[dict-item]
    grid.keys = {11: keys["east"][1], 12: keys["north"][1], 13: keys["stranger"][1]}
    transport = server_app.transport_to(seat.office, grid, BUREAUS)
    assert transport.nodes() == ["11", "12"]
    replies = dict(transport.exchange({"11": b"asked", "12": b"asked"}))
    assert set(replies) == {"11"}, "north's node answered as east"
    assert {one.name for one in seat.office.registry.nodes.live() if one.seen} == {"east", "north"}


@pytest.mark.parametrize(
    "extra", [{}, {"epsilon": 1e9, "protection": "none", "plan": "{}", "directory": "/", ORDER_KEY: "nonsense"}]
)
def test_a_run_without_an_order_changes_nothing_whatever_its_configuration_asks(
    seat: Seat, extra: dict[str, object]
) -> None:
    runs = seat.office.registry.runs
    waiting = runs.order(WantedBy.OPERATOR, 1)
    server_app.answer(seat.office, MemoryGrid({}), context_of({}, extra))
    found = runs.find(waiting.number)
    assert found is not None
    assert (found.state, len(runs.newest(10))) == (State.ORDERED, 1)


def test_of_a_configuration_only_the_orders_code_is_read(seat: Seat) -> None:
    runs = seat.office.registry.runs
    run = runs.order(WantedBy.OPERATOR, 1)
    runs.start(run.number)
    asked = {ORDER_KEY: run.code, "epsilon": 1e9, "protection": "none", DIRECTORY_KEY: "/tmp"}  # noqa: S108
    server_app.answer(seat.office, MemoryGrid({}), context_of({}, asked))
    found = runs.find(run.number)
    assert found is not None
    assert found.state is State.FAILED, "there is no roster yet"
    assert "roster init" in found.reason
    assert seat.plan.privacy is not None
    assert seat.plan.privacy.epsilon_thousandths == 10_000


def test_whose_directory_it_is_is_known_from_the_environment_alone(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DIRECTORY_KEY, raising=False)
    with pytest.raises(EngineError, match="fedclaims-coordinator start"):
        server_app._place()
    monkeypatch.setenv(DIRECTORY_KEY, str(seat.root))
    assert server_app._place() == seat.place


def test_flowers_processes_are_told_nothing_of_other_runs(seat: Seat) -> None:
    outer = dict(os.environ) | {"FLWR_HOME": "/other", "FLWR_TELEMETRY_ENABLED": "1", "PYTHONPATH": "/x", "TOKEN": "t"}
    found = environment_of(seat.place, outer)
    assert found["FLWR_HOME"] == str(seat.place.flower_home)
    assert (found["FLWR_TELEMETRY_ENABLED"], found["FLWR_DISABLE_UPDATE_CHECK"]) == ("0", "1")
    assert found["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"
    assert not {"PYTHONPATH", "TOKEN"} & set(found)
    assert found[DIRECTORY_KEY] == str(seat.root)


def test_the_bundle_is_the_project_file_and_the_same_wherever_it_is_built(seat: Seat, tmp_path: Path) -> None:
    app = seat.place.app
    for name in ("claims.json", "code.py", "notes.md"):
        (app / name).write_text("{}")
    held = build_fab_from_disk(app)
    with zipfile.ZipFile(BytesIO(held)) as bundle:
        assert bundle.namelist() == [PROJECT_FILE, ".info/CONTENT"]
        assert b"claims" not in bundle.read(".info/CONTENT").replace(b"fedclaims", b"")
    other = Seat(tmp_path / "other").begin()
    assert bundle_digest(seat.place) == bundle_digest(other.place)


def test_a_project_file_that_was_changed_is_written_anew(seat: Seat) -> None:
    path = seat.place.app / PROJECT_FILE
    before = path.read_bytes()
    path.write_text("[project]\nname = 'other'\n")
    write_app(seat.place)
    assert path.read_bytes() == before
