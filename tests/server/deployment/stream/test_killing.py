"""Killing the coordinator at every point of a tick: nothing changes but that tick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partialmethod
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from common.stream.alarms import Alarm, AlarmKind
from server.deployment.recording import keep_cut
from server.deployment.stream import alerting
from server.deployment.watching import LEFT_OPEN, Watch
from server.registry.opening import Database
from tests.server.deployment.rehearsed import InProcess
from tests.server.deployment.stream.streams import EVERY, Streamed, streamed

writing = Database.writing


class Killed(BaseException):
    """What SIGKILL is to a test."""


@dataclass
class Killer:
    """Ends everything at one write to the registry: before it, or once it is on the disk."""

    place: int | None = None
    after: bool = False
    n_writes: int = 0
    fired: bool = field(default=False)

    def arm(self, place: int, *, after: bool) -> None:
        self.place, self.after, self.n_writes, self.fired = place, after, 0, False

    @contextmanager
    def writing(self, database: Database) -> Iterator[Connection]:
        self.n_writes += 1
        here = self.n_writes == self.place
        if here and not self.after:
            self._fire()
        try:
            with writing(database) as connection:
                yield connection
        finally:
            if here and self.place is not None:
                self._fire()

    def _fire(self) -> None:
        self.place, self.fired = None, True
        raise Killed


def _through(database: Database, killer: Killer) -> AbstractContextManager[Connection]:
    return killer.writing(database)


@pytest.fixture
def killer(monkeypatch: pytest.MonkeyPatch) -> Killer:
    found = Killer()
    monkeypatch.setattr(Database, "writing", partialmethod(_through, found))
    return found


def come_back(stream: Streamed) -> None:
    """The service is started again at the same moment, and looks."""
    Watch(stream.office, InProcess(stream)).clear()
    keep_cut(stream.office)
    stream.look()


def writes_of_a_tick(root: Path, killer: Killer) -> int:
    with streamed(root) as stream:
        stream.tick(2)
        killer.n_writes = 0
        stream.tick()
        return killer.n_writes


def test_killing_the_coordinator_at_any_tick_changes_nothing_but_that_tick(tmp_path: Path, killer: Killer) -> None:
    n_writes = writes_of_a_tick(tmp_path / "counted", killer)
    assert n_writes > 5
    points = [(place, after) for place in range(1, n_writes + 1) for after in (False, True)]
    with streamed(tmp_path / "killed") as stream:
        for place, after in [*points, (10**6, False)]:
            killer.arm(place, after=after)
            stream.clock.now += EVERY
            try:
                stream.look()
            except Killed:
                come_back(stream)
            assert killer.fired is (place <= n_writes)
            assert [one.number for one in stream.ticks] == list(range(1, len(stream.ticks) + 1))
        told, states = stream.told, stream.states
    killed = [number for number, outcome, _ in told if outcome == "kept"]
    assert {reason for _, outcome, reason in told if outcome == "kept"} == {LEFT_OPEN}
    assert len(killed) > 4
    assert len(states) + len(killed) == len(told) == len(points) + 1
    with streamed(tmp_path / "undisturbed") as stream:
        streams = stream.office.registry.streams
        for number in range(1, len(told) + 1):
            if number in killed:
                streams.pause(stream.clock())
            else:
                streams.resume()
            stream.tick()
        assert stream.states == states


def test_the_same_test_would_notice_noise_of_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for name in ("one", "other"):
        monkeypatch.setattr(
            Streamed, "seed_bytes", lambda _, __, length, name=name: name.encode().ljust(length)[:length]
        )
        with streamed(tmp_path / name) as stream:
            stream.tick(2)
            states.append(stream.states)
    assert states[0].keys() == states[1].keys()
    assert states[0] != states[1]


def test_an_alert_stands_in_the_file_once_wherever_a_kill_was(
    tmp_path: Path, killer: Killer, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = (Alarm(window=1, kind=AlarmKind.DRIFT, size=9.0), Alarm(window=1, kind=AlarmKind.BIRTH, identity=7))
    monkeypatch.setattr(alerting, "alarms_of", lambda _, __: both)
    with streamed(tmp_path) as stream:
        for place in range(1, 30):
            killer.arm(place, after=place % 2 == 0)
            stream.clock.now += EVERY
            try:
                stream.look()
            except Killed:
                come_back(stream)
        lines = (stream.seat.root / "alerts.jsonl").read_text().splitlines()
        assert len(lines) == len(set(lines)) == 2 * len(stream.states)
