"""How a year's budget is used up: what the most charged was charged so far, against what a year allows."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from simulations.report import svg
from simulations.report.formats import decimal, integer
from simulations.report.panels import Panel
from simulations.report.texts import Catalogue, same
from simulations.stream.report.axis import Axis, time_lines, twice
from simulations.stream.report.lines import heading, level, scale
from simulations.stream.story import Spending, StreamStory

_TOPS, _HEIGHTS, _BELOW = (24.0, 178.0), (120.0, 80.0), 22.0
_FEWEST = 3.0
"""Claims that the scale of those left out reaches at least, so that its lines are whole numbers."""


def budget_chart(story: StreamStory, texts: Catalogue) -> Markup:
    """The picture; nothing where nothing is known of spending."""
    return twice(story, lambda axis: _picture(axis, texts)) if story.spending else Markup("")


def _picture(axis: Axis, texts: Catalogue) -> Markup:
    spent, limit = _by_column(axis), axis.story.spending[-1].limit
    epsilons = [one.epsilon for one in spent]
    panel = Panel(low=0.0, high=1.1 * max([limit, *epsilons]) or 1.0, top=_TOPS[0], height=_HEIGHTS[0])
    out = _left_out(spent, axis, texts)
    bottom = _TOPS[1] + _HEIGHTS[1] if out else _TOPS[0] + _HEIGHTS[0]
    edge = _steps(epsilons, axis, panel)
    floor = panel.top + panel.height
    return svg.picture(
        time_lines(axis, _TOPS[0], bottom),
        scale(panel, axis, lambda value: decimal(value, 1)),
        level(limit, axis, panel, "limit"),
        svg.element("path", d=f"{edge}V{floor:.1f}H{axis.left:.1f}Z", class_="used"),
        svg.element("path", d=edge, class_="line ours"),
        svg.words(same(f"ε {decimal(limit, 2)}"), x=axis.right - 4, y=panel.y(limit) - 5, text_anchor="end"),
        heading("burn.epsilon", panel, axis, texts),
        *out,
        name=f"burn-{axis.name}",
        size=(axis.width, bottom + _BELOW),
        about=(texts.plain("burn.title"), texts.plain("burn.description", limit=decimal(limit, 2))),
        class_=f"{axis.name} chart",
    )


def _left_out(spent: Sequence[Spending], axis: Axis, texts: Catalogue) -> list[Markup]:
    """A panel of its own; nothing where nothing was ever left out."""
    out = [float(sum(one.left_out.values())) for one in spent]
    if not any(out):
        return []
    panel = Panel(low=0.0, high=max(1.1 * max(out), _FEWEST), top=_TOPS[1], height=_HEIGHTS[1])
    return [
        scale(panel, axis, integer),
        svg.element("path", d=_steps(out, axis, panel), class_="line left-out"),
        heading("burn.left_out", panel, axis, texts),
    ]


def _by_column(axis: Axis) -> list[Spending]:
    """What stood in the books after the last window of each column."""
    found = axis.story.spending
    return [found[min(column[-1].number, len(found)) - 1] for column in axis.columns]


def _steps(values: Sequence[float], axis: Axis, panel: Panel) -> str:
    """Level through each column: books change at the end of a window, not between two."""
    steps = [f"{panel.y(value):.1f}H{axis.edges(place)[1]:.1f}" for place, value in enumerate(values)]
    return f"M{axis.left:.1f} {'V'.join(steps)}"
