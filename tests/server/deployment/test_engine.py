"""The engine over a real SuperLink: one node that it does not take keeps nobody waiting, and a silence is an end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client.link.keys import node_pair
from server.deployment import flower_engine
from server.deployment.flower_engine import MOST_SILENT, NOT_TAKEN, FlowerEngine
from tests.server.deployment.coordinators import Seat

pytestmark = [pytest.mark.flower, pytest.mark.slow]
PATIENCE_S = 240.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FlowerEngine]:
    found = FlowerEngine(Seat(tmp_path / "c").begin().office)
    found.keep()
    yield found
    found.stop()


def awaited(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def told(engine: FlowerEngine) -> None:
    """After whoever was let in since was told of."""
    engine._told = None
    awaited(engine.ready)


def test_a_node_that_the_superlink_does_not_take_keeps_no_other_waiting_and_one_that_it_knows_is_taken_up(
    engine: FlowerEngine,
) -> None:
    nodes, keys = engine._office.registry.nodes, [node_pair().public.decode() for _ in range(3)]
    nodes.admit("north", keys[0], "0" * 64, 5)
    told(engine)
    (north,) = nodes.live()
    nodes.note_node(north.id, None)  # as if we were killed before we noted it, or the registry is an older copy
    told(engine)
    assert ([one.node for one in nodes.live()], engine.faults) == ([north.node], {})
    engine._control.unregister(north.node or "")  # as if it was revoked after the copy of the registry was made
    nodes.admit("south", keys[1], "0" * 64, 6)
    told(engine)
    assert engine.faults == {"north": NOT_TAKEN}
    assert [one.node is not None for one in nodes.live() if one.name == "south"] == [True]
    nodes.revoke("north", 7)
    nodes.admit("north", keys[2], "0" * 64, 8)
    told(engine)
    assert engine.faults == {}
    assert len({one.node for one in nodes.live()}) == 2


def test_a_superlink_that_hangs_is_ended_and_started_again(
    engine: FlowerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flower_engine, "HEALTH_EVERY_S", 0.0)
    awaited(engine.ready)
    first = engine.process
    assert first is not None
    assert [engine.keep() for _ in range(MOST_SILENT + 1)] == [False] * (MOST_SILENT + 1)
    os.kill(first, signal.SIGSTOP)
    awaited(engine.keep)
    monkeypatch.setattr(flower_engine, "HEALTH_EVERY_S", 15.0)
    awaited(lambda: (engine.keep(), engine.ready())[1])
    assert engine.process not in {None, first}
    assert engine.restarts == 1
