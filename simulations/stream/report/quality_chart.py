"""How well the model fits the claims of each window, beside a first model that was never renewed."""

from __future__ import annotations

from markupsafe import Markup

from simulations.report import svg
from simulations.report.formats import decimal
from simulations.report.panels import Panel
from simulations.report.texts import Catalogue
from simulations.stream.figures import frozen_ratio
from simulations.stream.report.axis import Axis, time_lines, twice
from simulations.stream.report.lines import Line, by_column, drawn, heading, level, scale
from simulations.stream.story import StreamStory

_TOPS, _HEIGHTS, _BELOW = (24.0, 228.0), (170.0, 100.0), 22.0


def quality_chart(story: StreamStory, texts: Catalogue) -> Markup:
    """The picture; nothing where no window could be judged."""
    if all(tick.quality is None for tick in story.ticks):
        return Markup("")
    return twice(story, lambda axis: _picture(axis, texts))


def _picture(axis: Axis, texts: Catalogue) -> Markup:
    ours = by_column(axis, lambda tick: None if tick.quality is None else tick.quality.ratio)
    frozen = by_column(axis, lambda tick: None if tick.quality is None else frozen_ratio(tick.quality))
    riv = by_column(axis, lambda tick: None if tick.quality is None else tick.quality.riv)
    known = [one for one in (*ours, *frozen, 1.0) if one is not None]
    upper = Panel.around(known, _TOPS[0], _HEIGHTS[0])
    lower = Panel.around([one for one in riv if one is not None], _TOPS[1], _HEIGHTS[1])
    bottom = _TOPS[1] + _HEIGHTS[1]
    return svg.picture(
        time_lines(axis, _TOPS[0], bottom),
        scale(upper, axis, lambda value: decimal(value, 2)),
        scale(lower, axis, lambda value: decimal(value, 2)),
        level(1.0, axis, upper, "oracle"),
        drawn(Line(look="frozen", values=frozen), axis, upper),
        drawn(Line(look="ours", values=ours), axis, upper),
        drawn(Line(look="riv", values=riv), axis, lower),
        heading("fit.ratio", upper, axis, texts),
        heading("fit.riv", lower, axis, texts),
        name=f"fit-{axis.name}",
        size=(axis.width, bottom + _BELOW),
        about=(texts.plain("fit.title"), texts.plain("fit.description", windows=len(axis.story.ticks))),
        class_=f"{axis.name} chart",
    )
