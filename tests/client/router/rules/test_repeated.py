"""Duplicates and near-duplicates: what meets, and the nearest thing that does not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from client.router.registers import Registers
from client.router.rules.crowded import CrowdedClaims
from client.router.rules.digest import digest, reference
from client.router.rules.evaluate import evaluate
from client.router.rules.event import FIRST_WIDTH, events_kept, events_of
from client.router.rules.finding import Severity
from client.router.rules.history import MOST_OTHERS, History
from client.router.rules.repeated import CorrectedClaim, DuplicateClaim, NearDuplicateClaim
from client.router.rules.table import default_rules
from common.claim import Claim
from tests.client.router.rules.cases import FIRST_DAY, found, hit, remembered, routed, stay, visit

SAME, NEAR, CORRECTED, CROWDED = DuplicateClaim(), NearDuplicateClaim(), CorrectedClaim(), CrowdedClaims()


def test_a_claim_that_repeats_an_earlier_one_is_held_with_its_whole_amount_and_the_other_ones_reference() -> None:
    findings = found(SAME, stay("B"), history=remembered(stay("A")))
    (one,) = findings.of(0)
    assert findings.hard.tolist() == [True]
    assert (one.rule_id, one.sev_deg, one.vola_amt) == ("R01", Severity.HIGH, Decimal("5000.00"))
    assert one.vola_evid == f"claims={reference(digest('A'))}"


def test_of_two_equal_claims_in_one_batch_both_are_held_and_each_names_the_other() -> None:
    findings = found(SAME, stay("A"), stay("B"))
    assert [findings.of(row)[0].vola_evid for row in (0, 1)] == [f"claims={reference(digest(key))}" for key in "BA"]


def test_the_claim_key_of_another_person_is_a_duplicate_whatever_else_it_says() -> None:
    other = stay("A", begins=300, total="77", fixmedins_code="H9", diseinfo=[{"diag_code": "I10"}])
    assert hit(SAME, other, history=remembered(stay("A")), persons=[8]) == [True]
    assert hit(SAME, other, stay("A"), persons=[8, 9]) == [True, True]


@pytest.mark.parametrize(
    "other",
    [
        stay("B", total="5000.01"),
        stay("B", begins=1),
        stay("B", days=6),
        stay("B", fixmedins_code="H2"),
        stay("B", fixmedins_code=None),
        stay("B", diseinfo=[{"diag_code": "J18.901"}]),
    ],
)
def test_a_claim_that_differs_in_one_thing_is_no_duplicate(other: Claim) -> None:
    assert hit(SAME, other, history=remembered(stay("A"))) == [False]
    assert hit(SAME, stay("A"), other) == [False, False]


def test_claims_of_different_or_unknown_persons_are_no_duplicates() -> None:
    assert hit(SAME, stay("A"), stay("B"), persons=[7, 8]) == [False, False]
    assert hit(SAME, stay("A"), stay("B"), persons=[0, 0]) == [False, False]
    assert hit(SAME, stay("B"), history=remembered(stay("A"), persons=[0]), persons=[0]) == [False]


def test_where_the_source_has_no_institutions_the_rest_decides() -> None:
    unnamed = {"fixmedins_code": None}
    assert hit(SAME, stay("A", **unnamed), stay("B", **unnamed)) == [True, True]
    assert hit(NEAR, visit("A", **unnamed), visit("B", day=1, **unnamed)) == [True, True]


def test_claims_without_any_day_are_not_compared() -> None:
    undated = {"adm_time": None, "dscg_time": None, "setl_time": None}
    assert hit(SAME, stay("A", **undated), stay("B", **undated)) == [False, False]


def test_a_refund_is_no_second_payment() -> None:
    refund = stay("A", total="-5000", refd_setl_flag=True)
    assert hit(SAME, refund, history=remembered(stay("A"))) == [False]


def test_visits_repeat_each_other_by_their_day_of_settlement() -> None:
    assert hit(SAME, visit("A"), visit("B")) == [True, True]
    assert hit(SAME, visit("A"), visit("B", day=1)) == [False, False]


@pytest.mark.parametrize(
    ("other", "hits"),
    [
        (visit("B", day=1, total="210"), True),
        (visit("B", day=2, total="210"), False),
        (visit("B", day=1, total="210.53"), False),  # 10.53 of 210.53 are more than 5 %
        (visit("B", day=1, total="210.52"), True),
        (visit("B", day=1, total="190"), True),  # 10 of 200 are 5 %
        (visit("B", day=1, total="189.99"), False),
        (visit("B", day=1, fixmedins_code="H2"), False),
        (visit("B", day=1, diseinfo=[{"diag_code": "J18.0"}]), True),
        (visit("B", day=1, diseinfo=[{"diag_code": "J15.0"}]), False),
    ],
)
def test_a_visit_nearly_repeated_within_a_day_is_reviewed(other: Claim, *, hits: bool) -> None:
    assert hit(NEAR, other, history=remembered(visit("A"))) == [hits]
    assert hit(NEAR, visit("A"), other) == [hits, hits]


@pytest.mark.parametrize(
    ("other", "hits"),
    [
        (stay("B", begins=15, total="5100"), True),
        (stay("B", begins=16, total="5100"), False),
        (stay("B", begins=15, oprninfo=[{"oprn_oprt_code": "33.27"}]), False),
        (stay("B", begins=1, oprninfo=[{"oprn_oprt_code": "33.27"}]), True),
        (visit("B", day=9, total="5000"), False),
    ],
)
def test_a_stay_nearly_repeated_within_fifteen_days_is_reviewed_if_nothing_else_was_done(
    other: Claim, *, hits: bool
) -> None:
    assert hit(NEAR, other, history=remembered(stay("A"))) == [hits]
    assert hit(NEAR, other, stay("A")) == [hits, hits]


def test_courses_of_chemotherapy_are_no_near_duplicates_but_on_neighbouring_days() -> None:
    course = {"diseinfo": [{"diag_code": "Z51.101"}], "days": 0}
    assert hit(NEAR, stay("A", **course), stay("B", begins=14, **course)) == [False, False]
    assert hit(NEAR, stay("A", **course), stay("B", begins=1, **course)) == [True, True]


def test_a_duplicate_is_not_reported_as_a_near_duplicate_too() -> None:
    assert hit(NEAR, stay("A"), stay("B")) == [False, False]


def test_cheap_claims_are_no_near_duplicates() -> None:
    assert hit(NEAR, visit("A", total="99"), visit("B", day=1, total="99")) == [False, False]
    assert hit(NEAR, visit("A", total="100"), visit("B", day=1, total="100")) == [True, True]


def test_a_near_duplicate_is_reviewed_and_not_held() -> None:
    assert not found(NEAR, visit("A"), visit("B", day=1)).hard.any()


def test_many_others_are_counted_and_five_of_them_named() -> None:
    (one,) = found(SAME, stay("A"), history=remembered(*(stay(f"B{number}") for number in range(8)))).of(0)
    assert len(one.vola_evid.split(";")[0].split(",")) == 5
    assert one.vola_evid.endswith(";more=3")


def test_looking_changes_no_history() -> None:
    history = remembered(stay("A"))
    before = history.table()
    for _ in range(2):
        assert hit(SAME, stay("B"), history=history) == [True]
    assert (history.table() == before).all()


CHANGED = [
    stay("A", total="77"),
    stay("A", begins=300),
    stay("A", fixmedins_code="H9"),
    stay("A", diseinfo=[{"diag_code": "I10"}]),
    stay("A", total="-5000", refd_setl_flag=True),
    stay("A", age=41),
]


@pytest.mark.parametrize("again", CHANGED)
def test_a_claim_key_that_comes_again_with_another_content_is_a_corrected_claim_and_no_duplicate(again: Claim) -> None:
    findings = evaluate(default_rules(), routed(again), remembered(stay("A")), Registers())
    assert findings.rule_ids(0) == ("R10",)
    assert not findings.hard.any()
    (one,) = findings.of(0)
    assert (one.rule_name, one.vola_evid) == ("更正结算", f"claims={reference(digest('A'))}")


def refusing(*claims: Claim, history: History) -> list[str]:
    batch = routed(*claims)
    batch = replace(batch, refused_automation=~batch.refused_automation)
    return [*evaluate(default_rules(), batch, history, Registers()).rule_ids(0)]


def test_refusing_automated_decisions_about_a_claim_is_held_against_nobody() -> None:
    assert refusing(stay("A"), history=remembered(stay("A"))) == []


def refused(*claims: Claim) -> History:
    """A history of claims whose persons had refused."""
    batch, history = routed(*claims), History()
    history.remember(events_of(replace(batch, refused_automation=~batch.refused_automation), FIRST_DAY))
    return history


def test_taking_a_refusal_back_is_held_against_nobody() -> None:
    assert hit(CORRECTED, stay("A"), history=refused(stay("A"))) == [False]
    assert hit(CORRECTED, stay("A", total="77"), history=refused(stay("A"))) == [True]


@pytest.mark.parametrize("again", CHANGED)
def test_a_refusal_with_whatever_other_content_is_a_correction(again: Claim) -> None:
    assert "R10" in refusing(again, history=remembered(stay("A")))


def test_of_claims_that_an_earlier_version_remembered_a_refusal_is_told_by_what_it_knew() -> None:
    old = events_of(routed(stay("A")), FIRST_DAY)[:, :FIRST_WIDTH]
    history = History()
    history.remember(events_kept(old.astype("<i8").tobytes(), FIRST_WIDTH))
    assert refusing(stay("A"), history=history) == []
    assert refusing(stay("A", total="77"), history=history) == ["R10"]
    assert hit(CORRECTED, stay("A"), history=history) == [True]


def test_a_refusal_with_another_content_is_a_corrected_claim() -> None:
    assert refusing(stay("A", total="77"), history=remembered(stay("A"))) == ["R10"]


def test_a_key_of_somebody_else_is_no_correction() -> None:
    assert hit(CORRECTED, stay("A", total="77"), history=remembered(stay("A")), persons=[8]) == [False]


@pytest.mark.parametrize("other", [stay("B", fixmedins_code=None), visit("B", total="7", fixmedins_code=None)])
def test_a_copy_without_its_institution_is_a_near_duplicate_however_cheap(other: Claim) -> None:
    named = other.model_copy(update={"claim_key": "A", "fixmedins_code": "H1"})
    assert hit(NEAR, other, history=remembered(named)) == [True]
    assert hit(NEAR, named, other) == [True, True]


def crowd(n_claims: int) -> list[Claim]:
    return [visit(f"c{number}", day=5, total=str(100 + number)) for number in range(n_claims)]


def after_a_crowd(n_claims: int) -> History:
    history = remembered(stay("A"))
    history.remember(events_of(routed(*crowd(n_claims)), FIRST_DAY))
    return history


@pytest.mark.parametrize("n_claims", [0, MOST_OTHERS, 5_000])
def test_many_claims_push_no_duplicate_out_of_sight(n_claims: int) -> None:
    assert hit(SAME, stay("B"), history=after_a_crowd(n_claims)) == [True]


def test_many_claims_of_one_batch_push_no_duplicate_out_of_sight() -> None:
    hits = hit(SAME, stay("A"), *crowd(MOST_OTHERS), stay("B"))
    assert (hits[0], hits[-1]) == (True, True)


@pytest.mark.parametrize(("n_claims", "hits"), [(MOST_OTHERS - 1, False), (MOST_OTHERS, True), (5_000, True)])
def test_a_claim_with_more_others_than_it_is_compared_with_is_reviewed(n_claims: int, *, hits: bool) -> None:
    other = stay("B", total="77", diseinfo=[{"diag_code": "I10"}])
    findings = found(CROWDED, other, history=after_a_crowd(n_claims))
    assert findings.any.tolist() == [hits]
    assert not findings.hard.any()


def test_other_peoples_claims_crowd_nobody() -> None:
    assert hit(CROWDED, stay("B"), history=after_a_crowd(5_000), persons=[8]) == [False]
