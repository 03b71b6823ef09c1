"""A SuperNode that follows a killed one: it signs that one off, and nobody else."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from client.link.internals import fleet_module, goodbye_of
from client.link.returning import insist_signs_on, return_at_once
from common.errors import EngineError

REFUSED = httpx.HTTPStatusError("no", request=httpx.Request("POST", "https://x"), response=httpx.Response(400))


class Fleet:
    """Takes down what is asked; a node that is not there cannot be signed off."""

    online = frozenset({7})

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []

    def ActivateNode(self, request: object) -> object:  # noqa: N802
        self.asked.append(("on", request))
        return SimpleNamespace(node_id=7)

    def DeactivateNode(self, request: int) -> None:  # noqa: N802
        self.asked.append(("off", request))
        if request not in self.online:
            raise REFUSED


def returning(kept: Path) -> Any:
    module = ModuleType("connection")
    vars(module)["FleetHttpClient"] = Fleet
    return_at_once(module, lambda node: node, kept)
    return vars(module)["FleetHttpClient"]()


def test_the_first_one_signs_nobody_off_and_keeps_its_number(tmp_path: Path) -> None:
    client = returning(tmp_path / "node")
    client.ActivateNode("request")
    assert client.asked == [("on", "request")]
    assert (tmp_path / "node").read_text() == "7\n"


@pytest.mark.parametrize("last", [7, 8])
def test_the_next_one_signs_its_predecessor_off_first_also_if_it_is_gone_already(tmp_path: Path, last: int) -> None:
    (tmp_path / "node").write_text(f"{last}\n")
    client = returning(tmp_path / "node")
    client.ActivateNode("request")
    assert client.asked == [("off", last), ("on", "request")]


def test_a_number_that_cannot_be_read_signs_nobody_off(tmp_path: Path) -> None:
    (tmp_path / "node").write_text("x")
    client = returning(tmp_path / "node")
    client.ActivateNode("request")
    assert client.asked == [("on", "request")]


def test_the_installed_flower_signs_on_and_off_as_we_know_it() -> None:
    insist_signs_on(fleet_module())
    assert goodbye_of(7).node_id == 7  # type: ignore[attr-defined]  # a message of Flower's


@pytest.mark.parametrize("held", [{}, {"FleetHttpClient": print}, {"FleetHttpClient": object}])
def test_a_flower_that_has_changed_is_not_started(tmp_path: Path, held: dict[str, object]) -> None:
    module = ModuleType("connection")
    vars(module).update(held)
    with pytest.raises(EngineError, match="is not the one we know"):
        return_at_once(module, goodbye_of, tmp_path / "node")
