"""The report on a router as tables of words, in Chinese and English: for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from client.router.deciding.lanes import Lane
from client.router.deciding.policy import Language
from client.router.deciding.wording import LANE_NAMES, Words
from client.router.reviewing.regions import FLOOR, SMALL, WITHHELD, RegionMonth
from client.router.reviewing.report import LaneReport
from client.router.store.decisions import LANES

HEADING = Words("路由与人工审核", "The router against people")
LANES_TITLE = Words("各通道与审核结果", "Lanes and what reviewers found")
LANES_HEAD = (
    Words("通道", "lane"),
    Words("已决定", "decided"),
    Words("已审核", "reviewed"),
    Words("常规", "routine"),
    Words("不当", "improper"),
    Words("误判", "misjudged"),
)
LANES_NOTE = Words(
    "误判：走快速通道而经查不当的，或被复核、暂缓而经查常规的，占该通道已审核结算单的比例。复核中也有随机抽查。"
    "转人工不是判断，不计误判。",
    "Misjudged: improper claims in FAST, routine ones in REVIEW or HOLD; of the reviewed claims of that lane. REVIEW "
    "holds spot checks, too. Sending a claim to a person judges nothing, so HUMAN is not counted as misjudged.",
)
TO_A_PERSON = Words("转人工；经查常规 {share:.1%}", "sent to a human; found routine {share:.1%}")
REGIONS_TITLE = Words("各地区各月的通道", "Lanes by region and month")
REGIONS_HEAD = (Words("地区", "region"), Words("月份", "month"), Words("结算单", "claims"))
REGIONS_NOTE = Words(
    f"地区为参保地，月份为作出决定的月份（协调世界时）。{SMALL}：1至{FLOOR - 1}份。"
    f"{WITHHELD}：不予显示，否则可推算出另一个小于{FLOOR}的数。",
    f"The region is that of insurance, the month that of the decision (UTC). {SMALL}: 1 to {FLOOR - 1} claims. "
    f"{WITHHELD}: withheld, for a smaller count would follow from it.",
)
NOT_STATED = Words("未注明", "not stated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A table in one language.

    Attributes:
        title: Of the table.
        head: Of its columns.
        rows: Texts, as many as columns.
        note: Below it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str


def lanes_told(lanes: Sequence[LaneReport], language: Language) -> Told:
    """Lanes against verdicts."""
    return Told(
        title=LANES_TITLE.of(language),
        head=[words.of(language) for words in LANES_HEAD],
        rows=[_lane_row(one, language) for one in lanes],
        note=LANES_NOTE.of(language),
    )


def regions_told(regions: Sequence[RegionMonth], language: Language) -> Told:
    """Lanes by region and month."""
    names = (LANE_NAMES[Lane(lane)] for lane in LANES)
    return Told(
        title=REGIONS_TITLE.of(language),
        head=[words.of(language) for words in (*REGIONS_HEAD, *names)],
        rows=[_region_row(one, language) for one in regions],
        note=REGIONS_NOTE.of(language),
    )


def _lane_row(one: LaneReport, language: Language) -> list[str]:
    counts = (one.decided, one.reviewed, one.routine, one.reviewed - one.routine)
    return [LANE_NAMES[Lane(one.lane)].of(language), *map(_number, counts), _judged(one, language)]


def _judged(one: LaneReport, language: Language) -> str:
    if one.share_routine is None:
        return "-"
    if one.share_wrong is None:
        return TO_A_PERSON.of(language).format(share=one.share_routine)
    return f"{one.share_wrong:.1%}"


def _region_row(one: RegionMonth, language: Language) -> list[str]:
    region = NOT_STATED.of(language) if one.region is None else one.region
    lanes = zip(one.lanes, one.shares(), strict=True)
    shown = (_number(count) if share is None else f"{_number(count)} ({share:.1%})" for count, share in lanes)
    return [region, one.month, _number(one.claims), *shown]


def _number(count: int | str) -> str:
    return count if isinstance(count, str) else f"{count:,}"
