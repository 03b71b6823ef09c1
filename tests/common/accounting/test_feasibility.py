from dataclasses import replace

import pytest

from common.accounting.feasibility import Feasibility, Verdict
from common.accounting.guarantee import Language

MIDDLING = Feasibility(n_claims=3_000, mu=0.25, claims_per_person=2, n_clusters=8, n_features=16)
"""phi = 3000 * 0.25 / (2 * 8 * 4) = 11.72"""


def test_the_index_is_claims_times_mu_over_cap_clusters_and_root_of_features() -> None:
    assert MIDDLING.phi == 3_000 * 0.25 / (2 * 8 * 4)


@pytest.mark.parametrize(
    ("n_claims", "verdict"),
    [(0, "refuse"), (1_279, "refuse"), (1_280, "warn"), (4_607, "warn"), (4_608, "fine"), (10**9, "fine")],
)
def test_plans_are_refused_below_five_and_warned_of_below_eighteen(n_claims: int, verdict: str) -> None:
    assert replace(MIDDLING, n_claims=n_claims).verdict is Verdict(verdict)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("n_claims", [1_200, 3_000])
def test_each_change_the_sentence_names_mends_the_plan(language: Language, n_claims: int) -> None:
    held = replace(MIDDLING, n_claims=n_claims)
    n_clusters, factor = {1_200: (2, 3.9), 3_000: (5, 1.6)}[n_claims]
    sentence = held.sentence(language)
    assert all(part in sentence for part in ("4,608", f" {n_clusters} ", f" {factor} "))
    assert replace(held, n_claims=4_608).verdict is Verdict.FINE
    assert replace(held, n_clusters=n_clusters).verdict is Verdict.FINE
    assert replace(held, n_clusters=n_clusters + 1).verdict is not Verdict.FINE
    assert replace(held, mu=held.mu * factor).verdict is Verdict.FINE


@pytest.mark.parametrize("language", list(Language))
def test_changes_that_cannot_help_are_not_named(language: Language) -> None:
    assert " 0 " not in replace(MIDDLING, n_claims=100).sentence(language)
    assert "epsilon" not in replace(MIDDLING, n_claims=0).sentence(language)


@pytest.mark.parametrize("language", list(Language))
def test_a_fine_plan_is_told_to_change_nothing(language: Language) -> None:
    assert "4,608" not in replace(MIDDLING, n_claims=4_608).sentence(language)


def test_an_index_just_below_a_threshold_is_not_shown_as_if_it_reached_it() -> None:
    assert "17.9," in replace(MIDDLING, n_claims=4_607).sentence(Language.ENGLISH)


@pytest.mark.parametrize(
    "change", [{"mu": 0.0}, {"n_clusters": 0}, {"n_features": 0}, {"claims_per_person": 0}, {"n_claims": -1}]
)
def test_what_is_no_plan_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        replace(MIDDLING, **change)
