"""What stands in the page's tables: happenings, alarms, clusters, windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from common.stream.alarms import AlarmKind
from simulations.report import svg
from simulations.report.formats import NOTHING, decimal, integer, percent
from simulations.report.texts import Catalogue, Text
from simulations.stream.causes import all_alarms, causes, tells, told
from simulations.stream.figures import frozen_ratio
from simulations.stream.kept import kept
from simulations.stream.lineage import Living, living
from simulations.stream.report.alarm_lanes import sentence
from simulations.stream.report.colours import colour_of
from simulations.stream.report.glyphs import key_of, symbol
from simulations.stream.saying import clock, ends, kinds_of_claims, said
from simulations.stream.story import StreamStory, Tick

MOST_ROWS = 400
"""Windows in the table; of more, every so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HappeningRow:
    """What truly happened, and when it was told.

    Attributes:
        number: As in the picture.
        begins: On the clock.
        ends: Likewise, or a dash.
        words: What happened.
        alarm: Number of the first alarm that speaks of it; None where there is none.
        minutes: Since it began.
        could_tell: Whether an alarm could have told of it.
    """

    number: int
    begins: str
    ends: str
    words: Text
    alarm: int | None
    minutes: str
    could_tell: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm, and the happenings that it was the first to tell of: their numbers, and minutes since each."""

    number: int
    clock: str
    key: str
    symbol: Markup
    words: Text
    happenings: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """A cluster that is alive at the end."""

    identity: int
    swatch: Markup
    since: str
    share: str
    standing: str
    origin: str
    came_from: str
    took_in: str


def happening_rows(story: StreamStory, texts: Catalogue) -> list[HappeningRow]:
    """In the order of the world."""
    names, rows = kinds_of_claims(), []
    for place, (one, first) in enumerate(zip(story.happenings, told(story), strict=True)):
        over = ends(one)
        rows.append(
            HappeningRow(
                number=place + 1,
                begins=clock(story.opens + 3600 * one.begins),
                ends=NOTHING if over is None else clock(story.opens + 3600 * over),
                words=said(one, story.bureaus, names, texts),
                alarm=None if first is None else first.alarm + 1,
                minutes=NOTHING if first is None else integer(first.minutes),
                could_tell=tells(one),
            )
        )
    return rows


def alarm_rows(story: StreamStory) -> list[AlarmRow]:
    """In the order of time."""
    known = causes(story)
    return [
        AlarmRow(
            number=place + 1,
            clock=clock(tick.closes),
            key=key_of(alarm.kind),
            symbol=symbol(alarm.kind),
            words=sentence(alarm),
            happenings=tuple((one + 1, integer(minutes)) for one, minutes in known.get(place, [])),
        )
        for place, (tick, alarm) in enumerate(all_alarms(story))
    ]


def cluster_rows(story: StreamStory) -> list[ClusterRow]:
    """Largest first."""
    closes = {tick.number: tick.closes for tick in story.ticks}
    return [_cluster(one, closes) for one in living(story)]


def _cluster(one: Living, closes: dict[int, int]) -> ClusterRow:
    return ClusterRow(
        identity=one.identity,
        swatch=swatch(one.identity),
        since=clock(closes[one.born]) if one.born in closes else NOTHING,
        share=percent(one.share, 1),
        standing=str(one.standing),
        origin="unknown" if one.origin is None else str(one.origin),
        came_from=", ".join(map(str, one.came_from)),
        took_in=", ".join(map(str, one.took_in)),
    )


def swatch(identity: int) -> Markup:
    """A cluster's colour; for the eye only."""
    box = svg.element("rect", x=1, y=1, width=14, height=14, rx=3, fill=colour_of(identity))
    return svg.element("svg", box, viewBox="0 0 16 16", aria_hidden="true", class_="symbol")


def window_rows(story: StreamStory) -> list[dict[str, str]]:
    """Figures of windows as words, by name; ``kept`` is empty where a model was published."""
    return [_window(tick, story) for tick in story.ticks[:: step_of(story)]]


def step_of(story: StreamStory) -> int:
    """Every so many windows stand in the table."""
    return max(-(-len(story.ticks) // MOST_ROWS), 1)


def _window(tick: Tick, story: StreamStory) -> dict[str, str]:
    quality, place = tick.quality, tick.number - 1
    epsilon = story.spending[place].epsilon if place < len(story.spending) else None
    return {
        "number": str(tick.number),
        "clock": clock(tick.closes),
        "claims": integer(tick.n_claims),
        "answered": f"{len(tick.answered)} / {len(tick.asked)}",
        "kept": str(kept(tick.kept_because) or ""),
        "clusters": NOTHING if tick.state is None else str(len(tick.state.clusters)),
        "ratio": decimal(None if quality is None else quality.ratio),
        "frozen": decimal(None if quality is None else frozen_ratio(quality)),
        "riv": decimal(None if quality is None else quality.riv),
        "epsilon": decimal(epsilon),
        "alarms": str(len(tick.alarms)),
    }


def legend() -> Iterator[tuple[str, Markup]]:
    """Every kind of alarm with its shape."""
    for kind in AlarmKind:
        yield key_of(kind), symbol(kind)
