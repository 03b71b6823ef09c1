"""The loopback: every station is asked once, few work at once, and none works on after the end."""

from __future__ import annotations

import threading
import time

import pytest

from simulations.loopback import Loopback


def test_each_node_is_asked_its_own_request_and_its_reply_comes_back() -> None:
    stations = {name: lambda request, name=name: name.encode() + request for name in "abc"}
    with Loopback(stations, 2) as transport:
        assert sorted(transport.nodes()) == ["a", "b", "c"]
        for _ in range(2):
            replies = dict(transport.exchange({"a": b"1", "c": b"2"}))
            assert replies == {"a": b"a1", "c": b"c2"}
        assert list(transport.exchange({})) == []


def test_replies_come_as_stations_finish() -> None:
    slow_may_go = threading.Event()

    def slow(request: bytes) -> bytes:
        assert slow_may_go.wait(10)
        return request

    with Loopback({"slow": slow, "quick": lambda request: request}, 2) as transport:
        replies = transport.exchange({"slow": b"", "quick": b""})
        assert next(replies)[0] == "quick"
        slow_may_go.set()
        assert next(replies)[0] == "slow"


@pytest.mark.parametrize("n_threads", [1, 3])
def test_no_more_stations_work_at_once_than_there_are_threads(n_threads: int) -> None:
    lock, at_work, most = threading.Lock(), [0], [0]

    def station(request: bytes) -> bytes:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.01)
        with lock:
            at_work[0] -= 1
        return request

    names = [str(number) for number in range(12)]
    with Loopback(dict.fromkeys(names, station), n_threads) as transport:
        assert len(list(transport.exchange(dict.fromkeys(names, b"")))) == 12
    assert 1 <= most[0] <= n_threads


def test_after_an_interruption_in_mid_round_no_station_works_any_more() -> None:
    """What stations work on is closed next; nobody may touch it any more."""
    began, working = threading.Event(), threading.Event()

    def station(request: bytes) -> bytes:
        began.set()
        working.set()
        time.sleep(0.05)
        working.clear()
        return request

    names = ["quick", *(str(number) for number in range(20))]
    stations = dict.fromkeys(names, station) | {"quick": lambda request: request}
    interrupted = Loopback(stations, 2)
    replies = interrupted.exchange(dict.fromkeys(names, b""))
    next(replies)
    assert began.wait(10)
    interrupted.__exit__(KeyboardInterrupt, None, None)
    assert not working.is_set()
    time.sleep(0.1)
    assert not working.is_set(), "what was waiting is not begun either"
