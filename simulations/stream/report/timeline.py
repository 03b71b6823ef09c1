"""The story on one time axis: what truly happened, clusters as bands, and what was told."""

from __future__ import annotations

from markupsafe import Markup

from simulations.report import svg
from simulations.report.formats import percent
from simulations.report.panels import Panel
from simulations.report.texts import Catalogue, Text, same
from simulations.stream.causes import all_alarms
from simulations.stream.figures import CHANGES
from simulations.stream.report.alarm_lanes import alarm_lanes, lanes_height
from simulations.stream.report.axis import Axis, time_lines, twice
from simulations.stream.report.bands import bands
from simulations.stream.report.glyphs import glyph
from simulations.stream.report.stack import Stack, stacked
from simulations.stream.report.world_strip import strip_height, world_bars, world_strip
from simulations.stream.story import StreamStory

_HEADING, _BETWEEN, _BELOW = 20.0, 12.0, 22.0
_BANDS = {"wide": 360.0, "narrow": 300.0}


def timeline(story: StreamStory, texts: Catalogue) -> Markup:
    """The picture, for wide and for narrow screens; nothing without windows."""
    return twice(story, lambda axis: _picture(axis, texts))


def _picture(axis: Axis, texts: Catalogue) -> Markup:
    happened, stack = world_bars(axis, texts), stacked(axis)
    panel = Panel(
        low=0.0,
        high=1.0,
        top=_HEADING + strip_height(happened) + _BETWEEN + _HEADING,
        height=_BANDS[axis.name],
    )
    lanes = panel.top + panel.height + _BETWEEN + _HEADING
    bottom = lanes + lanes_height()
    return svg.picture(
        _heading("timeline.world", 13, axis, texts),
        _heading("timeline.bands", panel.top - 7, axis, texts),
        _heading("timeline.alarms", lanes - 6, axis, texts),
        svg.element("rect", x=axis.left, y=panel.top, width=axis.right - axis.left, height=panel.height, class_="none"),
        time_lines(axis, panel.top, bottom),
        *bands(stack, axis, panel, texts),
        *_scale(panel, axis),
        *alarm_lanes(axis, lanes, texts),
        *world_strip(happened, _HEADING, bottom),
        svg.group(_changes(stack, axis, panel), class_="changes"),
        name=f"timeline-{axis.name}",
        size=(axis.width, bottom + _BELOW),
        about=(texts.plain("timeline.title"), _description(axis, stack, texts)),
        role="group",
        class_=f"{axis.name} timeline",
    )


def _description(axis: Axis, stack: Stack, texts: Catalogue) -> Text:
    story = axis.story
    return texts.plain(
        "timeline.description",
        windows=len(story.ticks),
        clusters=len(stack.identities),
        happenings=len(story.happenings),
        alarms=len(all_alarms(story)),
    )


def _heading(key: str, y: float, axis: Axis, texts: Catalogue) -> Markup:
    held = texts.plain(key if axis.is_wide else f"{key}_brief")
    return svg.words(held, x=axis.left, y=y, class_="panel")


def _scale(panel: Panel, axis: Axis) -> list[Markup]:
    return [
        svg.words(same(percent(share)), x=axis.left - 6, y=panel.y(share) + 4, text_anchor="end")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]


def _changes(stack: Stack, axis: Axis, panel: Panel) -> list[Markup]:
    """What happened to clusters, on their bands."""
    shapes = []
    for tick, alarm in all_alarms(axis.story):
        if alarm.kind not in CHANGES or alarm.identity is None:
            continue
        if at := stack.middle(alarm.identity, axis.column(tick.number)):
            shapes.append(glyph(alarm.kind, axis.middle(at[0]), panel.y(at[1]), 0.8))
    return shapes
