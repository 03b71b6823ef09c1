"""Shorter pauses, in exactly the places that were read; another Flower is not started."""

from __future__ import annotations

import inspect
import time
from types import ModuleType

import pytest
from flwr.superlink.grid import http_grid
from flwr.supernode import start_client_internal

from client.link.fitting import insist_known
from client.link.haste import REPLY_PAUSE_S, hasten_supernode
from common.errors import EngineError


def test_a_pause_is_capped_and_nothing_else_of_the_loop_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    loop = ModuleType("loop")
    vars(loop).update(time=time, pull_objects=lambda *_, **how: how, other=5)
    hasten_supernode(loop, 0.2)
    monkeypatch.setattr(time, "sleep", slept.append)
    for seconds in (3, 0.5, 0.01):
        loop.time.sleep(seconds)
    assert slept == [0.2, REPLY_PAUSE_S, 0.01]
    assert loop.pull_objects().keys() == {"initial_backoff", "backoff_cap"}
    assert loop.other == 5


def test_flower_has_what_is_made_faster() -> None:
    assert start_client_internal.time is time
    assert {"initial_backoff", "backoff_cap"} <= inspect.signature(start_client_internal.pull_objects).parameters.keys()
    pulling = getattr(http_grid.pull_objects, "func", http_grid.pull_objects)  # another test may have hastened it
    assert pulling.__name__ == "pull_objects"


@pytest.mark.parametrize("held", [{}, {"time": time}, {"pull_objects": print}])
def test_a_flower_that_has_changed_is_not_started(held: dict[str, object]) -> None:
    loop = ModuleType("loop")
    vars(loop).update(held)
    with pytest.raises(EngineError, match=r"^loop is not the one we know: install flwr 1\.41$"):
        hasten_supernode(loop, 0.2)


def test_the_installed_flower_has_every_place_at_which_something_of_ours_is_put() -> None:
    insist_known()
