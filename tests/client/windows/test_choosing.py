"""Choosing the claims of a window: by hand, and against a claim-by-claim reading of the rules."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.policy import LateEdits
from client.rowstore import RowStore
from client.windows.choosing import Candidates, Choice, Price, Spent, choose
from client.windows.entered import Entered
from common.privacy import Privacy

CLOSES, RHO = 1000, 10
PERSONS = Privacy(expected_units=1000)
CLAIMS = Privacy.model_validate({"unit": "claim", "weighting": "each_claim", "expected_units": 1000})

claim = st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 6), st.sampled_from([999, 1000]))


def candidates(*claims: tuple[int, int, int, int]) -> Candidates:
    """Of (key, content, person, arrival)."""
    columns = np.array(claims, np.int64).reshape(-1, 4).T
    keys, contents, persons = columns[:3].astype(np.uint64)
    return Candidates(keys=keys, contents=contents, persons=persons, arrived=columns[3], store=RowStore(3, 1000))


def entered(**contents: int) -> Entered:
    """Of content by key."""
    keys = sorted(contents, key=int)
    return Entered.none().plus(
        np.array([int(key) for key in keys], np.uint64), np.array([contents[key] for key in keys], np.uint64), 1
    )


def spent(persons: dict[int, int] | None = None, claims: dict[int, int] | None = None) -> Spent:
    return Spent(
        persons=lambda asked: np.array([(persons or {}).get(int(one), 0) for one in asked], np.int64),
        claims=lambda asked: np.array([(claims or {}).get(int(one), 0) for one in asked], np.int64),
    )


def price(privacy: Privacy = PERSONS, late_edits: LateEdits = LateEdits.LEAVE_OUT, cap: int = 100) -> Price:
    return Price(rho=RHO, cap=cap, privacy=privacy, late_edits=late_edits)


def counts(found: Choice) -> tuple[list[int], int, int, int]:
    return found.places.tolist(), found.edited, found.spent, found.late


def test_what_has_entered_stays_out_and_what_was_changed_or_late_is_counted() -> None:
    found = candidates((1, 0, 7, 999), (2, 0, 7, 999), (3, 1, 8, 999), (4, 0, 9, 1000))
    chosen = choose(found, CLOSES, entered(**{"2": 0, "3": 0}), price(), spent())
    assert counts(chosen) == ([0], 1, 0, 1)
    assert (chosen.persons.tolist(), chosen.charges.tolist()) == ([7], [RHO])


def test_a_person_without_enough_left_stays_out_with_all_claims_and_nobody_else_does() -> None:
    found = candidates((1, 0, 7, 999), (2, 0, 7, 999), (3, 0, 8, 999))
    chosen = choose(found, CLOSES, Entered.none(), price(), spent({7: 91, 8: 90}))
    assert counts(chosen) == ([2], 0, 2, 0)
    assert chosen.persons.tolist() == [8]


def test_a_changed_claim_enters_again_where_the_policy_charges_and_its_year_allows() -> None:
    found = candidates((1, 1, 7, 999), (2, 1, 8, 999), (3, 0, 9, 999))
    chosen = choose(
        found, CLOSES, entered(**{"1": 0, "2": 0}), price(CLAIMS, LateEdits.CHARGE), spent(claims={1: 90, 2: 91})
    )
    assert counts(chosen) == ([0, 2], 0, 1, 0)


def test_of_two_claims_with_one_key_one_is_in_a_window() -> None:
    assert counts(choose(candidates((1, 0, 7, 9), (1, 1, 8, 9)), CLOSES, Entered.none(), price(), spent()))[0] == [0]


@pytest.mark.parametrize("late_edits", LateEdits)
@settings(derandomize=True, deadline=None)
@given(
    st.lists(claim, max_size=40, unique_by=lambda one: one[0]),
    st.dictionaries(st.integers(0, 30), st.integers(0, 2), max_size=20),
    st.dictionaries(st.integers(0, 6), st.integers(80, 110)),
    st.dictionaries(st.integers(0, 30), st.integers(80, 110)),
    st.sampled_from([PERSONS, CLAIMS]),
)
def test_the_choice_is_that_of_reading_the_rules_claim_by_claim(  # noqa: PLR0917  a law over many things
    late_edits: LateEdits,
    claims: list[tuple[int, int, int, int]],
    before: dict[int, int],
    persons: dict[int, int],
    own: dict[int, int],
    privacy: Privacy,
) -> None:
    known = entered(**{str(key): content for key, content in before.items()})
    found = choose(candidates(*claims), CLOSES, known, price(privacy, late_edits), spent(persons, own))
    left: Counter[str] = Counter()
    chosen = []
    for place, (key, content, person, arrived) in enumerate(claims):
        reason = _reason(key, content, arrived, before, own, late_edits)
        if reason == "in" and privacy is PERSONS and persons.get(person, 0) + RHO > 100:
            reason = "spent"
        left[reason] += 1
        chosen += [place] if reason == "in" else []
    assert counts(found) == (chosen, left["edited"], left["spent"], left["late"])
    who = {claims[place][2] for place in chosen} if privacy is PERSONS else set()
    assert set(found.persons.tolist()) == who


def _reason(  # noqa: PLR0917  a claim, and what is known
    key: int, content: int, arrived: int, before: dict[int, int], own: dict[int, int], late_edits: LateEdits
) -> str:
    if before.get(key) == content:
        return "entered"
    if arrived >= CLOSES:
        return "late"
    if key not in before:
        return "in"
    if late_edits is LateEdits.LEAVE_OUT:
        return "edited"
    return "in" if own.get(key, 0) + RHO <= 100 else "spent"


def test_an_index_of_entered_claims_says_the_last_word_of_each() -> None:
    found = entered(**{"5": 0, "9": 0}).plus(np.array([9, 2], np.uint64), np.array([1, 1], np.uint64), 2)
    keys = np.array([2, 5, 9, 7], np.uint64)
    assert found.has(keys).tolist() == [True, True, True, False]
    assert found.has_as_is(keys, np.array([1, 0, 0, 0], np.uint64)).tolist() == [True, True, False, False]
    assert found.in_window(keys, 2).tolist() == [True, False, True, False]
