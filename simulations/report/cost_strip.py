"""How alike the costs within each cluster are: one dot a cluster, by its coefficient of variation."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

from markupsafe import Markup

from simulations.report import svg
from simulations.report.floor import is_small
from simulations.report.formats import decimal
from simulations.report.naming import family_of, full_name, tag
from simulations.report.texts import Catalogue, same
from simulations.story import ClusterCard, Story

LIMIT = 1.0
"""Costs of a group with a coefficient of variation below it count as alike."""

FARTHEST = 3.0
"""The axis ends here; clusters beyond stand at its end."""


class _Axis(NamedTuple):
    """From coefficients of variation to columns of dots."""

    width: float
    radius: float
    high: float

    @property
    def step(self) -> float:
        """Width of a column."""
        return 2.1 * self.radius

    def x(self, cv: float) -> float:
        """Where a value is."""
        return 12.0 + cv / self.high * (self.width - 24.0)

    def column(self, cv: float) -> int:
        """The column of a value; columns are counted from the limit, so that none lies on both sides of it."""
        last = math.floor((self.x(self.high) - self.x(LIMIT)) / self.step) - 1
        return min(math.floor((self.x(cv) - self.x(LIMIT)) / self.step), last)

    def middle(self, column: int) -> float:
        """The middle of a column."""
        return self.x(LIMIT) + (column + 0.5) * self.step


def cost_strip(story: Story, texts: Catalogue) -> Markup:
    """Dots stacked over an axis of the coefficient of variation; nothing where no cluster has one."""
    known = [(card.cost_cv, card) for card in story.cards if card.cost_cv is not None and not is_small(card.count)]
    if not known:
        return Markup("")
    looks = (("wide", 1040.0, 12.0), ("narrow", 380.0, 9.0))
    return Markup("").join(_strip(sorted(known, key=_by_value), texts, *look) for look in looks)


def _by_value(pair: tuple[float, ClusterCard]) -> tuple[float, int]:
    return pair[0], pair[1].cluster


def _strip(known: list[tuple[float, ClusterCard]], texts: Catalogue, name: str, width: float, radius: float) -> Markup:
    axis = _Axis(width, radius, min(max(1.2, known[-1][0] * 1.05), FARTHEST))
    columns = [axis.column(cv) for cv, _ in known]
    base = 24.0 + axis.step * max(Counter(columns).values())
    heights: Counter[int] = Counter()
    dots = []
    for column, (cv, card) in zip(columns, known, strict=True):
        middle = base - (heights[column] + 0.5) * axis.step
        dots.append(_dot(cv, card, (axis.middle(column), middle, radius), texts))
        heights[column] += 1
    beyond = axis.x(LIMIT)
    return svg.picture(
        svg.element("rect", x=beyond, y=0, width=width - beyond, height=base, class_="beyond"),
        svg.words(texts.plain("cost.beyond"), x=beyond + 6, y=15, class_="warned"),
        *(_tick(tick, axis, base) for tick in svg.ticks(0.0, axis.high, 6)),
        *dots,
        name=f"cv-{name}",
        size=(width, base + 22.0),
        about=(texts.plain("cost.strip_title"), texts.plain("cost.strip_description", n=len(known))),
        role="group",
        class_=f"{name} strip",
    )


def _tick(value: float, axis: _Axis, base: float) -> Markup:
    x, farthest = axis.x(value), value >= FARTHEST
    line = svg.element("line", x1=x, x2=x, y1=base, y2=base + 5)
    figure = f"{'≥ ' if farthest else ''}{decimal(value, 1)}"
    anchor = "end" if farthest else "middle"
    return svg.group([line, svg.words(same(figure), x=x, y=base + 18, text_anchor=anchor)], class_="grid")


def _dot(cv: float, card: ClusterCard, place: tuple[float, float, float], texts: Catalogue) -> Markup:
    x, y, radius = place
    about = texts.plain("cost.tooltip", name=full_name(card, texts), cv=decimal(cv, 2))
    look = f"family-{family_of(card)}{' flagged' if cv >= LIMIT else ''}"
    return svg.element(
        "a",
        svg.title(about),
        svg.element("circle", cx=x, cy=y, r=radius, class_=look),
        svg.element("text", tag(card.cluster), x=x, y=y + 0.3 * radius, text_anchor="middle"),
        href=f"#cluster-{card.cluster}",
    )
