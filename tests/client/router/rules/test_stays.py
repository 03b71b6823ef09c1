"""Overlapping stays, and stays without treatment."""

from __future__ import annotations

from decimal import Decimal

import pytest

from client.router.rules.finding import Severity
from client.router.rules.rule import Rule
from client.router.rules.stays import OverlappingStays, StayWithoutTreatment
from common.claim import Claim
from tests.client.router.rules.cases import found, hit, remembered, stay, visit

OVERLAP: Rule = OverlappingStays()
IDLE: Rule = StayWithoutTreatment()


@pytest.mark.parametrize(
    ("other", "hits"),
    [
        (stay("B", begins=4), True),
        (stay("B", begins=5), False),  # admitted on the day of discharge: transferred
        (stay("B", begins=-5), False),
        (stay("B", begins=-4), True),
        (stay("B", begins=-30, days=60), True),
        (stay("B", begins=2, days=0), True),  # a day case in the middle of the stay
        (stay("B", begins=0, days=0), False),
        (stay("B", begins=4, fixmedins_code="H2", total="1"), True),
        (stay("B", begins=4, med_type=None), True),
        (stay("B", begins=4, med_type="11"), False),
        (stay("B", begins=4, dscg_time=None), False),
        (visit("B", day=2), False),
    ],
)
def test_two_stays_overlap_if_they_have_more_than_a_day_of_transfer_in_common(other: Claim, *, hits: bool) -> None:
    assert hit(OVERLAP, other, history=remembered(stay("A"))) == [hits]
    assert hit(OVERLAP, stay("A"), other) == [hits, hits]
    assert hit(OVERLAP, other, stay("A")) == [hits, hits]


def test_overlapping_stays_are_held() -> None:
    findings = found(OVERLAP, stay("B", begins=4), history=remembered(stay("A")))
    assert findings.hard.all()
    assert findings.of(0)[0].vola_bhvr_type == "虚假住院"


def test_stays_of_other_or_unknown_persons_never_overlap() -> None:
    assert hit(OVERLAP, stay("A"), stay("B"), persons=[7, 8]) == [False, False]
    assert hit(OVERLAP, stay("A"), stay("B"), persons=[0, 0]) == [False, False]


def test_a_claim_does_not_overlap_with_itself_sent_again() -> None:
    assert hit(OVERLAP, stay("A"), history=remembered(stay("A"))) == [False]
    assert hit(OVERLAP, stay("A"), history=remembered(stay("A"), persons=[8])) == [False]


def test_an_overlap_may_be_tolerated_for_days() -> None:
    tolerant = OverlappingStays(tolerated_days=2)
    assert hit(tolerant, stay("A"), stay("B", begins=3)) == [False, False]
    assert hit(tolerant, stay("A"), stay("B", begins=2)) == [True, True]


def test_a_province_names_its_own_kinds_of_stays() -> None:
    own = OverlappingStays(inpatient=("9901",))
    assert hit(own, stay("A"), stay("B", begins=1)) == [False, False]
    assert hit(own, stay("A", med_type="9901"), stay("B", begins=1, med_type="9901")) == [True, True]


def fees(**amounts: str) -> dict[str, object]:
    items = [{"med_chrgitm_type": name[1:], "amt": amount} for name, amount in amounts.items()]
    total = sum(Decimal(amount) for amount in amounts.values())
    return {"iteminfo": items, "total": str(total)}


@pytest.mark.parametrize(
    ("claim", "hits"),
    [
        (stay(**fees(c01="500", c07="200", c02="50")), True),  # bed, nursing and consultation alone
        (stay(**fees(c01="500", c09="49.99")), True),
        (stay(**fees(c01="500", c09="50")), False),  # ten yuan a day
        (stay(**fees(c01="500", c03="20", c04="20", c11="10")), False),
        (stay(days=2, **fees(c01="500")), False),
        (stay(days=3, **fees(c01="500")), True),
        (stay(iteminfo=[]), False),  # the fees are not known
        (stay(med_type="11", **fees(c01="500")), False),
        (stay(med_type=None, **fees(c01="500")), True),
        (stay(adm_time=None, dscg_time=None, act_ipt_days=9, **fees(c01="500")), True),
    ],
)
def test_a_stay_with_hardly_any_fee_for_care_is_a_bed_on_paper(claim: Claim, *, hits: bool) -> None:
    assert hit(IDLE, claim) == [hits]
    assert hit(IDLE, stay("B", begins=40), claim, stay("C", begins=80)) == [False, hits, False]


def test_the_finding_on_an_idle_stay_says_its_days_and_fees() -> None:
    (one,) = found(IDLE, stay(**fees(c01="500", c09="12.30"))).of(0)
    assert (one.rule_name, one.sev_deg, one.vola_amt) == ("疑似挂床住院", Severity.HIGH, Decimal("512.30"))
    assert one.vola_evid == "stay_days=5;care_yuan=12.30"
