"""The page on a stream: well formed, alone in the world, in two languages, and true to the result."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.accounting.guarantee import Unit
from common.stream.alarms import AlarmKind
from common.stream.state import Change
from simulations.report.texts import load_catalogue
from simulations.stream.kept import Kept
from simulations.stream.lineage import Standing
from simulations.stream.report import render_stream
from simulations.stream.report.alarm_lanes import LANES
from simulations.stream.report.axis import Axis
from simulations.stream.report.budget_chart import budget_chart
from simulations.stream.report.colours import colour_of
from simulations.stream.report.stack import stacked
from simulations.stream.result import TEXTS, result_of
from simulations.stream.saying import sort_of
from simulations.stream.story import StreamStory
from simulations.world.happenings import PriceRise
from tests.simulations.report.pages import Element, read_page
from tests.simulations.report.test_texts import HAN, gaps, markup
from tests.simulations.stream.stories import EVENTS, HAPPENINGS, empty, large, story, without_model
from tests.simulations.stream.test_result import PATHS

HOSTILE = "<script>alert('x')</script>\"onload=\"y{{ 7*7 }}"


def of_persons() -> StreamStory:
    """The story with persons protected."""
    plan = story().plan
    assert plan.privacy is not None
    privacy = plan.privacy.model_copy(update={"unit": Unit.PERSON})
    return replace(story(), plan=plan.model_copy(update={"privacy": privacy}))


STORIES: dict[str, Callable[[], StreamStory]] = {
    "ordinary": story,
    "persons": of_persons,
    "no window": empty,
    "no model": without_model,
    "one window": lambda: replace(story(), ticks=story().ticks[:1], spending=story().spending[:1]),
    "no spending": lambda: replace(story(), spending=()),
}


@pytest.fixture(scope="module")
def held() -> str:
    return render_stream(story())


@pytest.fixture(scope="module")
def page(held: str) -> Element:
    return read_page(held)


def words(element: Element, language: str = "en") -> str:
    return " ".join(element.text(language).split())


def axis_of(made: StreamStory) -> Axis:
    return Axis(name="wide", width=1000.0, left=100.0, most_columns=240, labels=8, story=made)


@pytest.mark.parametrize("name", STORIES)
def test_every_story_gives_a_well_formed_page_with_unique_ids_and_links_that_lead_somewhere(name: str) -> None:
    found = read_page(render_stream(STORIES[name]()))
    ids = Counter(element.attributes["id"] for element in found.all() if "id" in element.attributes)
    assert [one for one, times in ids.items() if times > 1] == []
    wanted = {element.attributes["href"] for element in found.all("a")}
    wanted |= {f"#{one}" for each in found.all() for one in each.attributes.get("aria-labelledby", "").split()}
    assert {one for one in wanted if one.removeprefix("#") not in ids} == set()


def test_the_page_loads_nothing_and_holds_no_path_of_a_machine(held: str, page: Element) -> None:
    assert re.findall(r"(?i)https?:|url\(|@import|javascript:|<link|<img|<iframe|src=", held) == []
    assert PATHS.findall(held) == []
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert [element.tag for element in page.all() if "style" in element.attributes] == []


def test_the_same_story_gives_the_same_bytes(held: str) -> None:
    assert render_stream(replace(story())) == held


def test_the_largest_page_stays_below_two_megabytes() -> None:
    assert len(render_stream(large()).encode()) < 2_000_000


def test_the_figures_on_the_page_are_those_of_the_result(page: Element) -> None:
    result = result_of(story())
    figures, spending = result["figures"], result["spending"]
    shown = {key: page.one(id=f"tile-{key}") for key in ("windows", "ratio", "frozen", "clusters", "alarms")}
    values = {key: words(tile.one("span", class_="value")) for key, tile in shown.items()}
    assert values == {
        "windows": str(figures["windows"]),
        "ratio": f"{figures['ratio']['mean']:.3f}",
        "frozen": f"{figures['frozen']['mean']:.3f}",
        "clusters": str(figures["clusters"]),
        "alarms": str(figures["alarms"]),
    }
    assert f"below {figures['ratio']['p95']:.3f}" in words(shown["ratio"])
    assert f"{figures['published']} published" in words(shown["windows"])
    assert f"{figures['kept']['pooled']} kept the old one: too few claims" in words(shown["windows"])
    assert "births 2, deaths 1, merges 1, splits 1" in words(shown["clusters"])
    assert words(page.one(id="budget").all("dd")[0]) == f"{spending['epsilon']:.3f}"
    assert words(page.one(id="tile-epsilon_claim").one("span", class_="value")) == f"{result['epsilon_of_window']:.2f}"


def test_the_tables_are_those_of_the_result(page: Element) -> None:
    result = result_of(story())
    for row in result["alarms"]:
        told = page.one(id=f"alarm-{row['number']}")
        assert [row["en"], row["zh"]] == [words(one, one.attributes["lang"]) for one in told.all(class_="always")]
        minutes = [f"happening {one['number']}, after {one['minutes']:.0f} min" for one in row["happenings"]]
        assert [words(one) for one in told.all("a")] == minutes
    for row in result["happenings"]:
        told = page.one(id=f"happening-{row['number']}")
        assert row["en"] in words(told)
        assert row["zh"] in words(told, "zh")
        assert words(told.all("td")[-1]) == ("–" if row["minutes"] is None else f"{row['minutes']:.0f}")
    shown = [words(row.one("th")) for row in page.one(id="clusters").all("tr")[1:]]
    assert shown == [str(one["identity"]) for one in result["clusters"]]
    windows = [[words(cell) for cell in row.all()] for row in page.one(id="windows").one("tbody").all("tr")]
    assert len(windows) == len(result["ticks"])
    assert all(f"{tick['claims']:,}" in row for row, tick in zip(windows, result["ticks"], strict=True))


def test_a_claim_is_told_of_parallel_composition_and_a_person_of_the_sum() -> None:
    claim, person = (read_page(render_stream(made)) for made in (story(), of_persons()))
    assert "compose in parallel" in words(claim.one(id="tile-epsilon_claim"))
    assert "Windows add up for a person" in words(person.one(id="tile-epsilon_person"))
    spent = story().spending[-1].epsilon
    assert words(person.one(id="tile-epsilon_person").one("span", class_="value")) == f"{spent:.2f}"


def test_what_only_a_simulation_knows_is_marked(page: Element) -> None:
    for place in ("told", "fit", "tile-ratio", "tile-frozen"):
        assert "simulation alone" in words(page.one(id=place).one(class_="truth")), place
    headings = [words(one) for one in page.one("svg", class_="timeline").all("text", class_="panel", lang="en")]
    assert ["simulation alone" in one for one in headings] == [True, True, False]


@pytest.mark.parametrize("key", sorted(load_catalogue(TEXTS).keys()))
def test_every_text_says_the_same_in_both_languages(key: str) -> None:
    raw = load_catalogue(TEXTS)._texts[key]
    assert raw.en.strip()
    assert raw.zh.strip()
    assert not HAN.search(raw.en)
    assert gaps(raw.en) == gaps(raw.zh)
    assert markup(raw.en) == markup(raw.zh)


def test_everything_that_can_happen_has_its_texts_and_its_lane() -> None:
    keys = load_catalogue(TEXTS).keys()
    assert {f"alarm.{kind.name.lower()}" for kind in AlarmKind} <= keys
    assert {f"kept.{one}" for one in Kept} | {f"standing.{one}" for one in Standing} <= keys
    assert {f"origin.{one}" for one in (Change.SEEDED, Change.BIRTH, Change.SPLIT)} <= keys
    sorts = {sort_of(one) for one in (*HAPPENINGS, PriceRise(begins=0, ends=1, percent=-5))}
    assert {f"{table}.{sort}" for sort in sorts for table in ("happened", "happened_brief")} <= keys
    assert sorted(kind for kinds in LANES.values() for kind in kinds) == sorted(AlarmKind)


@pytest.mark.parametrize("name", STORIES)
def test_each_language_shows_nothing_of_the_other_but_the_alarms_and_the_switch(name: str) -> None:
    body = read_page(render_stream(STORIES[name]())).one("body")
    assert set(HAN.findall(body.text("en"))) == set()
    shown = body.text("zh")
    assert [one for one in re.findall(r"[A-Za-z]+(?: [a-z]+){2,}", shown) if "k-means" not in one] == []
    assert "经办机构" in shown


def test_hostile_text_is_shown_as_text_wherever_it_stands() -> None:
    spent = replace(story().spending[-1], left_out={HOSTILE: 500})
    made = replace(
        story(),
        command=HOSTILE,
        seconds={HOSTILE: 1.0},
        bureaus=(HOSTILE, *story().bureaus[1:]),
        spending=(*story().spending[:-1], spent),
    )
    found = render_stream(made)
    page = read_page(found)
    assert "<script>alert" not in found
    assert len(page.all("script")) == 1
    assert [name for element in page.all() for name in element.attributes if name.startswith("on")] == []
    for place in ("provenance", "budget", "answers", "told"):
        assert HOSTILE[:20] in page.one(id=place).text(), place


def test_shares_of_clusters_fill_every_window_that_has_a_model() -> None:
    stack = stacked(axis_of(story()))
    whole = stack.shares.sum(axis=0)
    assert whole[:2].tolist() == [0, 0]
    np.testing.assert_allclose(whole[2:], 1)
    assert (stack.shares[~stack.alive] == 0).all()
    np.testing.assert_allclose(stack.upper[-1], whole)


def test_a_window_without_claims_is_drawn_like_the_one_before() -> None:
    ticks = list(story().ticks)
    ticks[30] = replace(ticks[30], cell_counts={})
    stack = stacked(axis_of(replace(story(), ticks=tuple(ticks))))
    np.testing.assert_array_equal(stack.shares[:, 30], stack.shares[:, 29])


def test_bands_are_hatched_in_quarantine_alone(page: Element) -> None:
    bands = page.one("svg", class_="timeline").one("g", class_="bands").all("g")
    hatched = {words(band.one("title")) for band in bands if band.all("path", class_="hatch")}
    assert hatched == {"Cluster 7", "Cluster 9"}
    stack = stacked(axis_of(story()))
    seventh = stack.quarantined[stack.identities.index(7)]
    assert np.flatnonzero(seventh).tolist() == list(range(13, 21))


def test_the_colour_of_a_cluster_follows_from_its_identity(page: Element) -> None:
    bands = page.one("svg", class_="timeline").one("g", class_="bands").all("g")
    for band in bands:
        identity = int(words(band.one("title")).split()[-1])
        assert band.one("path").attributes["fill"] == colour_of(identity)
    assert len({colour_of(identity) for identity in range(1, 200)}) > 150


def test_every_alarm_and_every_happening_is_in_the_picture(page: Element) -> None:
    for name in ("wide", "narrow"):
        picture = next(one for one in page.all("svg", class_="timeline") if one.fits("", {"class_": name}))
        links = [link.attributes["href"] for link in picture.all("a")]
        result = result_of(story())
        wanted = [f"#alarm-{one['number']}" for one in result["alarms"]]
        wanted += [f"#happening-{one['number']}" for one in result["happenings"]]
        assert sorted(links) == sorted(wanted)


def test_bureaus_that_were_away_and_windows_that_were_kept_are_in_the_strip(page: Element) -> None:
    strip = words(page.one("svg", class_="answered"))
    assert "01-06 06:00 – 01-06 08:00 Bureau 990103: not reachable" in strip
    assert "01-06 00:00 – 01-06 01:00 too few claims, which wait for the next window" in strip
    assert "01-06 19:30 – 01-06 20:00 an answer was lost" in strip
    assert "Bureau 990103: reachable, but in none" in strip


def test_pictures_have_a_title_and_those_who_cannot_see_small_ones_are_spared_them(page: Element) -> None:
    for picture in page.all("svg"):
        hidden = picture.attributes.get("aria-hidden") == "true"
        assert hidden or any(isinstance(child, Element) and child.tag == "title" for child in picture.children)


@pytest.mark.parametrize(("asked", "language"), [("en", "en"), ("zh", "zh-Hans")])
def test_a_browser_opens_the_page_without_a_complaint(held: str, tmp_path: Path, asked: str, language: str) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no browser here")
    place = tmp_path / "stream.html"
    place.write_text(held, encoding="utf-8")
    told = subprocess.run(  # noqa: S603  a browser that was looked for above
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--enable-logging=stderr", "--dump-dom", f"{place.as_uri()}?lang={asked}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in told.stderr
    assert f'<html lang="{language}"' in told.stdout


def test_the_budget_rises_in_steps_to_what_the_books_say() -> None:
    last = replace(story().spending[-1], epsilon=2.0, limit=4.0, left_out={"spent": 0})
    made = replace(story(), ticks=story().ticks[:2], spending=(replace(last, epsilon=0.0), last))
    chart = read_page(budget_chart(made, load_catalogue(TEXTS))).one("svg")
    level = {line.attributes["class"]: float(line.attributes["y1"]) for line in chart.all("line", class_="limit")}
    steps = [float(one) for one in re.findall(r"[ V](-?[\d.]+)H", chart.one("path", class_="ours").attributes["d"])]
    assert steps[0] - steps[1] == pytest.approx((steps[0] - level["limit"]) / 2, abs=0.1)


def test_claims_left_out_are_drawn_where_there_are_any(page: Element) -> None:
    assert page.one(id="budget").all("path", class_="left-out")
    spending = tuple(replace(one, left_out={"spent": 0}) for one in story().spending)
    quiet = read_page(render_stream(replace(story(), spending=spending)))
    assert quiet.one(id="budget").all("path", class_="left-out") == []


def test_an_outage_is_not_held_against_the_alarms(page: Element) -> None:
    assert "no alarm tells of outages" in words(page.one(id="happening-3"))
    assert "not told" in words(page.one(id="happening-6"))


def test_what_happens_to_clusters_is_marked_on_their_bands(page: Element) -> None:
    marks = page.one("svg", class_="timeline").one("g", class_="changes").all("path")
    looks = [mark.attributes["class"].removeprefix("glyph glyph-") for mark in marks]
    assert looks == [event.change.value for event in EVENTS]


def test_the_model_of_the_stream_stands_beside_the_frozen_one_and_the_oracle(page: Element) -> None:
    chart = page.one(id="fit").one("svg")
    level = float(chart.one("line", class_="oracle").attributes["y1"])
    lines = {look: chart.one("path", class_=look).attributes["d"] for look in ("ours", "frozen", "riv")}
    ends = {look: float(path.split()[-1]) for look, path in lines.items()}
    assert ends["frozen"] < ends["ours"] < level
