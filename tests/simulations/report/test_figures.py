"""Every figure on the page is the story's, worked out by hand or read from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.claim import FEE_CATEGORIES
from common.plan import Phase, Protection
from common.schedule import n_words
from common.summary import Summary
from simulations.report import render_report
from simulations.report.bars import bar, fee_bar, gauge
from simulations.report.formats import decimal, integer, percent, seconds, size, yuan
from simulations.report.leaving import kinds, phases, summary_parts
from simulations.report.palette import FAMILIES, leading_family
from simulations.report.texts import load_catalogue
from simulations.report.tiles import tiles
from tests.simulations.report.pages import Element, read_page
from tests.simulations.report.stories import COMMAND, story_of, with_card, with_result

STORY = story_of()


@pytest.fixture(scope="module")
def page() -> Element:
    return read_page(render_report(STORY))


def words(element: Element, language: str = "en") -> str:
    return " ".join(element.text(language).split())


def test_formats_by_hand() -> None:
    assert [integer(1234567), integer(None)] == ["1,234,567", "–"]
    assert [decimal(0.97061), decimal(1.5, 1), decimal(None)] == ["0.971", "1.5", "–"]
    assert [percent(0.5), percent(0.0), percent(1.0), percent(0.001), percent(0.999)] == [
        "50%", "0%", "100%", "<1%", ">99%",
    ]  # fmt: skip
    assert [size(999), size(1000), size(2_650_000)] == ["999 B", "1.0 kB", "2.6 MB"]
    assert [yuan(1234.4), yuan(None)] == ["¥1,234", "–"]
    assert [seconds(12.34), seconds(229.4), seconds(None)] == ["12.3", "229", "–"]


def test_the_headline_tells_what_the_run_was(page: Element) -> None:
    facts = page.one("dl", class_="facts")
    figures = [words(element) for element in facts.all("dd")]
    total = sum(card.count for card in STORY.cards)
    assert figures == ["8", f"{total:,}", "36", "84", "13.7"]


def test_the_tiles_show_the_figures_of_quality_beside_the_reference(page: Element) -> None:
    shown = [words(tile) for tile in page.one(id="quality").all("article")]
    expected = [("0.971", "1.000"), ("0.794", "0.790"), ("93%", ""), ("0.716", "0.707"), ("0.843", "")]
    assert len(shown) == len(expected)
    for text, (value, reference) in zip(shown, expected, strict=True):
        assert value in text
        assert (f"pooled: {reference}" in text) if reference else ("pooled:" not in text)


def test_verdicts_follow_the_distance_from_the_reference() -> None:
    def verdicts(**changes: object) -> dict[str, str]:
        return {tile.key: tile.verdict for tile in tiles(with_result(STORY, **changes).result)}

    assert verdicts() == {
        "inertia_ratio": "good",
        "riv_log_cost": "good",
        "share_clusters_cv_below_1": "fair",
        "truth_ari": "good",
        "truth_nmi": "",
    }
    assert verdicts(inertia_ratio=1.03)["inertia_ratio"] == "fair"
    assert verdicts(inertia_ratio=1.3)["inertia_ratio"] == "weak"
    assert verdicts(riv_log_cost=0.72)["riv_log_cost"] == "fair"
    assert verdicts(truth_ari=0.1)["truth_ari"] == "weak"
    assert verdicts(truth_ari_reference=None)["truth_ari"] == ""


def test_missing_and_impossible_figures_are_left_out() -> None:
    assert [tile.key for tile in tiles({"truth_nmi": float("nan"), "truth_ari": True, "inertia_ratio": "1"})] == []
    story = with_result(STORY, inertia_ratio=None, truth_ari=None, truth_nmi=None)
    held = words(read_page(render_report(story)).one(id="quality"))
    assert "not compared with k-means on pooled claims" in held
    assert "true groups of these claims are not known" in held


def test_rounds_and_bytes_add_up_by_phase(page: Element) -> None:
    found = {rows.phase: rows for rows in phases(STORY)}
    never = {Phase.RADIUS, Phase.OUTCOMES, Phase.WINDOW}
    assert [rows.phase for rows in phases(STORY)] == [phase for phase in Phase if phase not in never]
    seeding = [report for report in STORY.rounds if report.phase is Phase.SEEDING]
    assert len(found[Phase.SEEDING].rows) == len(seeding) == 24
    assert (found[Phase.SEEDING].fewest, found[Phase.SEEDING].most) == (1, 128)
    assert found[Phase.SEEDING].bytes_up == size(sum(report.bytes_up for report in seeding))
    rows = page.one(id="left").one("details").all("tr")[1:]
    assert len(rows) == len(STORY.rounds)
    for row, report in zip(rows, STORY.rounds, strict=True):
        cells = [words(cell) for cell in row.all("td")]
        figures = [n_words(STORY.model.plan, report.phase, report.n_centroids), report.bytes_down, report.bytes_up]
        assert cells[0] == str(report.number)
        assert cells[4:] == [str(report.n_centroids), *(f"{figure:,}" for figure in figures)]


def test_the_parts_of_a_summary_are_all_of_it() -> None:
    plan = STORY.model.plan
    for with_costs, phase in ((False, Phase.LLOYD), (True, Phase.MEASURE)):
        shape = plan.summary_shape(phase, 36)
        assert sum(part.n_words for part in summary_parts(plan, 36, with_costs=with_costs)) == shape.n_words
        assert len(Summary.zeros(shape).to_vector()) == shape.n_words


def test_every_kind_of_message_is_listed_with_all_its_fields(page: Element) -> None:
    shown = [words(code) for code in page.one(id="left").all("details")[1].all("code")]
    assert shown == [name for kind in kinds(Protection.NONE) for name in (kind.name, *kind.fields)]
    assert [kind.name for kind in kinds(Protection.NONE)] == ["join", "round_reply", "received", "refusal"]


def test_each_bureau_is_shown_with_its_claims_and_bytes(page: Element) -> None:
    rows = [[words(cell) for cell in row.all("td")][:3] for row in page.one(class_="tall").all("tr")][1:]
    assert rows == [[bureau.name_en, f"{bureau.n_claims:,}", size(bureau.bytes_up)] for bureau in STORY.bureaus]


def test_cards_show_the_figures_of_their_cluster(page: Element) -> None:
    total = sum(card.count for card in STORY.cards)
    for card in STORY.cards:
        shown = words(page.one(id=f"cluster-{card.cluster}"))
        assert f"{card.count:,} claims {100 * card.count / total:.1f}%" in shown
        assert f"mean cost{yuan(card.mean_cost)}" in shown
        assert f"CV of cost{decimal(card.cost_cv, 2)}" in shown
        assert ("costs are too unlike" in shown) == (card.cost_cv is not None and card.cost_cv >= 1.0)
        assert f"{decimal(card.mean_stay_days, 1)}" in shown
        assert f"GROUP{card.cluster}Known group {card.cluster}80%" in shown
        assert "I10.x00Disease 060%" in shown


def test_the_heat_map_shows_shares_of_rows() -> None:
    story = story_of(2, 2, counts=np.array([[600, 200], [100, 100]]))
    picture = read_page(render_report(story)).one("svg", class_="mix")
    assert [cell.one("text").text() for cell in picture.all("g", class_="cell")] == [
        "70%", "30%", "75%", "25%", "50%", "50%",
    ]  # fmt: skip


def test_fee_bars_are_as_long_as_the_shares() -> None:
    shares = [0.0] * len(FEE_CATEGORIES)
    shares[8], shares[5], shares[2] = 0.5, 0.3, 0.2
    pieces = read_page(fee_bar(shares, "C1", load_catalogue())).all("g")
    assert [(piece.attributes["class"], piece.one("rect").attributes["width"]) for piece in pieces] == [
        ("fee-09", "50"),
        ("fee-03", "20"),
        ("fee-06", "30"),
    ]
    assert leading_family(shares) == "drugs"


def test_families_hold_every_fee_category_once() -> None:
    assert sorted(code for codes in FAMILIES.values() for code in codes) == sorted(FEE_CATEGORIES)


def test_bars_end_where_the_figure_is() -> None:
    assert 'width="25"' in bar(0.25)
    assert 'width="150"' in gauge(0.75, None)
    assert "mark" in gauge(0.75, 0.7)


def test_the_charts_tell_every_round_and_mark_those_that_compare(page: Element) -> None:
    for chart in page.one(id="rounds").all("svg"):
        marked = chart.all("g", class_="comparable")
        assert len(marked) == sum(report.n_centroids == 36 for report in STORY.rounds)
        assert len(marked) + len(chart.all("g", class_="apart")) == len(STORY.rounds)
        first = STORY.rounds[0]
        assert f"Round 1, seeding: 1 centroids, inertia {first.inertia:,.0f}" in chart.text()


def test_the_banner_stands_while_nothing_protects(page: Element) -> None:
    assert "not for real claims" in words(page.one("aside", class_="banner"))


def test_reasons_bureaus_lost_and_provenance_are_told(page: Element) -> None:
    assert "duplicate_claim_key" in words(page.one(id="rejected"))
    assert "1,204" in words(page.one(id="rejected"))
    assert "None: every bureau" in words(page.one(id="lost"))
    provenance = words(page.one(id="provenance"))
    for told in (
        COMMAND,
        STORY.model.plan_fingerprint,
        STORY.model.centroids_sha256,
        "0.1.0",
        '"cost_cap_yuan": 200000',
    ):
        assert told in provenance
    lost = replace(STORY, bureaus=(replace(STORY.bureaus[0], lost=True), *STORY.bureaus[1:]))
    assert "Region 01" in words(read_page(render_report(lost)).one(id="lost"))


def test_a_cluster_led_by_a_minority_is_called_mixed() -> None:
    truth = replace(STORY.cards[0].truth, count=STORY.cards[0].count // 3)  # type: ignore[type-var]
    page = read_page(render_report(with_card(STORY, 0, truth=truth)))
    assert "mixed: Known group 0" in words(page.one(id="cluster-0"))
