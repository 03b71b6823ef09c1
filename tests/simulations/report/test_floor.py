"""No count from 1 to 10 is shown, nor one from which such a count could be worked out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from simulations.report import render_report
from simulations.report.cards import cluster_cards
from simulations.report.floor import GuardedShare, guarded_share, hidden, hidden_cells, shown_counts
from simulations.report.texts import load_catalogue
from simulations.story import FLOOR, CodeShare
from tests.simulations.report.pages import read_page
from tests.simulations.report.stories import story_of, with_card

TABLES = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 40))


def test_a_small_count_takes_another_with_it() -> None:
    assert hidden([500, 30, 4]) == (False, True, True)
    assert hidden([500, 30, 6, 5]) == (False, False, True, True)
    assert hidden([500, 30, 2, 3]) == (False, True, True, True)
    assert hidden([500, 30, 11]) == (False, False, False)
    assert shown_counts([500, 30, 4]) == ("500", "–", "<11")


@settings(derandomize=True, max_examples=200)
@given(TABLES)
def test_no_hidden_cell_follows_from_the_margins(table: np.ndarray) -> None:  # type: ignore[type-arg]
    mask = hidden_cells(table)
    assert mask[(table > 0) & (table < FLOOR)].all()
    for lines, masks in ((table, mask), (table.T, mask.T)):
        for line, held in zip(lines, masks, strict=True):
            together = held.sum() >= 2 and line[held].sum() >= FLOOR
            assert not held.any() or together or held.all()


def test_shares_that_would_give_a_small_count_away_become_bounds() -> None:
    assert guarded_share(50, 200) == GuardedShare(bound="", value=0.25)
    assert guarded_share(0, 200) == GuardedShare(bound="", value=0.0)
    assert guarded_share(200, 200) == GuardedShare(bound="", value=1.0)
    assert guarded_share(3, 200) == guarded_share(10, 200) == GuardedShare(bound="≤", value=0.05)
    assert guarded_share(197, 200) == guarded_share(190, 200) == GuardedShare(bound="≥", value=0.95)


def test_of_a_small_cluster_nothing_is_told_but_that_it_is_small() -> None:
    story = story_of(2, 3, counts=np.array([[500, 300], [40, 30], [2, 3]]))
    codes = (CodeShare(code="SECRET", count=4, name_en="Secret", name_zh="秘密"),)
    story = with_card(story, 2, diagnoses=codes, operations=codes, truth=codes[0])
    held = render_report(story)
    page = read_page(held)
    card = page.one(id="cluster-2")
    assert "family-unknown" in card.one("span").attributes["class"]
    marks = [mark for mark in page.all("a", href="#cluster-2") if mark.all("circle")]
    assert {mark.one("circle").attributes["class"] for mark in marks} == {"family-unknown"}
    assert "SECRET" not in held
    assert "Secret" not in held
    assert "<11" in card.text()
    assert "Fewer than 11 claims" in card.text()
    assert not card.all("svg")
    assert set(card.attributes) == {"class", "id", "data-number"}


def test_the_count_that_would_give_a_small_cluster_away_is_nowhere() -> None:
    story = story_of(2, 3, counts=np.array([[500, 300], [41, 36], [2, 3]]))
    page = read_page(render_report(story))
    assert "–" in page.one(id="cluster-1").one(class_="size").text()
    assert "77" not in page.one(id="map").text() + page.one(id="cluster-1").text()


def test_small_cells_of_the_heat_map_are_dots() -> None:
    story = story_of(3, 3, counts=np.array([[500, 400, 300], [200, 100, 4], [30, 50, 70]]))
    picture = read_page(render_report(story)).one("svg", class_="mix")
    assert len(picture.all("g", class_="hidden")) == 4
    assert len(picture.all("g", class_="cell")) == 3 + 9 - 4


def test_the_rest_of_the_codes_of_a_card_is_not_given_away() -> None:
    codes = (
        CodeShare(code="A", count=800, name_en="", name_zh=""),
        CodeShare(code="B", count=194, name_en="", name_zh=""),
    )
    story = with_card(story_of(1, 1, counts=np.array([[1000]])), 0, diagnoses=codes, truth=replace(codes[0], count=995))
    card = cluster_cards(story, load_catalogue())[0]
    assert [line.share for line in card.diagnoses] == ["80%", "≥ 19%"]
    assert card.truth is not None
    assert card.truth.share == "≥ 99%"


def test_codes_below_the_floor_are_left_out_even_if_a_story_holds_them() -> None:
    codes = (
        CodeShare(code="A", count=600, name_en="", name_zh=""),
        CodeShare(code="RARE", count=10, name_en="", name_zh=""),
    )
    story = with_card(story_of(1, 1, counts=np.array([[1000]])), 0, diagnoses=codes)
    assert "RARE" not in render_report(story)


def test_small_numbers_of_rejected_rows_are_not_shown() -> None:
    story = replace(story_of(2, 3), rejected={"a": 500, "b": 30, "c": 4})
    table = read_page(render_report(story)).one(id="rejected")
    rows = [[cell.text() for cell in row.all("td")] for row in table.all("tr")][1:]
    assert rows == [["a", "500"], ["b", "–"], ["c", "<11"]]
