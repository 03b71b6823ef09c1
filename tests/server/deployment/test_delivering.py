"""Delivering without a run: to whom it is missing and to nobody else, once, and with an outcome whatever happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.deployment.arrivals import Arrivals
from client.station import Station
from common.errors import EngineError
from common.wire import decode
from server.command import main
from server.deployment.binding import BoundTransport
from server.deployment.commands import Control
from server.deployment.delivering import delivered, missing, order_delivery
from server.deployment.place import alone
from server.registry.run import State
from simulations.consortium import simulated_consortium
from tests.parties import OPEN, bureau_rows, store_of
from tests.server.deployment.coordinators import QUICK
from tests.server.deployment.rehearsed import Flapping, Rehearsed, rehearsed


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsed]:
    """After a run whose model came to nobody: the stations of a simulation keep none."""
    with rehearsed(tmp_path, monkeypatch, QUICK) as found:
        run = found.ordered()
        found.conduct(run)
        assert found.found(run).state is State.DONE
        yield found


@pytest.fixture
def keeping(three: Rehearsed, tmp_path: Path) -> Flapping:
    """Stations that keep what they are brought, each in a directory of its name."""
    roster, store = simulated_consortium(three.names).roster, store_of(bureau_rows(1))
    shelves = {name: Arrivals(tmp_path / name, roster, three.clock).keep for name in three.names}
    stations = {name: Station(name, OPEN, lambda _: store, shelve=keep).answer for name, keep in shelves.items()}
    return Flapping(stations)


def deliver(three: Rehearsed, stations: Flapping, code: str) -> bool:
    def connect(bureaus: frozenset[str]) -> BoundTransport:
        return BoundTransport(stations, lambda found: {one: one for one in found if one in bureaus})

    return delivered(three.office, code, connect)


def launched(three: Rehearsed, version: int = 1) -> str:
    """The code under which a delivery waits."""
    with alone(three.seat.place):
        return order_delivery(three.office, version, lambda _: None)


def test_a_version_comes_to_whom_it_is_missing_and_nobody_is_asked_again(
    three: Rehearsed, keeping: Flapping, tmp_path: Path
) -> None:
    first, *others = three.names
    assert missing(three.office, 1) == list(three.names)
    keeping.absent.add(first)
    assert deliver(three, keeping, launched(three))
    assert missing(three.office, 1) == [first]
    found = three.office.registry.models.delivery()
    assert found is not None
    assert (found.ended, found.reason, found.said) == (True, "", ("received",) * len(others))
    keeping.absent.clear()
    asked: list[str] = []
    answers = dict(keeping.stations)
    keeping.stations = {
        name: lambda request, name=name: asked.append(name) or answers[name](request)  # type: ignore[misc]
        for name in three.names
    }
    assert deliver(three, keeping, launched(three))
    assert asked == [first]
    assert missing(three.office, 1) == []
    kept = three.office.registry.models.find(1)
    assert kept is not None
    for name in three.names:
        (model,) = (tmp_path / name).glob("1-*/model.json")
        assert model.read_bytes() == kept.model


def test_whoever_refuses_has_not_confirmed(three: Rehearsed) -> None:
    assert deliver(three, three.transport, launched(three))
    found = three.office.registry.models.delivery()
    assert found is not None
    assert set(found.said) == {"policy"}
    assert missing(three.office, 1) == list(three.names)


def test_a_delivery_is_done_once_and_no_other_code_is_one(three: Rehearsed, keeping: Flapping) -> None:
    code = launched(three)
    for other in ("", "nonsense", three.ordered().code):
        assert not deliver(three, keeping, other)
    assert missing(three.office, 1) == list(three.names)
    assert deliver(three, keeping, code)
    assert not deliver(three, keeping, code)


def test_what_a_run_has_brought_is_confirmed(three: Rehearsed, keeping: Flapping) -> None:
    stations = dict(three.transport.stations)
    three.transport.stations = {
        name: lambda request, name=name: (  # type: ignore[misc]
            keeping.stations[name] if decode(request).kind == "published" else stations[name]
        )(request)
        for name in three.names
    }
    run = three.ordered()
    three.conduct(run)
    assert three.found(run).model == 2
    assert missing(three.office, 2) == []
    assert missing(three.office, 1) == list(three.names)


def test_a_failure_inside_is_told_to_whoever_waits(three: Rehearsed) -> None:
    def broken(_: frozenset[str]) -> Any:
        raise ZeroDivisionError

    assert delivered(three.office, launched(three), broken)
    found = three.office.registry.models.delivery()
    assert found is not None
    assert found.ended
    assert "ZeroDivisionError" in found.reason


def test_the_command_delivers_and_tells_who_is_left(
    three: Rehearsed, keeping: Flapping, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("server.deployment.opening.now", three.clock)
    monkeypatch.setattr(Control, "run", lambda _, code: str(deliver(three, keeping, code)))
    words = ["models", "deliver", "1", "--dir", str(three.seat.root), "--json"]
    assert main(words) == 7
    assert "service" in json.loads(capsys.readouterr().err)["text"]
    with alone(three.seat.place):
        keeping.absent.add(three.names[0])
        assert main(words) == 1
        said = capsys.readouterr()
        assert json.loads(said.out)["missing"] == [three.names[0]]
        assert "send it as files" in json.loads(said.err)["text"]
        keeping.absent.clear()
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out)["confirmed"] == list(three.names)
        assert main([*words[:2], "7", *words[3:]]) == 3
        assert "no model of version 7" in json.loads(capsys.readouterr().err)["text"]
        run = three.ordered()
        assert main([*words[:2], "1", *words[3:]]) == 0, "nobody is left, so no process is needed"
        with pytest.raises(EngineError, match=f"run {run.number} is under way"):
            order_delivery(three.office, 1, lambda _: None)
