"""Rules about who the person is: dead, of a sex or an age that a diagnosis does not fit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from client.router.registers import Deaths, Registers
from client.router.rules.bearable import BEARERS, FEMALE, MALE, bearer_of
from client.router.rules.conflicts import DiagnosisConflict
from client.router.rules.death import ServiceAfterDeath
from client.router.rules.evaluate import not_run
from client.router.rules.finding import Severity
from common.claim import Claim
from tests.client.router.rules.cases import FIRST_DAY, found, hit, stay, visit

DEAD = ServiceAfterDeath()
CONFLICT = DiagnosisConflict()


def died(day: int, person: int = 7) -> Registers:
    """Somebody died so many days after the first of March."""
    return Registers(deaths=Deaths(person_id=np.array([person], np.uint64), day=np.array([FIRST_DAY + day])))


@pytest.mark.parametrize(
    ("claim", "death", "hits"),
    [
        (stay(), 5, False),  # died on the day of discharge
        (stay(), 4, False),  # one day is tolerated
        (stay(), 3, True),
        (stay(dscg_time=None), -1, False),
        (stay(dscg_time=None), -2, True),
        (visit(day=1), 0, False),
        (visit(day=2), 0, True),
        (visit(day=2, med_type=None), 0, True),
        (stay(adm_time=None, dscg_time=None), -85, False),  # settled on the fifth day
        (stay(adm_time=None, dscg_time=None), -86, True),
        (stay(total="-5", refd_setl_flag=True), -100, False),
    ],
)
def test_care_after_the_registered_death_is_held(claim: Claim, death: int, *, hits: bool) -> None:
    assert hit(DEAD, claim, registers=died(death)) == [hits]
    assert hit(DEAD, claim, claim, registers=died(death), persons=[8, 7]) == [False, hits]


def test_the_finding_on_service_after_death_says_how_many_days_after() -> None:
    findings = found(DEAD, stay(), registers=died(-10))
    (one,) = findings.of(0)
    assert findings.hard.all()
    assert (one.sev_deg, one.vola_evid) == (Severity.CLEAR, "days_after_death=15")


def test_nobody_else_and_nobody_unknown_is_taken_for_dead() -> None:
    assert hit(DEAD, stay(), registers=died(-10, person=8)) == [False]
    assert hit(DEAD, stay(), registers=died(-10, person=0), persons=[0]) == [False]


def test_without_a_register_of_deaths_the_rule_does_not_run_and_says_so() -> None:
    assert hit(DEAD, stay()) == [False]
    assert not_run([DEAD, CONFLICT], Registers()) == (("R04", "deaths"),)
    assert not_run([DEAD], died(0)) == ()


def test_a_register_of_deaths_is_ordered() -> None:
    with pytest.raises(ValueError, match="ascending"):
        Deaths(person_id=np.array([2, 1], np.uint64), day=np.zeros(2, np.int64))


def diagnosed(*codes: str, **changes: object) -> Claim:
    return stay(diseinfo=[{"diag_code": code, "maindiag_flag": code == codes[0]} for code in codes], **changes)


@pytest.mark.parametrize(
    ("code", "sex", "age", "hits"),
    [
        ("O80.0", "1", 30, True),  # a man in childbed
        ("O80.0", "2", 30, False),
        ("O80.0", "2", 8, True),
        ("O80.0", "2", 9, False),
        ("O80.0", "2", 65, False),
        ("O80.0", "2", 66, True),
        ("N40.x00", "2", 70, True),
        ("N40.x00", "1", 70, False),
        ("N42", "2", 70, True),
        ("C61.x00", "2", 70, True),
        ("C53.9", "1", 50, True),
        ("C50.9", "1", 50, False),  # men have breasts
        ("N63", "1", 50, False),
        ("N52", "2", 50, False),  # no such category
        ("P07.1", "1", 2, True),
        ("P07.1", "1", 1, False),
        ("P95", "2", 30, False),  # a stillbirth, on the mother's bill
        ("Z37.0", "1", 30, True),
        ("Z38.0", "1", 0, False),
        ("Z38.0", "2", 30, True),
        ("D26.9", "1", 40, True),
        ("D29.1", "2", 40, True),
        ("H25.1", "2", 14, True),
        ("J18.9", "1", 3, False),
        ("O80.0", "0", 30, False),
        ("O80.0", "9", 30, False),
        ("O80.0", None, None, False),
    ],
)
def test_a_diagnosis_must_fit_sex_and_age(code: str, sex: str | None, age: int | None, *, hits: bool) -> None:
    assert hit(CONFLICT, diagnosed(code, gend=sex, age=age)) == [hits]
    assert hit(CONFLICT, diagnosed("I10", code, gend=sex, age=age)) == [hits]
    assert hit(CONFLICT, stay("B"), diagnosed(code, gend=sex, age=age), stay("C")) == [False, hits, False]


def test_a_newborn_by_days_may_have_perinatal_conditions_and_nobody_may_in_the_third_year() -> None:
    assert hit(CONFLICT, diagnosed("P59.9", age=0, nwb_age=3)) == [False]
    assert hit(CONFLICT, diagnosed("P59.9", age=2)) == [True]


def test_the_finding_names_the_first_diagnosis_that_does_not_fit() -> None:
    (one,) = found(CONFLICT, diagnosed("I10", "C61", "N40", gend="2")).of(0)
    assert (one.rule_id, one.vola_evid) == ("R05", "diag_code=C61")


def test_every_range_is_ordered_and_no_two_overlap() -> None:
    ordered = sorted(BEARERS, key=lambda one: one.first)
    assert all(one.first <= one.last and one.youngest <= one.oldest for one in ordered)
    assert all(one.last < after.first for one, after in pairwise(ordered))


def test_the_ranges_of_the_issue_are_in_the_table() -> None:
    assert [bearer_of(code).sex for code in ("O00", "O99", "N40", "N42", "C61")] == [FEMALE, FEMALE, MALE, MALE, MALE]  # type: ignore[union-attr]
    assert [bearer_of(code).oldest for code in ("P00", "P96")] == [1, 1]  # type: ignore[union-attr]
    assert [bearer_of(code) for code in ("N39", "N52", "O", "P", "PZZ", "C64", "")] == [None] * 7
