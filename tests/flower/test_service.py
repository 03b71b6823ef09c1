import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from client import service
from client.service import MAX_WAITING, METHOD, SERVICE, StationLink, serve_station
from common import wire
from common.errors import EngineError

PLANTED = "NAME=Jane Doe"


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fc-") as directory:  # short: paths of sockets are
        yield Path(directory) / "s.sock"


def fails(_: bytes) -> bytes:
    raise ValueError(PLANTED)


def test_bytes_go_in_and_bytes_come_out(socket: Path) -> None:
    with serve_station(lambda request: request[::-1], socket), StationLink(socket, 5.0) as link:
        assert link.answer(b"abc") == b"cba"
        assert link.answer(b"") == b""


def test_an_exceptions_text_stays_inside(socket: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serve_station(fails, socket), grpc.insecure_channel(f"unix:{socket}") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{SERVICE}/{METHOD}")(b"", timeout=5.0)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "Jane" not in repr(caught.value) + caught.value.debug_error_string() + caplog.text
        assert caught.value.details() == ""


def test_the_link_tells_a_code_and_nothing_else(socket: Path) -> None:
    with serve_station(fails, socket), StationLink(socket, 5.0) as link:
        with pytest.raises(EngineError, match=r"^the station gave no answer: INTERNAL$") as caught:
            link.answer(b"")
        assert caught.value.__cause__ is None


def test_a_request_beyond_the_limit_never_reaches_the_station(socket: Path) -> None:
    seen: list[int] = []

    def answer(request: bytes) -> bytes:
        seen.append(len(request))
        return b"ok"

    with serve_station(answer, socket, max_bytes=1000), StationLink(socket, 5.0, max_bytes=10_000) as link:
        assert link.answer(bytes(900)) == b"ok"
        with pytest.raises(EngineError, match="RESOURCE_EXHAUSTED"):
            link.answer(bytes(1100))
        assert seen == [900]


def test_an_answer_beyond_the_limit_is_refused(socket: Path) -> None:
    with (
        serve_station(lambda _: bytes(1100), socket, max_bytes=1000),
        StationLink(socket, 5.0) as link,
        pytest.raises(EngineError, match="RESOURCE_EXHAUSTED"),
    ):
        link.answer(b"")


def test_the_link_refuses_an_answer_beyond_its_own_limit(socket: Path) -> None:
    with (
        serve_station(lambda _: bytes(1100), socket),
        StationLink(socket, 5.0, max_bytes=1000) as link,
        pytest.raises(EngineError, match="RESOURCE_EXHAUSTED"),
    ):
        link.answer(b"")


def test_the_limit_is_the_protocols() -> None:
    assert service.MAX_BYTES == wire.MAX_BYTES


def test_only_its_user_and_group_reach_the_socket_and_nothing_of_it_stays(socket: Path) -> None:
    with serve_station(bytes, socket):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o660
    assert not socket.exists()


def test_a_station_answers_one_request_after_another(socket: Path) -> None:
    at_work, most = 0, 0

    def answer(request: bytes) -> bytes:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.05)
        at_work -= 1
        return request

    with serve_station(answer, socket), StationLink(socket, 5.0) as link, ThreadPoolExecutor(MAX_WAITING) as pool:
        assert sorted(pool.map(link.answer, [b"1", b"2", b"3"])) == [b"1", b"2", b"3"]
    assert most == 1


def test_a_flood_of_requests_is_turned_away(socket: Path) -> None:
    blocked = threading.Event()

    def answer(_: bytes) -> bytes:
        blocked.wait(5.0)
        return b""

    def outcome(link: StationLink) -> str:
        try:
            link.answer(b"")
        except EngineError as error:
            return str(error)
        return "answered"

    n_requests = MAX_WAITING + 3
    with serve_station(answer, socket), StationLink(socket, 5.0) as link, ThreadPoolExecutor(n_requests) as pool:
        waiting = [pool.submit(outcome, link) for _ in range(n_requests)]
        while sum(one.done() for one in waiting) < 3:
            time.sleep(0.01)
        blocked.set()
        found = [one.result() for one in waiting]
    assert found.count("answered") == MAX_WAITING
    assert sum("RESOURCE_EXHAUSTED" in one for one in found) == 3


def test_a_station_that_is_not_there_is_an_error_at_once(socket: Path) -> None:
    began = time.monotonic()
    with StationLink(socket, 60.0) as link, pytest.raises(EngineError, match="UNAVAILABLE"):
        link.answer(b"")
    assert time.monotonic() - began < 30.0


def test_a_station_that_takes_too_long_is_an_error(socket: Path) -> None:
    done = threading.Event()

    def answer(_: bytes) -> bytes:
        done.wait(5.0)
        return b""

    with serve_station(answer, socket), StationLink(socket, 0.1) as link:
        with pytest.raises(EngineError, match="DEADLINE_EXCEEDED"):
            link.answer(b"")
        done.set()


def test_there_is_no_other_method(socket: Path) -> None:
    with serve_station(bytes, socket), grpc.insecure_channel(f"unix:{socket}") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{SERVICE}/Other")(b"", timeout=5.0)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_socket_in_no_directory_is_an_error_that_says_so() -> None:
    with pytest.raises(EngineError, match="exists and is writable"), serve_station(bytes, Path("/no/such/s.sock")):
        pass


def test_a_path_too_long_for_a_socket_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="100 bytes"), serve_station(bytes, tmp_path / ("x" * 101)):
        pass
