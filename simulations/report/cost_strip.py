"""How alike the costs within each cluster are: one dot a cluster, by its coefficient of variation."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from simulations.report import svg
from simulations.report.floor import is_small
from simulations.report.formats import decimal
from simulations.report.naming import full_name, tag
from simulations.report.palette import leading_family
from simulations.report.texts import Catalogue, same
from simulations.story import ClusterCard, Story

LIMIT = 1.0
"""Costs of a group with a coefficient of variation below it count as alike."""

_BINS = 20
"""Columns of dots per unit."""


def cost_strip(story: Story, texts: Catalogue) -> Markup:
    """Dots stacked over an axis of the coefficient of variation; nothing where no cluster has one."""
    known = [(card.cost_cv, card) for card in story.cards if card.cost_cv is not None and not is_small(card.count)]
    if not known:
        return Markup("")
    looks = (("wide", 1040.0, 8.0), ("narrow", 380.0, 5.5))
    return Markup("").join(_strip(sorted(known, key=_by_value), texts, *look) for look in looks)


def _by_value(pair: tuple[float, ClusterCard]) -> tuple[float, int]:
    return pair[0], pair[1].cluster


def _strip(known: list[tuple[float, ClusterCard]], texts: Catalogue, name: str, width: float, radius: float) -> Markup:
    high = max(1.2, known[-1][0] * 1.05)
    tallest = max(Counter(int(cv * _BINS / high) for cv, _ in known).values())
    base = 22.0 + 2.1 * radius * tallest

    def at(cv: float) -> float:
        return 12.0 + cv / high * (width - 24.0)

    heights: Counter[int] = Counter()
    dots = []
    for cv, card in known:
        column = int(cv * _BINS / high)
        middle = at((column + 0.5) * high / _BINS)
        dots.append(_dot(cv, card, (middle, base - (heights[column] + 0.5) * 2.1 * radius, radius), texts))
        heights[column] += 1
    return svg.picture(
        svg.element("rect", x=at(LIMIT), y=0, width=width - at(LIMIT), height=base, class_="beyond"),
        svg.words(texts.plain("cost.beyond"), x=at(LIMIT) + 5, y=13, class_="warned"),
        *(_tick(tick, at(tick), base) for tick in svg.ticks(0.0, high, 6)),
        *dots,
        name=f"cv-{name}",
        size=(width, base + 22.0),
        about=(texts.plain("cost.strip_title"), texts.plain("cost.strip_description", n=len(known))),
        role="group",
        class_=f"{name} strip",
    )


def _tick(value: float, x: float, base: float) -> Markup:
    line = svg.element("line", x1=x, x2=x, y1=base, y2=base + 5)
    return svg.group([line, svg.words(same(decimal(value, 1)), x=x, y=base + 18, text_anchor="middle")], class_="grid")


def _dot(cv: float, card: ClusterCard, place: tuple[float, float, float], texts: Catalogue) -> Markup:
    x, y, radius = place
    about = texts.plain("cost.tooltip", name=full_name(card, texts), cv=decimal(cv, 2))
    look = f"family-{leading_family(card.fee_shares)}{' flagged' if cv >= LIMIT else ''}"
    shapes = [svg.title(about), svg.element("circle", cx=x, cy=y, r=radius, class_=look)]
    if cv >= LIMIT:
        shapes.append(svg.element("text", tag(card.cluster), x=x + radius + 3, y=y + 4))
    return svg.element("a", *shapes, href=f"#cluster-{card.cluster}")
