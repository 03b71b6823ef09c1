"""Drafts: FAST claims alone, reconciled to the cent, the same identity every time."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from client.router.claims import RoutedClaims
from client.router.drafts.draft import DRAFT_ID, TOLERANCE_FEN, PaymentDraft, draft_id
from client.router.drafts.drawing import Drawn, Withheld, draw
from common.claim import Claim
from common.columns import MISSING
from tests.client.router.rules.bulk import bulk
from tests.client.router.rules.cases import routed, stay

KEY = bytes(range(32))
LANES = ("FAST", "REVIEW", "HUMAN", "HOLD")


def paid(key: str = "A", fund: str | None = "3000", person: str | None = "1500", hospital: str | None = "500") -> Claim:
    return stay(key, total="5000", fund_pay_sumamt=fund, psn_part_amt=person, hosp_part_amt=hospital)


def drawn(*claims: Claim, lanes: tuple[str, ...] | None = None) -> Drawn:
    return draw(routed(*claims), lanes or ("FAST",) * len(claims), [f"{row:032x}" for row in range(len(claims))], KEY)


def reasons(found: Drawn) -> list[tuple[str, str]]:
    return [(one.claim_key, one.reason) for one in found.withheld]


def test_a_draft_holds_the_parts_as_the_claim_says_them() -> None:
    (draft,) = drawn(paid()).drafts
    parts = draft.total_fen, draft.fund_fen, draft.person_fen, draft.hospital_fen, draft.rounding_fen
    assert parts == (500_000, 300_000, 150_000, 50_000, 0)
    assert (draft.claim_key, draft.decision_id) == ("A", "0" * 32)


@pytest.mark.parametrize("lane", LANES[1:])
def test_nothing_is_drafted_for_a_claim_of_another_lane(lane: str) -> None:
    found = drawn(paid("A"), paid("B"), lanes=(lane, "FAST"))
    assert [draft.claim_key for draft in found.drafts] == ["B"]
    assert found.withheld == ()


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (paid(fund=None), Withheld.PARTS_MISSING),
        (paid(person=None), Withheld.PARTS_MISSING),
        (paid(fund="5500", person="-500", hospital="0"), Withheld.PARTS_NEGATIVE),
        (paid(fund="3500", person="2000", hospital="-500"), Withheld.PARTS_NEGATIVE),
    ],
)
def test_a_fast_claim_whose_parts_are_not_certain_has_a_reason_and_no_draft(claim: Claim, reason: Withheld) -> None:
    found = drawn(claim)
    assert (found.drafts, reasons(found)) == ((), [("A", reason)])


def test_a_refund_is_not_drafted() -> None:
    refund = stay(total="-5", refd_setl_flag=True, fund_pay_sumamt="-5", psn_part_amt="0")
    assert reasons(drawn(refund)) == [("A", Withheld.PARTS_NEGATIVE)]
    by_cents = stay(total="-0.03", refd_setl_flag=True, fund_pay_sumamt="0", psn_part_amt="0")
    assert reasons(drawn(by_cents)) == [("A", Withheld.PARTS_NEGATIVE)]


def test_parts_that_are_off_by_rounding_are_reconciled_openly_and_by_more_are_withheld() -> None:
    five = drawn(paid(person="1499.95"))
    assert five.drafts[0].rounding_fen == TOLERANCE_FEN == 5
    claims = routed(paid())
    off = replace(claims, person_fen=claims.person_fen - 6)
    assert reasons(draw(off, ["FAST"], ["d"], KEY)) == [("A", Withheld.PARTS_DO_NOT_ADD_UP)]


def test_a_hospital_part_that_is_not_given_is_none() -> None:
    (draft,) = drawn(paid(fund="3500", hospital=None)).drafts
    assert (draft.hospital_fen, draft.rounding_fen) == (0, 0)


def many(n_claims: int) -> RoutedClaims:
    """Claims whose parts are off by nothing, by rounding and by more, missing and negative."""
    chance = np.random.default_rng(9)
    claims = bulk(n_claims)
    total = claims.table.total
    fund = (total * chance.random(n_claims)).astype(np.int64)
    hospital = np.where(chance.random(n_claims) < 0.5, MISSING, chance.integers(0, 9, n_claims))
    person = total - fund - np.maximum(hospital, 0) + chance.integers(-8, 9, n_claims)
    return replace(
        claims,
        fund_fen=np.where(chance.random(n_claims) < 0.1, MISSING, fund),
        person_fen=person,
        hospital_fen=hospital,
    )


def test_every_draft_reconciles_to_the_cent_and_every_fast_claim_is_accounted_for() -> None:
    claims = many(5_000)
    lanes = [LANES[row % 4] for row in range(claims.n)]
    found = draw(claims, lanes, [str(row) for row in range(claims.n)], KEY)
    total = dict(zip(claims.claim_keys, claims.table.total.tolist(), strict=True))
    for draft in found.drafts:
        parts = draft.fund_fen + draft.person_fen + draft.hospital_fen + draft.rounding_fen
        assert parts == draft.total_fen == total[draft.claim_key]
    accounted = [draft.claim_key for draft in found.drafts] + [one.claim_key for one in found.withheld]
    assert sorted(accounted) == sorted(claims.claim_keys[::4])
    assert {one.reason for one in found.withheld} == set(Withheld) - {Withheld.DRAFTED_BEFORE}
    assert len(found.drafts) > 500


def test_a_draft_that_does_not_reconcile_cannot_be_made() -> None:
    (draft,) = drawn(paid()).drafts
    with pytest.raises(ValidationError, match="to the cent"):
        PaymentDraft.model_validate(draft.model_dump() | {"fund_fen": 300_001})
    with pytest.raises(ValidationError):
        PaymentDraft.model_validate(draft.model_dump() | {"rounding_fen": 6, "person_fen": 149_994})


def test_the_identity_of_a_draft_is_that_of_claim_decision_and_key() -> None:
    one = draft_id("A", "d", KEY)
    assert one == draft_id("A", "d", KEY) == "d158583e198025662f1fc647e0dbc6d6"
    assert re.match(DRAFT_ID, one)
    others = [draft_id("B", "d", KEY), draft_id("A", "e", KEY), draft_id("A", "d", bytes(32)), draft_id("Ad", "", KEY)]
    assert len({one, *others}) == 5


def test_lanes_and_decisions_must_be_as_many_as_claims() -> None:
    with pytest.raises(ValueError, match="one lane and one decision"):
        draw(routed(paid()), ["FAST", "FAST"], ["d"], KEY)
