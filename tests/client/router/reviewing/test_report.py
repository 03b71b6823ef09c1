"""The report: lanes against verdicts, and counts by region that give no smaller ones away."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from client.router.deciding.policy import Language
from client.router.reviewing.page import report_page
from client.router.reviewing.regions import FLOOR, SMALL, WITHHELD, region_months, withheld
from client.router.reviewing.report import LaneReport
from client.router.reviewing.telling import lanes_told, regions_told
from client.router.store.verdicts import Verdict

FOUND = {Verdict.ROUTINE: 975, Verdict.IMPROPER: 20, Verdict.FRAUD: 5}


def report(lane: str) -> LaneReport:
    return LaneReport(lane=lane, decided=2000, verdicts=FOUND)


def test_a_claim_sent_to_a_person_was_not_misjudged() -> None:
    assert report("HUMAN").share_wrong is None
    assert report("HUMAN").share_routine == 0.975
    assert report("FAST").share_wrong == pytest.approx(0.025)
    assert report("HOLD").share_wrong == report("REVIEW").share_wrong == 0.975
    told = {row[0]: row[-1] for row in lanes_told([report(lane) for lane in ("FAST", "HUMAN")], "en").rows}
    assert told == {"FAST": "2.5%", "HUMAN": "sent to a human; found routine 97.5%"}


def test_without_a_verdict_no_lane_has_a_share() -> None:
    none = LaneReport(lane="HUMAN", decided=4, verdicts={})
    assert (none.share_wrong, none.share_routine) == (None, None)
    assert lanes_told([none], "zh").rows[0][-1] == "-"


COUNTS = Counter(
    {
        ("3501", "2026-01", "FAST"): 600,
        ("3501", "2026-01", "REVIEW"): 300,
        ("3501", "2026-01", "HUMAN"): 100,
        ("3502", "2026-01", "FAST"): 40,
        ("3502", "2026-01", "HUMAN"): 7,
        ("3502", "2026-02", "HUMAN"): 3,
        (None, "2026-01", "REVIEW"): 50,
    }
)


def test_every_region_and_month_has_its_counts_and_shares() -> None:
    first, second, third, last = region_months(COUNTS)
    assert [(one.region, one.month) for one in (first, second, third, last)] == [
        ("3501", "2026-01"),
        ("3502", "2026-01"),
        ("3502", "2026-02"),
        (None, "2026-01"),
    ]
    assert (first.claims, first.lanes) == (1000, (600, 300, 100, 0))
    assert first.shares() == (0.6, 0.3, 0.1, 0.0)
    assert (second.lanes[2], third.lanes[2], third.claims) == (SMALL, SMALL, SMALL)
    assert third.shares()[2] is None


def test_small_counts_are_shown_by_the_floor_alone_and_none_as_none() -> None:
    rows = regions_told(region_months(COUNTS), "en").rows
    assert rows[0] == ["3501", "2026-01", "1,000", "600 (60.0%)", "300 (30.0%)", "100 (10.0%)", "0 (0.0%)"]
    assert rows[2][2:] == ["<11", "0", "0", "<11", "0"]
    assert rows[3][0] == "not stated"


def test_no_small_count_can_be_reckoned_from_those_that_are_shown() -> None:
    (one,) = region_months(Counter({("3502", "2026-01", "FAST"): 40, ("3502", "2026-01", "HUMAN"): 7}))
    assert (one.claims, one.lanes) == (47, (WITHHELD, 0, SMALL, 0))
    drawn = np.random.default_rng(5)
    for _ in range(300):
        table = drawn.integers(0, 40, (drawn.integers(2, 6), 4)) * (drawn.random((1, 4)) < 0.8)
        held = np.column_stack((table, table.sum(axis=1)))
        hidden = withheld(held)
        assert hidden[(held > 0) & (held < FLOOR)].all()
        assert not hidden[held == 0].any()
        for counts, hides in ((held, hidden), (held.T, hidden.T)):
            for line in np.flatnonzero(hides.sum(axis=1) == 1):
                assert not (~hides[line] & (counts[line] > 0)).any()  # nothing beside it but what is none


def test_without_decisions_there_is_an_empty_table() -> None:
    assert region_months(Counter()) == ()
    assert regions_told((), "zh").rows == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_all_in_one_language_escapes_what_claims_bring_and_loads_nothing(language: Language) -> None:
    regions = region_months(COUNTS + Counter({("<script>", "2026-01", "FAST"): 50}))
    tables = lanes_told([report(lane) for lane in ("FAST", "REVIEW", "HUMAN", "HOLD")], language)
    page = report_page([tables, regions_told(regions, language)], [], language)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
    shown = re.sub(r"<style>.*?</style>|<[^>]*>|&[a-z]+;(script&gt;)?", " ", page, flags=re.DOTALL)
    assert bool(re.search(r"[A-Za-z]", shown)) is (language == "en")
    assert bool(re.search(r"[\u4e00-\u9fff]", shown)) is (language == "zh")
