"""Lines over time in panels, shared by the pictures of quality and of the budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup

from simulations.report import svg
from simulations.report.panels import Panel
from simulations.report.texts import Catalogue, same
from simulations.stream.report.axis import Axis
from simulations.stream.story import Tick

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Values by column of the axis.

    Attributes:
        look: Its class.
        values: None where nothing is known.
    """

    look: str
    values: Values


def by_column(axis: Axis, value: Callable[[Tick], float | None]) -> list[float | None]:
    """Means of what is known of the windows of each column."""
    known = [[one for tick in column if (one := value(tick)) is not None] for column in axis.columns]
    return [fmean(one) if one else None for one in known]


def drawn(line: Line, axis: Axis, panel: Panel) -> Markup:
    """A line with a gap wherever nothing is known; a column between two gaps as a dash."""
    parts, open_ = [], False
    for place, value in enumerate(line.values):
        if value is not None:
            left, right = axis.edges(place)
            y = panel.y(value)
            alone = not open_ and (place + 1 == len(line.values) or line.values[place + 1] is None)
            parts.append(
                f"M{left:.1f} {y:.1f}H{right:.1f}"
                if alone
                else f"{'L' if open_ else 'M'}{axis.middle(place):.1f} {y:.1f}"
            )
        open_ = value is not None
    return svg.element("path", d="".join(parts), class_=f"line {line.look}")


def scale(panel: Panel, axis: Axis, shown: Callable[[float], str]) -> Markup:
    """Lines and figures of a panel."""
    shapes = []
    for tick in panel.ticks():
        y = panel.y(tick)
        shapes.append(svg.element("line", x1=axis.left, x2=axis.right, y1=y, y2=y))
        shapes.append(svg.words(same(shown(tick)), x=axis.left - 6, y=y + 4, text_anchor="end"))
    return svg.group(shapes, class_="grid")


def heading(key: str, panel: Panel, axis: Axis, texts: Catalogue) -> Markup:
    """What a panel shows."""
    return svg.words(texts.plain(key), x=axis.left, y=panel.top - 7, class_="panel")


def level(value: float, axis: Axis, panel: Panel, look: str) -> Markup:
    """A straight line through a panel."""
    y = panel.y(value)
    return svg.element("line", x1=axis.left, x2=axis.right, y1=y, y2=y, class_=look)
