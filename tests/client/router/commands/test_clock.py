"""What people type about a clock, about what a calibration left out, and to follow a stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.command import main
from client.router.desk import Desk
from client.router.router import Router, now
from client.router.store.wrong_clocks import declared
from tests.client.router.homes import Home, some_claims
from tests.client.router.reviewing.test_learning import keep_old, reviewed, without_findings
from tests.client.router.store.streaming import StreamHome
from tests.client.router.streams import IDENTITIES, STREAM, in_order, streamed

DAY = 86_400
Said = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


@pytest.fixture
def said(home: Home, capsys: pytest.CaptureFixture[str]) -> Said:
    def started(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        found, told = main([*words, "--dir", str(home.root)]), capsys.readouterr()
        assert found == code, told.err
        return told.err if code else told.out

    return started


def ahead(home: Home) -> None:
    """Something was decided while the clock was a year ahead."""
    with Router.open(home.root, clock=lambda: now() + 365 * DAY) as router:
        router.decide(some_claims(5))


def test_a_clock_that_is_right_is_said_to_be(said: Said) -> None:
    assert "not behind" in said("router", "clock")
    assert json.loads(said("router", "clock", "--json")) == {"behind_s": 0, "behind": False, "declared": []}
    assert "seconds behind" not in said("router", "report")


def test_the_clock_and_the_report_say_that_it_is_behind_and_who_declared_what(home: Home, said: Said) -> None:
    ahead(home)
    assert "seconds behind the latest decision, so no claim is FAST" in said("router", "clock")
    assert "seconds behind the latest decision" in said("router", "report")
    held = json.loads(said("router", "report", "--json"))["clock"]
    assert "seconds behind" in held["behind"]
    declaration = "seconds ahead by Li: set to next year by hand"
    told = said("router", "clock", "--declare-wrong", "--by", "Li", "--why", "set to next year by hand")
    assert "not behind" in told
    assert declaration in told
    for words in (("router", "clock"), ("router", "report")):
        assert declaration in said(*words)
    [one] = json.loads(said("router", "report", "--json"))["clock"]["declared"]
    assert (one["declared_by"], one["why"]) == ("Li", "set to next year by hand")


@pytest.mark.parametrize(
    "words",
    [("--declare-wrong",), ("--declare-wrong", "--by", "Li"), ("--declare-wrong", "--why", "x"), ("--by", "Li")],
)
def test_nothing_is_declared_silently(home: Home, said: Said, words: tuple[str, ...]) -> None:
    ahead(home)
    said("router", "clock", *words, code=3)
    with Desk.open(home.root) as desk:
        assert declared(desk.store.engine) == []


def test_a_calibration_says_how_many_verdicts_of_other_features_were_left_out(home: Home, said: Said) -> None:
    home.policy(min_reviewed=60)
    with home.open() as router:
        records = without_findings(list(router.decide(some_claims(400)).records))
        reviewed(router.desk, [json.loads(one)["decision_id"] for one in records])
    assert "left out" not in said("router", "calibrate")
    with Desk.open(home.root) as desk:
        reviewed(desk, keep_old(desk, records[:30]))
    assert "30 verdicts were left out: their claims were decided under other features" in said("router", "calibrate")
    assert json.loads(said("router", "calibrate", "--json"))["other_features"] == 30
    home.policy(min_reviewed=9_999)
    assert "30 verdicts were left out" in said("router", "calibrate")


def test_following_says_what_was_accepted_what_waits_and_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = StreamHome.begin(tmp_path / "stream")
    stream.accept(streamed(in_order(IDENTITIES)))
    words = ["model", "follow", "--dir", str(stream.home.root)]
    assert main(words) == 0
    assert "accept_stream_models in router.toml is false" in capsys.readouterr().out
    stream.home.policy(accept_stream_models=True)
    stream.receive(streamed(in_order(IDENTITIES), window=51))
    assert main(words) == 0
    assert "Model version 2 waits for a person: there are no canary claims" in capsys.readouterr().out
    assert main(["model", "list", "--dir", str(stream.home.root)]) == 0
    told = capsys.readouterr().out
    assert f"follows the stream {STREAM}" in told
    assert "Model version 2 waits for a person" in told
    stream.home.policy(max_canary_moves=1.0)
    stream.receive(streamed(in_order(IDENTITIES), window=52))
    assert main([*words, "--json"]) == 0
    held: Any = json.loads(capsys.readouterr().out)
    assert (held["accepted"], held["waiting"], held["pruned"]) == (3, None, 1)
    assert held["kept"] == {"in force": 1, "last accepted by a person": 1}
    assert main(["model", "list", "--json", "--dir", str(stream.home.root)]) == 0
    assert json.loads(capsys.readouterr().out)["stream"] == STREAM
