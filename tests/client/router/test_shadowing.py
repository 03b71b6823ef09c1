"""A shadow that is missing, broken or raises: decisions go on, and it is told that none runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from client.command import main
from client.router.deciding.lanes import Lane
from client.router.lone.claim import lone_claim
from client.router.router import Router
from tests.client.router.homes import Home, some_claims
from tests.client.router.routed import claim
from tests.client.router.store.test_router import stage_shadow
from tests.client.tables import wide_row, write_csv


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "router").begin().accept()
    stage_shadow(found)
    return found


def folder_of_shadow(home: Home) -> Path:
    (found,) = home.place.models.glob("2-*")
    return found


def decided(router: Router) -> None:
    """In a batch, in overlapping batches, and alone."""
    assert len(router.decide(some_claims(10, seed=1)).lanes) == 10
    batches = [some_claims(10, seed=2), some_claims(10, seed=3)]
    assert [len(answers.lanes) for _, answers in router.decide_all(batches)] == [10, 10]
    assert router.decide_one(lone_claim(claim(1), 1, refused=False)).lane in {str(one) for one in Lane}
    assert sum(router.desk.store.decisions.counts().values()) == 31


@pytest.mark.parametrize("damage", ["missing", "damaged", "changed"])
def test_a_shadow_that_cannot_be_loaded_stops_no_decision(
    home: Home, damage: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    folder = folder_of_shadow(home)
    if damage == "missing":
        shutil.rmtree(folder)
    else:
        held = (folder / "model.json").read_bytes()
        (folder / "model.json").write_bytes(b"{" if damage == "damaged" else held + b" ")
    with home.open() as router:
        decided(router)
        router.swap()
        assert router.shadow_fault
    assert "shadow not running" in caplog.text
    source = write_csv(tmp_path / "claims.csv", [wide_row(1)])
    for words in (["route", str(source), "--out", str(tmp_path / "out.csv")], ["model", "list"]):
        assert main([*words, "--dir", str(home.root)]) == 0
        assert "Shadow not running: " in capsys.readouterr().out


@pytest.mark.parametrize("error", [ValueError("S1"), MemoryError(), ZeroDivisionError()])
def test_a_shadow_that_raises_while_it_decides_ends_and_decisions_go_on(
    home: Home, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def raises(*_: object) -> None:
        raise error

    with home.open() as router:
        assert router._shadow is not None
        assert router._shadow._bench is not None
        object.__setattr__(router._shadow._bench, "decide", raises)
        decided(router)
        assert router.shadow_fault == type(error).__name__
        assert router._shadow.model_sha256 is None
        assert caplog.text.count("shadow not running") == 1
        router.swap()
        assert router.shadow_fault == ""


def test_a_shadow_that_raises_over_a_claim_alone_ends_and_the_claim_is_decided(home: Home) -> None:
    with home.open() as router:
        assert router._shadow is not None
        assert router._shadow._bench is not None
        router._shadow._bench.lone._row = lambda _: np.zeros((1, 1), np.float32)  # type: ignore[method-assign]
        decided_alone = router.decide_one(lone_claim(claim(1), 1, refused=False))
        assert decided_alone.decision_id
        assert router.shadow_fault


def test_a_shadow_that_runs_is_counted_and_has_no_fault(home: Home) -> None:
    with home.open() as router:
        decided(router)
        assert router.shadow_fault == ""
        assert router._shadow is not None
        assert router._shadow.model_sha256 is not None
        assert sum(router.desk.store.decisions.shadowed(router._shadow.model_sha256).values()) == 31
