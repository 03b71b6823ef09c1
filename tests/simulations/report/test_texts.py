"""Both languages are complete, and the page shows one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Formatter

import pytest

from client.claims.reasons import Reason
from common.plan import Phase, Protection
from common.weighting import Weighting
from simulations.report import render_report
from simulations.report.leaving import kinds
from simulations.report.palette import FAMILIES, NO_FEES
from simulations.report.phi_scale import NAMES
from simulations.report.texts import Catalogue, Text, both, load_catalogue, same
from simulations.story import Story
from tests.simulations.report.pages import read_page
from tests.simulations.report.protected import protected_story
from tests.simulations.report.stories import story_of

STORIES = {
    Protection.NONE: story_of,
    Protection.NOISE: lambda: protected_story(Protection.NOISE),
    Protection.SECURE: lambda: protected_story(Protection.SECURE),
}

HAN = re.compile(r"[\u4e00-\u9fff]")


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def markup(text: str) -> list[str]:
    return sorted(re.findall(r"</?\w+>", text))


@pytest.mark.parametrize("key", sorted(load_catalogue().keys()))
def test_every_text_says_the_same_in_both_languages(key: str) -> None:
    raw = load_catalogue()._texts[key]
    assert raw.en.strip()
    assert raw.zh.strip()
    assert not HAN.search(raw.en)
    assert gaps(raw.en) == gaps(raw.zh)
    assert markup(raw.en) == markup(raw.zh)
    assert HAN.search(raw.zh) or not re.search("[A-Za-z]", re.sub(r"\{\w+\}|CV|·", "", raw.en)), raw.zh


def test_every_reason_phase_and_family_has_its_texts() -> None:
    keys = load_catalogue().keys()
    assert {f"reason.{reason}" for reason in Reason} <= keys
    assert {f"{table}.{phase}" for phase in Phase for table in ("phase", "phase_about")} <= keys
    assert {f"zone.{name}" for name in NAMES} | {f"bound.{one}" for one in Weighting} <= keys
    assert {f"family.{family}" for family in (*FAMILIES, NO_FEES)} <= keys


def test_every_field_of_every_message_of_a_bureau_is_explained() -> None:
    keys = load_catalogue().keys()
    for protection in Protection:
        assert {f"kind.{kind.name}" for kind in kinds(protection)} <= keys
        assert {f"field.{field}" for kind in kinds(protection) for field in kind.fields} <= keys


@pytest.mark.parametrize("story", STORIES.values(), ids=map(str, STORIES))
def test_the_english_page_holds_no_chinese_but_the_switch(story: Callable[[], Story]) -> None:
    page = read_page(render_report(story()))
    assert set(HAN.findall(page.one("body").text("en"))) == set()


@pytest.mark.parametrize("story", STORIES.values(), ids=map(str, STORIES))
def test_the_chinese_page_holds_no_sentence_in_english(story: Callable[[], Story]) -> None:
    page = read_page(render_report(story()))
    shown = page.one("body").text("zh")
    allowed = ("scikit-learn k-means", "Known group", "Disease")
    found = [words for words in re.findall(r"[A-Za-z]+(?: [a-z]+){2,}", shown) if not words.startswith(allowed)]
    assert found == []
    assert "经办机构" in shown


def test_a_title_carries_both_languages() -> None:
    page = read_page(render_report(story_of()))
    assert not HAN.search(page.one("title").text("en"))
    assert HAN.search(page.one("title").text("zh"))


def test_values_are_escaped_and_languages_kept_apart() -> None:
    catalogue = Catalogue({"a": Text(en="<b>{x}</b>", zh="乙{x}")})
    assert catalogue.pair("a", x=Text(en="<i>", zh="&")) == (
        '<span lang="en"><b>&lt;i&gt;</b></span><span lang="zh">乙&amp;</span>'
    )
    assert both(same("<i>")) == "&lt;i&gt;"


def test_an_unknown_key_and_an_empty_gap_are_errors() -> None:
    catalogue = Catalogue({"a": Text(en="{x}", zh="{x}")})
    with pytest.raises(KeyError):
        catalogue.pair("b")
    with pytest.raises(KeyError):
        catalogue.pair("a")
