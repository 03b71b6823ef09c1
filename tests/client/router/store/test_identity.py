"""A decision's identity is of what was asked, too: alike records of different questions are two decisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from client.router.claims import RoutedClaims
from client.router.deciding.record import DecisionRecord, identity_of, spelling
from client.router.explaining import replayed
from client.router.lone.claim import LoneClaim, lone_claim
from client.router.router import Router
from common.claim import Claim
from tests.client.router.homes import BEGUN, Home, some_claims
from tests.client.router.lone.test_deciding import batch_of, person_of, refuses
from tests.client.router.routed import claim


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    with Router.open(Home(tmp_path / "r").begin().accept().root, clock=lambda: BEGUN) as found:
        yield found


def versions() -> list[Claim]:
    """Nothing that differs is in a record."""
    return [claim(1, adm_time=f"2024-03-01T08:00:0{second}") for second in range(3)]


def lone(one: Claim) -> LoneClaim:
    return lone_claim(one, person_of(one), refused=refuses(one))


def insist_of_its_question(router: Router, records: list[bytes]) -> None:
    for held in records:
        record = DecisionRecord.from_json(held)
        assert record.asked == router.desk.store.decisions.by_id(record.decision_id).asked.hex()
        assert replayed(router.desk, record).to_json() == held


def test_two_versions_of_a_claim_in_one_batch_are_two_decisions_though_their_records_are_alike(router: Router) -> None:
    answers = router.decide(batch_of(versions()))
    assert len(set(answers.decision_ids)) == 3
    insist_of_its_question(router, list(answers.records))
    fields = [
        DecisionRecord.from_json(one).model_dump(exclude={"asked", "decision_id", "findings"})
        for one in answers.records
    ]
    assert fields[0] == fields[1] == fields[2]


def test_two_versions_of_a_claim_that_come_alone_are_two_decisions(router: Router) -> None:
    answers = [router.decide_one(lone(one)) for one in versions()]
    assert len({one.decision_id for one in answers}) == 3
    insist_of_its_question(router, [one.record for one in answers])


def test_records_of_earlier_versions_that_do_not_say_what_was_asked_are_read_and_replay(router: Router) -> None:
    claims: RoutedClaims = some_claims(40).select(np.arange(40))
    for held in router.decide(claims).records:
        fields = DecisionRecord.from_json(held).model_dump(mode="json", exclude={"asked", "decision_id"})
        older = spelling(fields | {"decision_id": identity_of(fields)})
        record = DecisionRecord.from_json(older)
        assert record.asked is None
        assert record.to_json() == replayed(router.desk, record).to_json() == older
