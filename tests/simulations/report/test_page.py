"""The page is well formed, needs nothing from outside, stays small, and lets nothing hostile through."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from common.plan import Protection
from simulations.report import render_report
from simulations.story import CodeShare, Story
from tests.simulations.report.pages import Element, read_page
from tests.simulations.report.protected import protected_story
from tests.simulations.report.stories import story_of, with_card, with_result

HOSTILE = "<script>alert('x')</script>\"onload=\"y{{ 7*7 }}"
NONE_KNOWN = dict.fromkeys(
    ("reference_inertia", "inertia_ratio", "riv_log_cost", "riv_log_cost_reference", "riv_cost", "truth_ari",
     "truth_nmi", "truth_ari_reference", "share_clusters_cv_below_1", "seconds", "command", "peak_rss_mb")
)  # fmt: skip


@pytest.fixture(scope="module")
def ordinary() -> str:
    return render_report(story_of())


def nothing_known() -> Story:
    story = with_result(story_of(3, 4), **NONE_KNOWN)
    cards = tuple(
        replace(card, truth=None, diagnoses=(), operations=(), cost_cv=None, mean_stay_days=None, mean_age_years=None)
        for card in story.cards
    )
    return replace(story, cards=cards, rejected={})


STORIES = {
    "8 bureaus, 36 clusters": story_of,
    "1 bureau, 1 cluster": lambda: story_of(1, 1),
    "2 clusters": lambda: story_of(3, 2),
    "64 bureaus, 64 clusters": lambda: story_of(64, 64),
    "nothing known": nothing_known,
    "one claim": lambda: story_of(1, 1, counts=np.array([[1]])),
    "no rounds": lambda: replace(story_of(2, 3), rounds=()),
    "noise": lambda: protected_story(Protection.NOISE),
    "secure": lambda: protected_story(Protection.SECURE),
    "noise, no rounds": lambda: replace(protected_story(), rounds=()),
    "no fees": lambda: with_card(story_of(2, 3), 0, fee_shares=(0.0,) * 14),
}


@pytest.mark.parametrize("name", STORIES)
def test_every_story_gives_a_well_formed_page_with_unique_ids_and_links_that_lead_somewhere(name: str) -> None:
    page = read_page(render_report(STORIES[name]()))
    ids = Counter(element.attributes["id"] for element in page.all() if "id" in element.attributes)
    assert [one for one, times in ids.items() if times > 1] == []
    wanted = [element.attributes["href"] for element in page.all("a")]
    wanted += [f"#{element.attributes['for']}" for element in page.all("label") if "for" in element.attributes]
    labelled = [element.attributes.get("aria-labelledby", "") for element in page.all()]
    wanted += [f"#{one}" for names in labelled for one in names.split()]
    assert {one for one in wanted if one.removeprefix("#") not in ids} == set()


@pytest.mark.parametrize("broken", ["<p><b></p></b>", "<p>", '<a id="x" id="y"></a>'])
def test_the_check_of_well_formed_pages_can_fail(broken: str) -> None:
    with pytest.raises(ValueError, match=r"closes|never closed|twice"):
        read_page(broken)


def test_the_largest_page_stays_below_two_megabytes() -> None:
    assert len(render_report(story_of(64, 64)).encode()) < 2_000_000


def test_no_address_of_another_place_is_in_the_page(ordinary: str) -> None:
    assert re.findall(r"(?i)https?:|//[a-z]|url\(|@import|javascript:|<link|<img|<iframe|src=", ordinary) == []


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(ordinary: str) -> None:
    page = read_page(ordinary)
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]

    def digest(tag: str) -> str:
        held = "".join(str(child) for child in page.one(tag).children)
        return base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()

    style, script = digest("style"), digest("script")
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert len(page.all("script")) == 1
    assert [element.tag for element in page.all() if "style" in element.attributes] == []
    assert [name for element in page.all() for name in element.attributes if name.startswith("on")] == []


def test_hostile_text_is_shown_as_text_wherever_it_stands() -> None:
    story = story_of(2, 3)
    bad = CodeShare(code=HOSTILE, count=500, name_en=HOSTILE, name_zh=HOSTILE)
    story = with_card(story, 0, diagnoses=(bad,), operations=(bad,), truth=bad)
    bureau = replace(story.bureaus[0], name=HOSTILE, name_en=HOSTILE, name_zh=HOSTILE, lost=True)
    story = replace(story, bureaus=(bureau, story.bureaus[1]), rejected={HOSTILE: 500})
    story = with_result(story, command=HOSTILE, engine=HOSTILE, version=HOSTILE, seconds={HOSTILE: 1.0})
    held = render_report(story)
    page = read_page(held)
    assert "<script>alert" not in held
    assert "49" not in page.one(id="rejected").text()
    assert len(page.all("script")) == 1
    assert _on_events(page) == []
    for place in ("cluster-0", "rejected", "lost", "left", "mix", "provenance"):
        assert HOSTILE[:20] in page.one(id=place).text(), place


def test_pictures_have_a_title_and_those_who_cannot_see_small_bars_are_spared_them(ordinary: str) -> None:
    for picture in read_page(ordinary).all("svg"):
        hidden = picture.attributes.get("aria-hidden") == "true"
        assert hidden or any(isinstance(child, Element) and child.tag == "title" for child in picture.children)


def _on_events(page: Element) -> list[str]:
    return [name for element in page.all() for name in element.attributes if name.startswith("on")]
