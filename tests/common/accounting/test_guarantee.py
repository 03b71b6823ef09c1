import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.accounting.guarantee import Guarantee, Language, Neighbouring, Scope, Unit, rounded_up


def test_a_sentence_names_everything_a_guarantee_consists_of() -> None:
    held = Guarantee(epsilon=1.0, delta=1e-6, unit=Unit.PERSON, scope=Scope.YEAR)
    english, chinese = (held.sentence(language) for language in Language)
    for part in ("insured person", "year", "2.719", "epsilon 1)", "1e-06 (delta)", "with and without", "sampling"):
        assert part in english
    for part in ("参保人", "一年", "2.719", "epsilon = 1）", "1e-06（delta）", "增加或删除", "抽样"):
        assert part in chinese


@pytest.mark.parametrize("language", list(Language))
def test_no_two_guarantees_have_the_same_sentence(language: Language) -> None:
    held = [
        Guarantee(epsilon=epsilon, delta=delta, unit=unit, scope=scope).sentence(language)
        for epsilon in (0.5, 1.0)
        for delta in (1e-6, 1e-5)
        for unit in Unit
        for scope in Scope
    ]
    assert len(set(held)) == 16


def test_a_guarantee_is_about_adding_or_removing_one() -> None:
    assert Guarantee(epsilon=1, delta=1e-6, unit=Unit.CLAIM).neighbouring is Neighbouring.ADD_OR_REMOVE_ONE


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.floats(1e-12, 1e12))
def test_figures_are_never_shown_below_what_they_are(value: float) -> None:
    assert value <= float(rounded_up(value)) <= value * 1.001


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(-0.1, 1e-6), (math.nan, 1e-6), (math.inf, 1e-6), (100.1, 1e-6), (1, 0), (1, 1), (1, -1e-6)]
)
def test_figures_that_guarantee_nothing_are_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(ValueError, match="guarantee nothing"):
        Guarantee(epsilon=epsilon, delta=delta, unit=Unit.PERSON)
