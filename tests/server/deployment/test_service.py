"""The service: it outlives what fails for a while, loses no order, and lets a model arrive before it ends."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from common.messages import Published
from common.wire import decode
from server.command import main
from server.deployment import delivering
from server.deployment.commands import Control
from server.deployment.flower_engine import FlowerEngine
from server.deployment.recording import keep_cut
from server.deployment.service import Service
from server.deployment.stopping import Stop, order_stop, ordered_stop
from server.deployment.watching import DELIVERY_S, Watch
from server.registry.opening import RegistryError
from server.registry.run import Run, State, Taken, WantedBy
from server.registry.runs import Runs
from tests.server.deployment.coordinators import QUICK, Seat
from tests.server.deployment.rehearsed import Clock, InProcess, Rehearsed, rehearsed
from tests.server.registry.databases import model_of, signed_after

SOON_S = 20.0


@dataclass
class Idle:
    """An engine that runs nothing."""

    process: int | None = 1
    restarts: int = 0
    alive: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    launched: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def keep(self) -> bool:
        return False

    def stop(self) -> None:
        pass

    def ready(self) -> bool:
        return True

    def launch(self, run: Run) -> str:
        self.launched.append(run.number)
        return "1"

    def is_alive(self, _: Run) -> bool:
        return self.alive

    def end(self, run: Run) -> None:
        self.ended.append(run.number)


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path / "c").begin()


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsed]:
    with rehearsed(tmp_path, monkeypatch, QUICK) as found:
        yield found


def serving(seat: Seat, engine: Any) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=Service(seat.office, engine).serve, args=(stop,), daemon=True)
    thread.start()
    return thread, stop


def ends(thread: threading.Thread) -> bool:
    thread.join(SOON_S)
    return not thread.is_alive()


def failing_once(act: Callable[..., Any], error: Exception) -> tuple[Callable[..., Any], threading.Event]:
    """Fails the first time that it is called."""
    failed = threading.Event()

    def called(*given: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise error
        return act(*given)

    return called, failed


@pytest.mark.parametrize("error", [RegistryError("away"), OSError(28, "No space left on device")])
def test_what_fails_for_a_while_ends_no_service_and_loses_no_order(
    seat: Seat, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, failed = failing_once(Runs.under_way, error)
    order_stop(seat.place, Stop.AFTER_RUN)
    monkeypatch.setattr(Service, "_clean", lambda _: None)
    monkeypatch.setattr(Runs, "under_way", asked)
    thread, _ = serving(seat, Idle())
    assert ends(thread)
    assert failed.is_set()
    assert ordered_stop(seat.place) is None, "it was followed"


def test_an_order_to_stop_that_is_not_followed_yet_is_still_there_when_the_service_comes_back(seat: Seat) -> None:
    class Broken(Idle):
        def keep(self) -> bool:
            raise ZeroDivisionError

    order_stop(seat.place, Stop.AFTER_RUN)
    runs = seat.office.registry.runs
    run = runs.order(WantedBy.OPERATOR, 5)
    runs.start(run.number)
    service = Service(seat.office, Broken())  # type: ignore[arg-type]
    service._watch.clear = lambda: None  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        service.serve(threading.Event())
    assert ordered_stop(seat.place) is Stop.AFTER_RUN


@pytest.mark.parametrize("said", [b'{"success": true}', b"[]", b'{"success": true, "nodes": 1}', b"nonsense"])
def test_an_answer_of_flowers_in_another_form_is_an_error_that_a_service_outlives(
    seat: Seat, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ran:
        stdout = said

    monkeypatch.setattr("subprocess.run", lambda *_, **__: Ran())
    engine = FlowerEngine(seat.office)
    monkeypatch.setattr(engine._superlink, "_child", type("Up", (), {"pid": 1, "poll": lambda _: None})())
    engine._up = True
    seat.office.registry.nodes.admit("north", "key", "0" * 64, 5)
    assert engine.ready() is False


def test_a_full_disk_for_temporary_files_lets_no_node_in_and_ends_no_service(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    engine = FlowerEngine(seat.office)
    monkeypatch.setattr(engine._superlink, "_child", type("Up", (), {"pid": 1, "poll": lambda _: None})())
    engine._up = True
    monkeypatch.setattr(Control, "nodes", lambda _: frozenset())
    monkeypatch.setattr("tempfile.mkdtemp", full)
    seat.office.registry.nodes.admit("north", "key", "0" * 64, 5)
    assert engine.ready() is False


def test_a_stop_that_is_told_while_a_model_is_delivered_waits_for_it(seat: Seat) -> None:
    engine = Idle(alive=True)
    thread, _ = serving(seat, engine)
    run = published(seat, engine)
    order_stop(seat.place, Stop.AFTER_RUN)
    thread.join(2.0)
    assert thread.is_alive()
    engine.alive = False
    assert ends(thread)
    assert engine.ended == []
    assert seat.office.registry.runs.find(run) is not None


def published(seat: Seat, engine: Idle) -> int:
    """A run that was started by the service, and is done."""
    runs = seat.office.registry.runs
    run = runs.order(WantedBy.OPERATOR, 5)
    deadline = threading.Event()
    while run.number not in engine.launched:
        assert not deadline.wait(0.05)
    runs.claim(run.code, 1, 5)
    deadline.wait(0.8)  # the service sees it run
    runs.publish(run.number, signed_after(seat.office.registry.models.newest()), model_of(1), Taken(), 6)
    return run.number


def test_no_run_starts_while_the_one_before_delivers_and_one_that_delivers_for_ever_is_ended(seat: Seat) -> None:
    engine, clock, runs = Idle(alive=True), Clock(), seat.office.registry.runs
    watch = Watch(seat.office, engine, clock)
    first = runs.order(WantedBy.OPERATOR, 5)
    watch.look()
    runs.claim(first.code, 1, 5)
    watch.look()
    runs.publish(first.number, signed_after(None), model_of(1), Taken(), 6)
    second = runs.order(WantedBy.OPERATOR, 7)
    watch.look()
    assert engine.launched == [first.number]
    clock.now += seat.office.configuration.run.replies + DELIVERY_S + 1
    watch.look()
    assert engine.ended == [first.number]
    engine.alive = False
    watch.look()
    assert engine.launched == [first.number, second.number]


def test_a_clock_that_is_put_forward_ends_no_run(three: Rehearsed) -> None:
    engine = InProcess(three)
    engine.launch = lambda _: "0"  # type: ignore[method-assign]
    watch, runs = Watch(three.office, engine), three.office.registry.runs
    run = runs.order(WantedBy.OPERATOR, three.clock())
    watch.look()
    runs.claim(run.code, 1, three.clock())
    three.clock.now += 10**8
    watch.look()
    assert three.found(run).state is State.RUNNING


def test_a_model_whose_delivery_was_cut_off_is_brought_by_the_next_run_first(
    three: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(delivering, "deliver", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            three.conduct(three.ordered())
    models = three.office.registry.models
    assert (models.delivered(), getattr(models.newest(), "version", None)) == (0, 1)
    heard = list[object]()
    name, answer = next(iter(three.transport.stations.items()))
    hear = lambda request: (heard.append(decode(request)), answer(request))[1]  # noqa: E731
    three.transport.stations = dict(three.transport.stations) | {name: hear}
    for version in (2, 3):
        three.conduct(three.ordered())
        assert models.delivered() == version
    assert isinstance(heard[0], Published)
    brought = [one.publication for one in heard if isinstance(one, Published)]
    assert len(brought) == 3, "what was delivered is not delivered again"


def test_what_a_killed_process_wrote_of_a_transcript_is_kept_and_noted_as_cut_off(seat: Seat) -> None:
    runs, session = seat.office.registry.runs, "ab" * 16
    run = runs.order(WantedBy.OPERATOR, 5)
    runs.start(run.number)
    runs.note(run.number, session=session)
    for name in (session, "cd" * 16):
        (seat.place.transcripts / f"{name}.part").write_bytes(b"evidence")
    keep_cut(seat.office)
    kept = runs.transcript(run.number)
    assert kept is not None
    assert (kept.path, kept.bytes, kept.sha256) == (f"{session}.cut", 8, hashlib.sha256(b"evidence").hexdigest())
    assert sorted(path.suffix for path in seat.place.transcripts.iterdir()) == [".cut", ".cut"]
    keep_cut(seat.office)
    assert runs.transcript(run.number) == kept


def test_doctor_and_service_are_run_by_whom_the_directory_belongs_to(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000)
    for command in ("doctor", "start"):
        assert main([command, "--dir", str(seat.root)]) == 3
        said = capsys.readouterr()
        assert "sudo -u" in said.err
        assert "chown" not in said.out + said.err
