"""Batch after batch: one is written while the next is being decided, and no guarantee is weaker for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.router.answers import Answers
from client.router.claims import RoutedClaims
from client.router.router import Router
from client.router.store.decisions import DecisionStore
from client.router.store.opening import StoreError
from client.router.store.store import Store
from tests.client.router.homes import BEGUN, Home, some_claims

SLOWLY_S = 0.2
add = DecisionStore.add


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


def opened(home: Home) -> Router:
    return Router.open(home.root, clock=lambda: BEGUN)


def pieces(*sizes: int) -> list[RoutedClaims]:
    claims, edges = some_claims(sum(sizes)), np.cumsum([0, *sizes])
    return [claims.select(np.arange(start, end)) for start, end in pairwise(edges)]


def repeating(claims: RoutedClaims, name: str) -> RoutedClaims:
    """The same claims under other keys, which rules find if they remember the first."""
    return replace(claims, claim_keys=tuple(f"{name}-{key}" for key in claims.claim_keys))


def before_adding(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    def adds(store: DecisionStore, *given: Any) -> None:
        happens()
        add(store, *given)

    monkeypatch.setattr(DecisionStore, "add", adds)


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    before_adding(monkeypatch, lambda: time.sleep(SLOWLY_S))


def failing_at(monkeypatch: pytest.MonkeyPatch, turn: int) -> None:
    turns = iter(range(1, 100))

    def fails() -> None:
        if next(turns) == turn:
            time.sleep(SLOWLY_S)  # the next batch is decided meanwhile
            raise StoreError("the disk is full")

    before_adding(monkeypatch, fails)


def told(answers: Answers) -> tuple[list[str], list[str], list[bytes]]:
    return list(answers.decision_ids), list(answers.lanes), list(answers.records)


def test_batches_are_decided_as_if_each_had_waited_for_the_one_before(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    other = Home(tmp_path / "other").begin().accept()
    other.place.pseudonym_key.write_bytes(home.place.pseudonym_key.read_bytes())
    first, other_one = pieces(40, 30)
    batches = [first, repeating(first, "again"), other_one]
    with opened(home) as router, opened(other) as patient:
        found = [(claims, told(answers)) for claims, answers in router.decide_all(batches)]
        assert found == [(claims, told(patient.decide(claims))) for claims in batches]
        np.testing.assert_array_equal(router._memory.history.table(), patient._memory.history.table())
    assert all(b'"findings":[{' in record for record in found[1][1][2])


def test_a_batch_is_answered_when_it_is_on_the_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch)
    with opened(home) as router, Store.open(router.desk.store.engine.url) as seen:
        for _, answers in router.decide_all(pieces(5, 6, 7)):
            for name, record in zip(answers.decision_ids, answers.records, strict=True):
                assert seen.decisions.record(seen.decisions.by_id(name)) == record


def test_besides_the_batch_that_is_being_decided_at_most_one_is_not_on_the_disk(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    drawn = 0

    def drawing() -> Iterator[RoutedClaims]:
        nonlocal drawn
        for claims in pieces(3, 3, 3, 3, 3):
            drawn += 1
            yield claims

    with opened(home) as router, Store.open(router.desk.store.engine.url) as seen:
        for answered, _ in enumerate(router.decide_all(drawing()), start=1):
            assert drawn <= answered + 1
            assert sum(seen.decisions.counts().values()) >= 3 * answered


def test_a_batch_is_written_while_the_next_is_being_decided(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    second = threading.Event()
    before_adding(monkeypatch, lambda: None if second.wait(30) else pytest.fail("the second batch never came"))

    def drawing() -> Iterator[RoutedClaims]:
        first, other = pieces(4, 4)
        yield first
        second.set()
        yield other

    with opened(home) as router:
        assert len(list(router.decide_all(drawing()))) == 2


def test_a_batch_that_could_not_be_kept_is_not_decided_and_held_against_none(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Home(tmp_path / "other").begin().accept()
    other.place.pseudonym_key.write_bytes(home.place.pseudonym_key.read_bytes())
    first, lost = pieces(20, 20)
    third = repeating(lost, "again")
    with opened(home) as router:
        with monkeypatch.context() as broken:
            failing_at(broken, 2)
            answering = router.decide_all([first, lost, third])
            assert len(next(answering)[1].lanes) == 20
            with pytest.raises(StoreError, match="full"):
                next(answering)
        assert sum(router.desk.store.decisions.counts().values()) == len(router._memory.history) == 20
        with opened(other) as patient:
            patient.decide(first)
            assert told(router.decide(third)) == told(patient.decide(third))
        assert router.decide(lost).fresh.all()


@pytest.mark.parametrize("alone", [True, False])
def test_who_comes_after_a_batch_that_could_not_be_kept_is_decided_without_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> None:
    other = Home(tmp_path / "other").begin().accept()
    other.place.pseudonym_key.write_bytes(home.place.pseudonym_key.read_bytes())
    [lost] = pieces(20)
    mine = repeating(lost, "mine")
    with opened(home) as router:
        failing_at(monkeypatch, 1)
        begun = router._begin(lost, None)
        answers = router.decide(mine) if alone else next(router.decide_all([mine]))[1]
        with pytest.raises(StoreError):
            begun.answered()
        with opened(other) as patient:
            assert told(answers) == told(patient.decide(mine))


def test_a_question_asked_again_while_its_answer_is_written_gets_that_answer(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    first, other = pieces(10, 10)
    again = some_claims(20).select(np.array([3, 15, 4, 3]))
    with opened(home) as router:
        answers = [told(found) for _, found in router.decide_all([first, again, other, first])]
        kept = sum(router.desk.store.decisions.counts().values())
    assert [answers[1][0][place] for place in (0, 2, 3)] == [answers[0][0][row] for row in (3, 4, 3)]
    assert answers[1][0][1] == answers[2][0][5]
    assert answers[3] == answers[0]
    assert kept == 20


def test_others_may_ask_between_two_batches(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch)
    with opened(home) as router:
        for claims, answers in router.decide_all(pieces(5, 5, 5)):
            assert router.decide(claims).decision_ids == answers.decision_ids
            assert router.decide(some_claims(4, seed=9)).lanes
        assert sum(router.desk.store.decisions.counts().values()) == 19


def test_what_is_on_its_way_when_a_router_is_closed_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    slowly(monkeypatch)
    with opened(home) as router:
        answering = router.decide_all(pieces(5, 6, 7))
        next(answering)
    with opened(home) as router:
        assert sum(router.desk.store.decisions.counts().values()) == 11
        assert len(router._memory.history) == 11
