"""What the page says of a protected run is what the run did; of an unprotected run it says nothing of the kind."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from common.accounting.guarantee import Language, Unit
from common.plan import Phase, Protection
from common.private.budget import measure_costs_of, sum_costs_of
from common.weighting import Weighting
from simulations.report import render_report
from simulations.report.answers import phase_blocks
from simulations.report.phi_scale import NAMES, phi_scale, shown_phi, zones
from simulations.report.privacy import privacy_section
from simulations.report.texts import load_catalogue
from simulations.story import Story
from tests.simulations.report.pages import Element, read_page
from tests.simulations.report.protected import EPSILON, N_BUREAUS, N_CLUSTERS, protected_story, with_privacy
from tests.simulations.report.stories import story_of, with_card

PROTECTED = (Protection.NOISE, Protection.SECURE)
LANGUAGES = ("en", "zh")


def words(element: Element, language: str = "en") -> str:
    return " ".join(element.text(language).split())


def page_of(story: Story) -> Element:
    return read_page(render_report(story))


def figures_in(text: str) -> list[int]:
    return [int(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*", text)]


def test_a_run_without_protection_has_a_banner_and_no_section_on_privacy() -> None:
    page = page_of(story_of())
    assert not page.all(id="privacy")
    assert not page.all("a", href="#privacy")
    assert not page.all(class_="released")
    assert page.all("aside", class_="banner")
    for language in LANGUAGES:
        assert "epsilon" not in words(page.one("body"), language)


@pytest.mark.parametrize("protection", PROTECTED)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_protected_run_says_what_it_guarantees_and_warns_of_no_missing_protection(
    protection: Protection, language: str
) -> None:
    story = protected_story(protection)
    page, privacy = page_of(story), story.model.plan.privacy
    assert privacy is not None
    section = words(page.one(id="privacy"), language)
    assert privacy.guarantee.sentence(Language(language)) in section
    assert page.all("a", href="#privacy")
    assert not page.all("aside", class_="banner")
    catalogue = load_catalogue()
    for key in ("banner.title", "left.learn_lead", "left.learn_end", "how.exact", "provenance.command"):
        assert catalogue.plain(key).en.split("<")[0] not in page.text()


@pytest.mark.parametrize("protection", PROTECTED)
def test_the_costs_of_the_rounds_add_up_to_what_the_model_says_was_spent(protection: Protection) -> None:
    story = protected_story(protection)
    page, spent = page_of(story), story.model.spent
    assert spent is not None
    rows = page.one(id="left").one("details").all("tr")[1:]
    by_round = [figures_in(row.all("td")[-1].text())[0] for row in rows]
    assert len(by_round) == len(story.rounds) == story.model.provenance.rounds
    assert sum(by_round) == spent.rho_billionths
    table = page.one("table", class_="budget").all("tr")[1:]
    *by_phase, total = [figures_in(row.all("td")[1].text())[0] for row in table]
    assert sum(by_phase) == total == spent.rho_billionths
    for chart in page.one(id="privacy").all("svg", class_="budget"):
        columns = [column.one("title").text() for column in chart.all("g", class_="round")]
        assert [figures_in(text.split(":")[1])[0] for text in columns] == by_round


def test_epsilon_spent_stands_beside_what_was_granted() -> None:
    section = privacy_section(protected_story(), load_catalogue())
    spent = protected_story().model.spent
    assert section is not None
    assert spent is not None
    assert section.epsilon == str(EPSILON)
    assert spent.epsilon <= float(section.epsilon_spent) <= EPSILON


@pytest.mark.parametrize("protection", PROTECTED)
def test_the_noise_of_each_block_is_worked_out_by_hand(protection: Protection) -> None:
    story = protected_story(protection)
    plan = story.model.plan
    assert plan.privacy is not None
    parts = plan.privacy.honest_floor if protection is Protection.SECURE else 1
    found = {rows.phase: {row.name: row for row in rows.rows} for rows in phase_blocks(story)}
    assert list(found) == [Phase.SEEDING, Phase.RADIUS, Phase.LLOYD, Phase.MEASURE]
    polish = next(report for report in story.rounds if report.phase is Phase.LLOYD)
    costs = sum_costs_of(polish.cost, plan.features.n_features, plan.privacy.division)
    for name, cost in zip(("counts", "sums", "squares"), costs, strict=True):
        own = math.sqrt(1e9 / (2 * cost) / parts)
        assert found[Phase.LLOYD][name].own_std == f"{own:,.1f}"
        assert found[Phase.LLOYD][name].sum_std == f"{own * math.sqrt(N_BUREAUS):,.1f}"
    last = measure_costs_of(story.rounds[-1].cost)
    k = len(story.cards)
    assert [row.n_words for row in found[Phase.MEASURE].values()] == [str(k), str(k), str(3 * k)]
    assert found[Phase.MEASURE]["costs"].own_std == f"{math.sqrt(3 * 1e9 / (2 * last[2]) / parts):,.1f}"
    assert [row.n_words for row in found[Phase.RADIUS].values()] == ["40"]
    shares = [float(row.share.rstrip("%")) for rows in found.values() for row in rows.values()]
    assert sum(shares) == pytest.approx(100.0, abs=0.1 * len(shares))


def test_every_release_is_said_to_have_been_preceded_by_a_ledger_entry() -> None:
    held = words(page_of(protected_story()).one(id="left"))
    n = len(protected_story().rounds)
    assert f"A ledger entry with the cost came before each of a bureau’s {n} answers" in held


def test_cards_show_the_published_count_beside_the_one_inside() -> None:
    story = protected_story()
    noise_std = story.model.quality.count_noise_std
    page = page_of(story)
    assert {card.released_count is None for card in story.cards} == {True, False}
    for card in story.cards:
        shown = words(page.one(id=f"cluster-{card.cluster}").one(class_="released"))
        if card.released_count is None:
            assert shown == "published: hidden, below the floor"
        else:
            assert shown == f"published: {card.released_count:,} ± {noise_std:,.0f} persons"
            assert card.released_count >= 11 + 2 * noise_std


def test_a_hidden_count_is_nowhere_on_the_page() -> None:
    story = protected_story()
    place = next(card.cluster for card in story.cards if card.released_count is not None)
    shown = f"{story.cards[place].released_count:,} ±"
    assert shown in render_report(story)
    assert shown not in render_report(with_card(story, place, released_count=None))


def test_a_small_count_inside_is_hidden_even_where_the_noisy_one_is_published() -> None:
    story = with_card(protected_story(), 0, count=7, bureau_counts=(3, 4, 0), released_count=400)
    card = page_of(story).one(id="cluster-0")
    assert words(card.one(class_="size")).startswith("<11")
    assert 7 not in figures_in(words(card.one(class_="size")))
    assert "published: 400 ±" in words(card)
    assert not card.all("svg")


def test_a_round_without_inertia_has_a_bar_and_no_point() -> None:
    story = protected_story()
    silent = [report for report in story.rounds if report.inertia is None]
    assert [report.phase for report in silent] == [Phase.RADIUS]
    for chart in page_of(story).one(id="rounds").all("svg"):
        marks = chart.all("g", class_="apart") + chart.all("g", class_="comparable")
        assert len(marks) == len(story.rounds)
        assert all(mark.all("rect") for mark in marks)
        without = [words(mark.one("title")) for mark in marks if not mark.all("circle")]
        assert without == [f"Round {silent[0].number}, radius: 1 centroids"]


def test_the_chart_of_rounds_says_that_inertia_is_noisy_and_has_no_line_that_does_not_compare() -> None:
    story = protected_story()
    story = replace(story, result={**story.result, "reference_inertia": 100.0})
    held = page_of(story).one(id="rounds")
    assert "noisy and bounded" in words(held)
    assert "computed inside the simulation" in words(held)
    assert not held.all("g", class_="reference")
    assert page_of(story_of()).one(id="rounds").all("g", class_="reference")


def test_inertia_below_zero_is_drawn_on_a_plain_scale() -> None:
    story = protected_story()
    noisy = replace(story, rounds=tuple(replace(one, inertia=-5.0 * one.number) for one in story.rounds))
    assert "logarithmic" in words(page_of(story).one(id="rounds").one("svg"))
    assert "logarithmic" not in words(page_of(noisy).one(id="rounds").one("svg"))


def test_the_map_is_weighted_by_counts_inside_so_hidden_ones_do_not_matter() -> None:
    story = protected_story()
    hidden = story.model.model_copy(
        update={"clusters": tuple(one.model_copy(update={"count": None}) for one in story.model.clusters)}
    )
    one, other = page_of(story).one(id="map"), page_of(replace(story, model=hidden)).one(id="map")
    assert words(one) == words(other)
    assert len(one.one("svg").all("circle")) == len(story.cards) <= N_CLUSTERS


@pytest.mark.parametrize(
    ("changes", "told", "untold"),
    [
        ({}, "Claims of a person share one weight", "bureaus_per_person=2"),
        ({"weighting": Weighting.CAPPED, "claims_per_person": 3}, "At most 3 claims of a person count", "share one"),
        ({"unit": Unit.CLAIM, "weighting": Weighting.EACH_CLAIM}, "A person with several claims", "In one bureau"),
        ({"bureaus_per_person": 2}, "In up to 2 bureaus", "In one bureau"),
    ],
)
def test_the_bound_on_a_person_is_told_as_the_plan_has_it(changes: dict[str, object], told: str, untold: str) -> None:
    section = words(page_of(with_privacy(protected_story(), **changes)).one(id="privacy"))
    assert told in section
    assert untold not in section


def test_the_index_lies_in_one_zone_of_its_scale() -> None:
    expected = {0.1: 0, 4.99: 0, 5.0: 1, 17.9: 1, 18.0: 2, 35.0: 3, 49.0: 3, 50.0: 4, 900.0: 4}
    for phi, place in expected.items():
        assert [zone.name for zone in zones(phi) if zone.here] == [NAMES[place]]
    assert [(zone.low, zone.high) for zone in zones(20.0)] == [
        ("", "5"),
        ("5", "18"),
        ("18", "35"),
        ("35", "50"),
        ("50", ""),
    ]
    assert shown_phi(17.99) == "17.9"


def test_the_pointer_of_the_scale_moves_with_the_index_and_stays_on_it() -> None:
    places = []
    for phi in (0.1, 2.0, 5.0, 20.0, 50.0, 1e6):
        wide = read_page(phi_scale(phi, load_catalogue())).all("svg")[0]
        places.append(float(wide.one("g", class_="pointer").one("text").attributes["x"]))
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0.0, 1040.0)
    assert np.diff(places)[1:-1].min() > 0
