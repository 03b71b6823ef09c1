"""Nodes that are let in while the SuperLink is being told of others: no run starts without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from server.deployment.commands import Control
from server.deployment.flower_engine import FlowerEngine
from tests.server.deployment.coordinators import Seat
from tests.server.deployment.test_server_app import key


class Slow(Control):
    """A SuperLink that is told of nodes so slowly that something happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile, self.told = meanwhile, list[str]()

    def nodes(self) -> frozenset[str]:
        return frozenset(self.told)

    def register(self, name: str, public_key: object) -> str:  # noqa: ARG002
        self.meanwhile()
        self.told.append(name)
        return name


def test_before_a_run_starts_the_superlink_knows_also_who_was_let_in_while_it_was_told_of_others(
    tmp_path: Path,
) -> None:
    seat = Seat(tmp_path / "c").begin()
    nodes, late = seat.office.registry.nodes, ["north"]
    nodes.admit("east", key()[0], "a" * 64, 1)

    def admit() -> None:
        if late:
            nodes.admit(late.pop(), key()[0], "a" * 64, 2)

    engine = FlowerEngine(seat.office)
    engine._control = control = Slow(admit)
    engine._superlink = _Up()  # type: ignore[assignment]
    ready = [engine.ready() for _ in range(3)]
    assert control.told == ["east", "north"]
    assert ready == [False, False, True]


class _Up:
    """A SuperLink that runs and answers."""

    process = 1

    def answers(self) -> bool:
        return True
