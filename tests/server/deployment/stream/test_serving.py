"""The real service over stations of this process: it follows a stream by itself, and tells people."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from common.stream.alarms import Alarm, AlarmKind
from server.deployment.service import Service
from server.deployment.stopping import Stop, order_stop
from server.deployment.stream import alerting
from server.registry.run import UNDER_WAY
from tests.server.deployment.rehearsed import InProcess
from tests.server.deployment.stream.streams import EVERY, Streamed, streamed

SOON_S = 60.0


@dataclass
class Engine(InProcess):
    """Runs at once, where it stands; and everything else that the service asks of Flower."""

    process: int | None = 1
    restarts: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    n_looks: int = 0

    def keep(self) -> bool:
        self.n_looks += 1
        return False

    def stop(self) -> None:
        pass


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def served(stream: Streamed, n_ticks: int) -> None:
    """The service runs while so many ticks come; then it is told to end."""
    engine = Engine(stream)
    service = Service(stream.office, engine)  # type: ignore[arg-type]
    thread = threading.Thread(target=service.serve, args=(threading.Event(),), daemon=True)
    thread.start()
    until(lambda: engine.n_looks > 1, "the service has looked once")
    for _ in range(n_ticks):
        n_before = len(stream.ticks)
        stream.bureaus.arrive(stream.clock() + 1)
        stream.clock.now += EVERY
        until(lambda n_before=n_before: len(stream.ticks) > n_before, "the tick comes")  # type: ignore[misc]
        until(stream.is_over, "its run is closed")
    order_stop(stream.seat.place, Stop.AFTER_RUN)
    thread.join(SOON_S)
    assert not thread.is_alive()


def test_the_service_follows_a_stream_for_five_ticks_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = Alarm(window=1, kind=AlarmKind.DRIFT, size=9.0)
    monkeypatch.setattr(alerting, "alarms_of", lambda _, __: (alarm,))
    with streamed(tmp_path, pools=True) as stream:
        served(stream, 5)
        assert stream.told == [(number, "published", "") for number in range(1, 6)]
        assert [stream.bureaus.entered(name) for name in stream.names] == [[(n, 1000) for n in range(1, 6)]] * 3
        lines = (stream.seat.root / "alerts.jsonl").read_text().splitlines()
        assert [json.loads(one)["version"] for one in lines] == [1, 2, 3, 4, 5]
        assert stream.office.registry.models.delivered() == 5


def test_a_service_that_comes_back_goes_on_from_the_newest_model_and_says_what_it_missed(tmp_path: Path) -> None:
    with streamed(tmp_path, pools=True) as stream:
        served(stream, 2)
        stream.clock.now += 3 * EVERY
        served(stream, 1)
        assert [(one.since, one.number, str(one.outcome)) for one in stream.ticks] == [
            *((1, 1, "published"), (2, 2, "published")),
            # the service looks at once when it comes back, and time goes on only then
            *((3, 4, "kept"), (5, 5, "published"), (6, 6, "published")),
        ]
        assert stream.state.window == 6


def test_a_stream_that_cannot_be_looked_at_does_not_keep_the_service_from_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.deployment.service.follow", broken)
    with streamed(tmp_path) as stream:
        run = stream.ordered()
        stream.office.registry.runs.close(run.number, run.state.FAILED, "over", stream.clock())
        waiting = stream.office.registry.runs.order(run.wanted_by, stream.clock())
        service = Service(stream.office, Engine(stream))  # type: ignore[arg-type]
        service._step()
        assert stream.found(waiting).state not in {*UNDER_WAY, "ordered"}
