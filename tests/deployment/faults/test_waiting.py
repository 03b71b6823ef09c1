"""A station that is just starting again: its courier waits for it, a moment, and asks the same."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.service import StationLink, serve_station
from common.errors import EngineError

STARTS_S = 1.5


@pytest.fixture
def door() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fcw") as directory:
        yield Path(directory) / "s.sock"


def test_a_station_that_comes_back_in_time_is_asked_the_same_and_answers(door: Path) -> None:
    asked, over = list[bytes](), threading.Event()

    def answer(request: bytes) -> bytes:
        asked.append(request)
        return b"answer"

    def starting() -> None:
        time.sleep(STARTS_S)
        with serve_station(answer, door):
            over.wait()

    station = threading.Thread(target=starting)
    station.start()
    try:
        with StationLink(door, 60.0, silent_s=30.0) as link:
            assert link.answer(b"ask") == b"answer"
    finally:
        over.set()
        station.join()
    assert asked == [b"ask"]


@pytest.mark.parametrize(("timeout_s", "silent_s"), [(60.0, 1.0), (1.0, 60.0), (60.0, 0.0)])
def test_a_station_that_does_not_come_back_in_time_is_given_up(door: Path, timeout_s: float, silent_s: float) -> None:
    with StationLink(door, timeout_s, silent_s=silent_s) as link, pytest.raises(EngineError, match="UNAVAILABLE"):
        link.answer(b"ask")


def test_a_station_that_answers_with_another_code_is_not_asked_again(door: Path) -> None:
    asked = list[bytes]()

    def fails(request: bytes) -> bytes:
        asked.append(request)
        raise ValueError

    with (
        serve_station(fails, door),
        StationLink(door, 60.0, silent_s=30.0) as link,
        pytest.raises(EngineError, match="INTERNAL"),
    ):
        link.answer(b"ask")
    assert asked == [b"ask"]
