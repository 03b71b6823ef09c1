"""What people are told: once, in two languages, without a figure of any claim or bureau."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.errors import EngineError
from common.stream.alarms import Alarm, AlarmKind, alarms_of
from common.stream.state import StreamState
from server.deployment.stream import alerting
from server.deployment.stream.alerting import tell, told
from tests.server.deployment.stream.streams import NAME, Streamed, streamed

DRIFT, BIRTH = Alarm(window=1, kind=AlarmKind.DRIFT, size=9.25), Alarm(window=1, kind=AlarmKind.BIRTH, identity=7)
KEYS = {"id", "stream", "tick", "closes", "version", "kind", "identity", "others", "size", "en", "zh"}


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Streamed]:
    with streamed(tmp_path) as found:
        yield found


@pytest.fixture
def alarming(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, int]]:
    """Every model gives rise to two alarms; which pairs of windows were looked at."""
    seen = list[tuple[int | None, int]]()

    def found(before: StreamState | None, after: StreamState) -> tuple[Alarm, ...]:
        seen.append((None if before is None else before.window, after.window))
        return (DRIFT, BIRTH)

    monkeypatch.setattr(alerting, "alarms_of", found)
    return seen


def lines_of(stream: Streamed) -> list[dict[str, Any]]:
    path = stream.seat.root / "alerts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_each_model_is_looked_at_once_beside_the_one_before_it(
    stream: Streamed, alarming: list[tuple[int | None, int]]
) -> None:
    stream.tick(2)
    stream.office.registry.streams.pause(stream.clock())
    stream.tick()
    stream.office.registry.streams.resume()
    stream.tick()
    assert alarming == [(None, 1), (1, 2), (2, 4)]
    assert tell(stream.office) is False
    assert [(one["version"], one["kind"]) for one in lines_of(stream)] == [
        (version, kind) for version in (1, 2, 3) for kind in ("drift", "birth")
    ]


@pytest.mark.usefixtures("alarming")
def test_a_line_says_it_in_both_languages_and_nothing_of_claims_or_bureaus(stream: Streamed) -> None:
    stream.tick()
    for line in lines_of(stream):
        assert set(line) == KEYS
        assert line["en"].isascii()
        assert not line["zh"].isascii()
        assert not any(name in json.dumps(line) for name in stream.names)
    assert stat.S_IMODE((stream.seat.root / "alerts.jsonl").stat().st_mode) == 0o600


def test_every_kind_of_alarm_is_told_with_the_same_keys() -> None:
    for kind in AlarmKind:
        held = told(NAME, 3, 0, Alarm(window=2, kind=kind, identity=4, others=(5, 6), size=8.04), 900)
        assert set(held) == KEYS
        assert (held["id"], held["tick"], held["size"]) == (f"{NAME[:8]}-3-0", 2, 8.0)


def test_a_calm_stream_tells_nobody_of_anything(stream: Streamed) -> None:
    stream.tick(6)
    assert lines_of(stream) == []
    assert alarms_of(stream.state, stream.state) == ()


@pytest.mark.usefixtures("alarming")
def test_what_cannot_be_written_is_kept_and_written_later(stream: Streamed) -> None:
    (stream.seat.root / "alerts.jsonl").mkdir()
    with pytest.raises(EngineError, match="alerts cannot be written"):
        stream.tick()
    assert stream.told == [(1, "published", "")]
    (stream.seat.root / "alerts.jsonl").rmdir()
    assert tell(stream.office) is True
    assert [one["version"] for one in lines_of(stream)] == [1, 1]


@pytest.mark.usefixtures("alarming")
def test_a_line_that_a_power_cut_has_torn_is_told_again_whole(stream: Streamed) -> None:
    stream.tick()
    path = stream.seat.root / "alerts.jsonl"
    whole = path.read_text()
    path.write_text(whole[:-20])
    with stream.office.registry.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alerts SET written = NULL")
    tell(stream.office)
    lines = path.read_text().splitlines()
    assert lines[0] == whole.splitlines()[0]
    assert lines[-1] == whole.splitlines()[1]
    assert len(lines) == 3


def test_a_model_that_cannot_be_read_any_more_stops_nobody_from_being_told_of_the_others(
    stream: Streamed, alarming: list[tuple[int | None, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.tick(1)
    monkeypatch.setattr(alerting, "model_of", lambda _, __: (_ for _ in ()).throw(alerting.InputError("gone")))
    stream.tick(1)
    monkeypatch.undo()
    assert stream.office.registry.alerts.looked_at() == 2
    assert alarming == [(None, 1)]


def test_what_a_version_gives_rise_to_is_noted_once_whoever_tries(stream: Streamed) -> None:
    stream.tick()
    alerts = stream.office.registry.alerts
    for _ in range(2):
        alerts.note(1, [{"id": "again"}], stream.clock(), posts=True)
    alerts.note(2, [], stream.clock(), posts=True)
    assert (alerts.n_unposted(), alerts.looked_at()) == (0, 2)
