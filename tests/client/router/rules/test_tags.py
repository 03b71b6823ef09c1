"""Tags: first visit, referral, traditional Chinese medicine. They are no findings."""

from __future__ import annotations

import pytest

from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.rules.tags import TAGS, Tags, tags_of
from common.claim import Claim
from tests.client.router.rules.cases import remembered, routed, stay, visit


def tags(*claims: Claim, history: History | None = None, persons: list[int] | None = None) -> Tags:
    batch = routed(*claims, persons=persons)
    return tags_of(batch, events_of(batch, 0), history or History())


@pytest.mark.parametrize(
    ("claim", "first"),
    [
        (visit("B", day=9), False),
        (visit("B", day=9, fixmedins_code="H2"), False),
        (visit("B", day=0), True),  # on the same day neither is earlier
        (visit("B", day=-1), True),
        (visit("B", day=9, diseinfo=[{"diag_code": "I10"}]), True),
        (visit("B", day=300), False),
    ],
)
def test_a_first_visit_is_the_first_remembered_one_for_a_category_of_diagnosis(claim: Claim, *, first: bool) -> None:
    earlier = visit("A")
    assert tags(claim, history=remembered(earlier)).first_visit.tolist() == [first]
    assert tags(claim, earlier).first_visit.tolist()[0] is first


def test_another_persons_visits_do_not_count_and_of_an_unknown_person_nothing_is_said() -> None:
    assert tags(visit("B", day=9), history=remembered(visit("A")), persons=[8]).first_visit.all()
    assert not tags(visit("B", day=9), persons=[0]).first_visit.any()
    undated = stay("B", adm_time=None, dscg_time=None, setl_time=None)
    assert not tags(undated).first_visit.any()


def test_a_referral_either_way_is_tagged() -> None:
    claims = visit("A"), visit("B", refl_old_mdtrt_id="M1"), visit("C", reflin_medins_no="H9")
    assert tags(*claims).referred.tolist() == [False, True, True]


def test_traditional_medicine_is_tagged_by_its_diagnosis_or_by_herbal_slices() -> None:
    herbal = visit("B", iteminfo=[{"med_chrgitm_type": "10", "amt": "200"}])
    patent = visit("C", iteminfo=[{"med_chrgitm_type": "11", "amt": "200"}])
    assert tags(visit("A", tcm_dise_code="BNP010"), herbal, patent).tcm.tolist() == [True, True, False]


def test_the_tags_of_a_claim_are_named_in_one_order() -> None:
    claim = visit("A", tcm_dise_code="BNP010", refl_old_mdtrt_id="M1")
    assert tags(claim).of(0) == tuple(TAGS) == ("first_visit", "referred", "tcm")
    assert tags(visit("B", day=9), history=remembered(visit("A"))).of(0) == ()
