"""A draft does not outlive what happens to its claim: it is withdrawn, and FAST claims without one are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from client.router.drafts.book import DraftBook
from client.router.drafts.draft import Status
from client.router.drafts.drawing import Withheld
from client.router.drafts.exporting import export
from client.router.drafts.standing import Withdrawn
from client.router.due import Due, draw_due
from client.router.store.opening import writing
from client.router.store.store import Store
from client.router.store.verdicts import Reviewed, Verdict
from common.errors import RefusedError
from tests.client.router.drafts.passing import NOW, decide, let_pass
from tests.client.router.drafts.test_drawing import KEY, drawn, paid
from tests.client.router.rules.cases import routed

[ONE] = drawn(paid("A")).drafts
LATER = "f" * 32

Event = Callable[[Store], object]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(URL.create("sqlite", database=str(tmp_path / "store.sqlite"))) as found:
        yield found


def judge(store: Store, verdict: Verdict, decision_id: str = ONE.decision_id) -> None:
    store.verdicts.add([Reviewed(decision_id=decision_id, verdict=verdict, reviewer="x", given_at=NOW)])


def decided_again(lane: str) -> Event:
    return lambda store: decide(store.engine, "A", LATER, lane)


def found(verdict: Verdict) -> Event:
    return lambda store: judge(store, verdict)


AFTERWARDS = [
    *((decided_again(lane), Withdrawn.DECIDED_AGAIN) for lane in ("FAST", "REVIEW", "HUMAN", "HOLD")),
    *((found(one), Withdrawn.ADVERSE_VERDICT) for one in Verdict if one is not Verdict.ROUTINE),
]


def approved(store: Store) -> DraftBook:
    let_pass(store.engine, ONE)
    store.drafts.add([ONE], NOW)
    for person in ("a", "b"):
        store.drafts.approve(ONE.draft_id, person, NOW)
    return store.drafts


@pytest.mark.parametrize(("happens", "reason"), AFTERWARDS)
def test_a_draft_is_withdrawn_by_what_happens_to_its_claim_however_far_it_was(
    store: Store, tmp_path: Path, happens: Event, reason: Withdrawn
) -> None:
    book = approved(store)
    happens(store)
    held = book.get(ONE.draft_id)
    assert (held.status, held.withdrawn) == (Status.WITHDRAWN, reason)
    assert list(book.all(Status.APPROVED)) == []
    assert list(book.all(Status.WITHDRAWN)) == [held]
    assert export(book.all(), tmp_path / "paid.csv") == 0


@pytest.mark.parametrize(("happens", "reason"), AFTERWARDS)
def test_nobody_approves_a_draft_that_is_withdrawn(store: Store, happens: Event, reason: Withdrawn) -> None:
    let_pass(store.engine, ONE)
    store.drafts.add([ONE], NOW)
    store.drafts.approve(ONE.draft_id, "a", NOW)
    happens(store)
    with pytest.raises(RefusedError, match=rf"withdrawn \({reason}\)"):
        store.drafts.approve(ONE.draft_id, "b", NOW)
    assert store.drafts.get(ONE.draft_id).approved_by == ("a",)


def test_a_routine_verdict_or_a_decision_about_another_claim_withdraws_nothing(store: Store) -> None:
    book = approved(store)
    judge(store, Verdict.ROUTINE)
    decide(store.engine, "B", LATER, "HOLD")
    judge(store, Verdict.FRAUD, LATER)
    assert book.get(ONE.draft_id).status is Status.APPROVED


def test_an_adverse_verdict_that_was_taken_back_withdraws_nothing(store: Store) -> None:
    book = approved(store)
    judge(store, Verdict.FRAUD)
    judge(store, Verdict.ROUTINE)
    assert book.get(ONE.draft_id).status is Status.APPROVED


@pytest.mark.parametrize(
    ("lane", "reason"),
    [(None, Withdrawn.NOT_DECIDED), *((lane, Withdrawn.NOT_FAST) for lane in ("REVIEW", "HUMAN", "HOLD"))],
)
def test_a_draft_without_a_fast_decision_does_not_stand(store: Store, lane: str | None, reason: Withdrawn) -> None:
    if lane is not None:
        decide(store.engine, "A", ONE.decision_id, lane)
    store.drafts.add([ONE], NOW)
    assert store.drafts.get(ONE.draft_id).withdrawn is reason


def test_of_many_drafts_each_is_withdrawn_for_its_own_claim(store: Store) -> None:
    drafts = drawn(*(paid(f"K{number}") for number in range(700))).drafts
    let_pass(store.engine, *drafts)
    store.drafts.add(drafts, NOW)
    decide(store.engine, "K3", LATER)
    judge(store, Verdict.DENIED, drafts[650].decision_id)
    fallen = {held.draft.claim_key: held.withdrawn for held in store.drafts.all() if held.withdrawn is not None}
    assert fallen == {"K3": Withdrawn.DECIDED_AGAIN, "K650": Withdrawn.ADVERSE_VERDICT}


def note(store: Store, decision_id: str = ONE.decision_id, **parts: str | None) -> None:
    with writing(store.engine) as connection:
        Due.of(routed(paid("A", **parts)), ["FAST"], [decision_id]).keep(connection)


@pytest.mark.parametrize(("happens", "reason"), AFTERWARDS)
def test_nothing_is_drawn_for_a_claim_that_does_not_stand_and_it_is_kept_with_its_reason(
    store: Store, happens: Event, reason: Withdrawn
) -> None:
    let_pass(store.engine, ONE)
    note(store)
    happens(store)
    assert draw_due(store, KEY, NOW) == 0
    assert list(store.drafts.all()) == []
    assert [(one.claim_key, one.decision_id, one.reason) for one in store.drafts.withheld()] == [
        ("A", ONE.decision_id, reason)
    ]


def test_a_fast_claim_whose_parts_are_not_certain_is_kept_with_its_reason(store: Store) -> None:
    let_pass(store.engine, ONE)
    note(store, fund=None)
    assert draw_due(store, KEY, NOW) == 0
    assert draw_due(store, KEY, NOW) == 0
    assert [one.reason for one in store.drafts.withheld()] == [Withheld.PARTS_MISSING]


def test_a_second_fast_decision_on_a_drafted_claim_key_is_kept_as_drafted_before(store: Store) -> None:
    let_pass(store.engine, ONE)
    note(store)
    assert draw_due(store, KEY, NOW) == 1
    decide(store.engine, "A", LATER)
    note(store, LATER)
    assert draw_due(store, KEY, NOW) == 0
    assert [(one.decision_id, one.reason) for one in store.drafts.withheld()] == [(LATER, Withheld.DRAFTED_BEFORE)]


def test_the_same_draft_again_is_not_withheld(store: Store) -> None:
    let_pass(store.engine, ONE)
    store.drafts.add([ONE, ONE], NOW)
    store.drafts.add([ONE], NOW)
    assert store.drafts.withheld() == []
