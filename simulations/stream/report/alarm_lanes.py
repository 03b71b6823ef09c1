"""Alarms on the time axis, a lane for each sort, each leading to its sentence."""

from __future__ import annotations

from markupsafe import Markup

from common.stream.alarms import Alarm, AlarmKind
from simulations.report import svg
from simulations.report.texts import Catalogue, Text
from simulations.stream.causes import all_alarms
from simulations.stream.report.axis import Axis
from simulations.stream.report.glyphs import glyph
from simulations.stream.saying import clock
from simulations.stream.story import Tick

LANES = {
    "new": (AlarmKind.BIRTH, AlarmKind.CONFIRMED, AlarmKind.HELD),
    "change": (AlarmKind.SPLIT, AlarmKind.MERGE, AlarmKind.DEATH),
    "surge": (AlarmKind.SURGE, AlarmKind.SURGE_OF_UNKNOWN, AlarmKind.SURGE_OF_OPERATIONS),
    "drift": (AlarmKind.DRIFT,),
}
LANE = 17.0


def lanes_height() -> float:
    """Of all lanes."""
    return LANE * len(LANES)


def alarm_lanes(axis: Axis, top: float, texts: Catalogue) -> list[Markup]:
    """The lanes, with their names where there is room, and a shape for each alarm."""
    shapes = [_lane(name, top + LANE * place, axis, texts) for place, name in enumerate(LANES)]
    marks = [_mark(place, tick, alarm, axis, top) for place, (tick, alarm) in enumerate(all_alarms(axis.story))]
    return [svg.group(shapes, class_="lanes"), svg.group(marks, class_="alarms")]


def sentence(alarm: Alarm) -> Text:
    """What people are told."""
    return Text(en=alarm.sentence(), zh=alarm.sentence(chinese=True))


def _lane(name: str, y: float, axis: Axis, texts: Catalogue) -> Markup:
    line = svg.element("rect", x=axis.left, y=y + 1, width=axis.right - axis.left, height=LANE - 2, class_="track")
    label = svg.words(
        texts.plain(f"lane.{name}" if axis.is_wide else f"lane_brief.{name}"),
        x=axis.left - 6,
        y=y + 12,
        text_anchor="end",
    )
    return svg.group([line, label])


def _mark(place: int, tick: Tick, alarm: Alarm, axis: Axis, top: float) -> Markup:
    lane = next(at for at, kinds in enumerate(LANES.values()) if alarm.kind in kinds)
    told, when = sentence(alarm), clock(tick.closes)
    about = Text(en=f"{when} {told.en}", zh=f"{when} {told.zh}")
    shape = glyph(alarm.kind, axis.x(tick.closes), top + LANE * (lane + 0.5), 0.9)
    return svg.element("a", svg.title(about), shape, href=f"#alarm-{place + 1}")
