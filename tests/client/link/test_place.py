"""A link's directory: looking at it leaves nothing there, and never keeps the link from starting."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from client.link.place import LinkPlace, alone, is_running
from common.errors import EngineError


@pytest.fixture
def place(tmp_path: Path) -> LinkPlace:
    found = LinkPlace(tmp_path)
    found.lock.parent.mkdir(exist_ok=True, parents=True)
    return found


def test_looking_makes_no_lock_file(place: LinkPlace) -> None:
    assert not is_running(place)
    assert not place.lock.exists()


def test_a_link_that_runs_is_seen_and_no_second_one_starts(place: LinkPlace) -> None:
    with alone(place):
        assert is_running(place)
        with pytest.raises(EngineError, match="another process runs the link"), alone(place):
            pass
    assert not is_running(place)


def test_whoever_looks_all_the_time_keeps_no_link_from_starting(place: LinkPlace) -> None:
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            is_running(place)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            with alone(place):
                pass
    finally:
        ended.set()
        looking.join()
