"""``fedclaims-coordinator stream`` as people type it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.accounting.guarantee import Unit
from server.command import main
from server.deployment.configuration import Configuration, StreamPart, load_configuration
from server.deployment.place import alone
from server.deployment.stream import one_tick
from server.deployment.stream.costing import budget_told
from server.deployment.stream.deciding import PAUSED
from server.deployment.stream.timing import next_tick
from server.registry.registry import Registry
from server.registry.stream import Begun
from tests.server.deployment.coordinators import NAMES, Seat
from tests.server.deployment.rehearsed import hold
from tests.server.deployment.stream.streams import EVERY, NAME, SECTION, WINDOWED, Streamed, configured, streamed
from tests.server.deployment.stream.test_serving import Engine

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Streamed]:
    """A stream of six ticks, two of them paused; commands see its clock."""
    with streamed(tmp_path) as found:
        monkeypatch.setattr("server.deployment.opening.now", found.clock)
        found.tick(3)
        found.office.registry.streams.pause(found.clock())
        found.tick(2)
        found.office.registry.streams.resume()
        found.tick()
        yield found


def tell(stream: Streamed, capsys: Capsys, *words: str) -> Any:
    return stream.seat.tell(capsys, "stream", *words)


def test_status_tells_ticks_clusters_events_kept_ticks_and_what_it_costs(stream: Streamed, capsys: Capsys) -> None:
    found = tell(stream, capsys, "status")
    assert (found["stream"], found["every"], found["paused"]) == (NAME, EVERY, None)
    assert (found["last"]["tick"], found["last"]["outcome"], found["last"]["version"]) == (6, "published", 4)
    assert found["next"] == {"tick": 7, "closes": stream.clock() + EVERY}
    assert found["kept"] == {PAUSED: 2}
    assert {one["identity"] for one in found["clusters"]} == set(stream.state.identities)
    assert all(set(one) == {"identity", "count", "born", "quarantined", "pinned"} for one in found["clusters"])
    assert {one["change"] for one in found["events"]} == {"seeded"}
    assert (found["budget"]["epsilon"], found["budget"]["delta"], found["budget"]["unit"]) == (4.0, 1e-6, "claim")
    assert "one window alone" in found["budget"]["en"]
    assert "并行组合" in found["budget"]["zh"]
    assert main(["stream", "status", "--dir", str(stream.seat.root)]) == 0
    said = capsys.readouterr().out
    assert "Stream abab" in said
    assert f"kept the old model 2 times: {PAUSED}" in said
    assert "epsilon 4 at delta 1e-06" in said


def test_a_count_below_the_floor_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    with streamed(tmp_path, plan_text=f"smallest_cluster = 2000\n{WINDOWED}") as found:
        monkeypatch.setattr("server.deployment.opening.now", found.clock)
        found.tick()
        assert {one["count"] for one in tell(found, capsys, "status")["clusters"]} == {None}


def test_where_persons_are_protected_the_sentence_is_of_odometers(stream: Streamed) -> None:
    plan = stream.seat.plan
    assert plan.privacy is not None
    by_person = plan.privacy.model_copy(update={"unit": Unit.PERSON})
    found = budget_told(plan.model_copy(update={"privacy": by_person}))
    assert found is not None
    assert "odometer" in found["en"]
    assert "parallel" not in found["en"]


def test_pause_and_resume_are_told_and_may_be_said_twice(stream: Streamed, capsys: Capsys) -> None:
    first = tell(stream, capsys, "pause")
    stream.clock.now += 60
    assert tell(stream, capsys, "pause") == first
    assert tell(stream, capsys, "status")["paused"] == first["paused"]
    for _ in range(2):
        assert tell(stream, capsys, "resume")["paused"] is None
    assert tell(stream, capsys, "status")["paused"] is None


def test_pins_are_of_clusters_that_are_there(stream: Streamed, capsys: Capsys) -> None:
    identity = str(stream.state.identities[0])
    assert tell(stream, capsys, "pin", identity) == {"identity": int(identity), "pinned": True}
    assert tell(stream, capsys, "status")["wishes"]["pins"] == {identity: True}
    stream.tick()
    shown = tell(stream, capsys, "status")["clusters"]
    assert [str(one["identity"]) for one in shown if one["pinned"]] == [identity]
    assert tell(stream, capsys, "unpin", identity)["pinned"] is False
    assert main(["stream", "pin", "4711", "--dir", str(stream.seat.root)]) == 3
    assert "stream status" in capsys.readouterr().err


def test_a_wish_for_new_clusters_is_told_until_it_is_fulfilled(stream: Streamed, capsys: Capsys) -> None:
    assert tell(stream, capsys, "status")["wishes"]["reseed"] is False
    assert tell(stream, capsys, "reseed") == {"after_tick": 6}
    assert tell(stream, capsys, "status")["wishes"]["reseed"] is True
    stream.tick(2)
    assert tell(stream, capsys, "status")["wishes"]["reseed"] is False


def test_alarms_are_those_of_as_many_days_as_are_asked_for(stream: Streamed, capsys: Capsys) -> None:
    alerts = stream.office.registry.alerts
    held = {"id": "a", "tick": 6, "closes": stream.clock(), "en": "Something.", "zh": "有事。"}
    with alerts.database.writing() as connection:
        connection.exec_driver_sql("UPDATE facts SET held = '0' WHERE name = 'version looked at for alerts'")
    alerts.note(1, [held], stream.clock() - 2 * 86_400, posts=False)
    assert tell(stream, capsys, "alarms") == []
    assert tell(stream, capsys, "alarms", "--days", "3") == [held]
    assert tell(stream, capsys, "status")["alarms"] == []
    assert main(["stream", "alarms", "--days", "3", "--dir", str(stream.seat.root)]) == 0
    assert "有事" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status"], 3),
        (["pause"], 3),
        (["pin", "1"], 3),
        (["reseed"], 3),
        (["alarms"], 3),
        (["start"], 3),
        (["init"], 3),
    ],
)
def test_without_a_stream_the_text_says_how_to_begin_one(
    words: list[str], code: int, tmp_path: Path, capsys: Capsys
) -> None:
    seat = Seat(tmp_path / "c").begin()
    assert main(["stream", *words, "--dir", str(seat.root)]) == code
    said = capsys.readouterr().err
    assert "stream" in said or "the service does not start" in said


@pytest.mark.parametrize("words", [["pin"], ["pin", "0"], ["pin", "x"], ["alarms", "--days", "0"], [], ["nothing"]])
def test_words_that_mean_nothing_are_2(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["stream", *words, "--dir", str(tmp_path)])
    assert caught.value.code == 2


def test_a_stream_is_begun_once_under_a_name_of_its_own(tmp_path: Path, capsys: Capsys) -> None:
    seat = Seat(tmp_path / "c", WINDOWED).begin()
    configured(seat, SECTION)
    held = seat.tell(capsys, "stream", "init")
    assert (len(held["stream"]), held["first"] - held["began"]) == (32, EVERY)
    assert seat.tell(capsys, "stream", "status")["last"] is None
    assert main(["stream", "init", "--dir", str(seat.root)]) == 3
    other = Seat(tmp_path / "d", WINDOWED).begin()
    configured(other, SECTION)
    assert other.tell(capsys, "stream", "init", "--name", NAME)["stream"] == NAME


def test_a_plan_without_protection_begins_no_stream(tmp_path: Path, capsys: Capsys) -> None:
    seat = Seat(tmp_path / "c", 'clusters = 3\nexpected_units = 20000\nprotection = "none"\n').begin()
    configured(seat, SECTION)
    hold(seat, NAMES)
    assert main(["stream", "init", "--dir", str(seat.root)]) == 4
    assert "protected plan" in capsys.readouterr().err


@contextmanager
def _prepared(stream: Streamed) -> Iterator[Any]:
    with alone(stream.seat.place):
        yield stream.office


def test_one_tick_is_had_now_without_a_service(
    stream: Streamed, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tick, "prepared", lambda *_: _prepared(stream))
    monkeypatch.setattr(one_tick, "FlowerEngine", lambda _: Engine(stream))
    held = tell(stream, capsys, "start")
    assert (held["tick"], held["outcome"], held["version"]) == (7, "published", 5)
    begun = stream.office.registry.streams.begun()
    assert begun is not None
    assert next_tick(begun, 7, stream.clock()).closes == stream.clock() + EVERY
    stream.office.registry.streams.pause(stream.clock())
    assert main(["stream", "start", "--dir", str(stream.seat.root), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["reason"] == PAUSED
    assert PAUSED in json.loads(said.err)["text"]


def test_the_section_that_init_writes_is_what_counts_if_nothing_is_said(tmp_path: Path) -> None:
    seat = Seat(tmp_path / "c").begin()
    assert load_configuration(seat.place.configuration).stream is None
    text = seat.place.configuration.read_text()
    section = text[text.index("# [stream]") : text.index("[registry]")]
    seat.place.configuration.write_text(text.replace(section, re.sub(r"(?m)^# ", "", section)))
    found = load_configuration(seat.place.configuration).stream
    assert found is not None
    assert set(found.model_fields_set) == set(StreamPart.model_fields)
    alerts = {"alerts_webhook", "alerts_token_file", "alerts_roots_file"}
    assert found.model_dump(exclude=alerts) == StreamPart().model_dump(exclude=alerts)


@pytest.mark.parametrize(
    "section",
    [
        {"every": "30s"},
        {"every": 900},
        {"memory": 991},
        {"reseed": "always"},
        {"alerts_webhook": "http://alerts.example/"},
        {"alerts_webhook": "https://user:secret@alerts.example/"},
        {"alerts_webhook": "https://"},
        {"alerts_token_file": "token"},
        {"unknown": 1},
    ],
)
def test_a_section_that_cannot_be_kept_is_refused_and_its_secrets_are_not_shown(section: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        Configuration.model_validate({"name": "c", "host": "h", "stream": section})
    assert "secret" not in str(caught.value)


def findings(seat: Seat, capsys: Capsys) -> dict[str, str]:
    capsys.readouterr()
    main(["doctor", "--dir", str(seat.root), "--json"])
    found = {one["check"]: one["level"] for one in json.loads(capsys.readouterr().out)}
    return {check: level for check, level in found.items() if "stream" in check or check == "webhook"}


def test_doctor_looks_at_the_plan_and_the_bureaus_of_a_stream(tmp_path: Path, capsys: Capsys) -> None:
    seat = Seat(tmp_path / "c", WINDOWED).begin()
    assert findings(seat, capsys) == {}
    configured(seat, SECTION)
    hold(seat, NAMES)
    assert findings(seat, capsys) == {"stream": "warning", "stream's plan": "fine"}
    Registry(seat.office.registry.database).streams.begin(Begun(name=NAME, began=0, every=EVERY))
    assert findings(seat, capsys) == {"stream's plan": "fine"}
    for old, new, found in (
        ("clusters = 3", "min_cohort = 4\nclusters = 3", {"stream's bureaus": "warning"}),
        ("expected_units = 3000", "expected_units = 30", {"stream": "fault"}),
        ("epsilon = 4.0", 'protection = "none"', {"stream": "fault"}),
    ):
        seat.place.plan.write_text(WINDOWED.replace(old, new))
        assert findings(seat, capsys) == found
    assert main(["doctor", "--webhook", "--dir", str(seat.root), "--json"]) == 1
    assert '"check": "webhook"' in capsys.readouterr().out
