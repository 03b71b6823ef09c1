"""What is remembered is what the store holds, whatever a commit said of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.router.answers import Answers
from client.router.claims import RoutedClaims
from client.router.lone.keeping import LoneKeeper
from client.router.router import Router
from client.router.store.decisions import DecisionStore
from client.router.store.opening import StoreError
from tests.client.router.deciding.worlds import claims as single_claims
from tests.client.router.homes import BEGUN, Home, some_claims
from tests.client.router.lone.test_deciding import batch_of, lone_of
from tests.client.router.store.test_overlapping import repeating

Way = Callable[[Router, RoutedClaims], Answers]
WAYS: dict[str, Way] = {
    "one by one": lambda router, claims: router.decide(claims),
    "one beside the next": lambda router, claims: next(router.decide_all([claims]))[1],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


def opened(home: Home) -> Router:
    return Router.open(home.root, clock=lambda: BEGUN)


def fails_after(monkeypatch: pytest.MonkeyPatch, keeper: type) -> None:
    """The commit is done, and then the connection is lost."""
    add = keeper.add  # type: ignore[attr-defined]

    def adds(*given: Any) -> None:
        add(*given)
        raise StoreError("the connection was lost")

    monkeypatch.setattr(keeper, "add", adds)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_was_kept_although_the_commit_said_otherwise_is_remembered(
    home: Home, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    claims = some_claims(20)
    with opened(home) as router:
        with monkeypatch.context() as broken:
            fails_after(broken, DecisionStore)
            with pytest.raises(StoreError, match="lost"):
                way(router, claims)
        again = way(router, repeating(claims, "again"))
        assert all(b'"findings":[{' in one for one in again.records)
        assert not way(router, claims).fresh.any()
        assert len(router._memory.history) == 40


def test_a_claim_alone_that_was_kept_although_the_commit_said_otherwise_is_remembered(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = single_claims(200, 3)[0]
    with opened(home) as router:
        with monkeypatch.context() as broken:
            fails_after(broken, LoneKeeper)
            with pytest.raises(StoreError, match="lost"):
                router.decide_one(lone_of(one))
        again = router.decide_one(lone_of(one.model_copy(update={"claim_key": "again"})))
        assert b'"findings":[{' in again.record
        assert not router.decide(batch_of([one])).fresh.any()


def test_while_the_store_cannot_be_read_after_a_failed_commit_nothing_is_decided(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = some_claims(20)

    def fails(*_: object) -> list[bytes]:
        raise StoreError("the disk is gone")

    with opened(home) as router:
        with monkeypatch.context() as broken:
            fails_after(broken, DecisionStore)
            with pytest.raises(StoreError, match="lost"):
                router.decide(claims)
        with monkeypatch.context() as broken:
            broken.setattr(DecisionStore, "memories", fails)
            for way in WAYS.values():
                with pytest.raises(StoreError, match="gone"):
                    way(router, repeating(claims, "again"))
            with pytest.raises(StoreError, match="gone"):
                router.decide_one(lone_of(single_claims(200, 3)[0]))
        assert sum(router.desk.store.decisions.counts().values()) == 20
        assert all(b'"findings":[{' in one for one in router.decide(repeating(claims, "again")).records)
