"""Inertia round by round, with how many centroids each round had: only rounds with equally many compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup

from server.session import RoundReport
from simulations.report import svg
from simulations.report.figures import number
from simulations.report.formats import integer
from simulations.report.texts import Catalogue, Text, same
from simulations.story import Story

_TOP, _GAP, _BOTTOM = 26.0, 26.0, 34.0
_LEGIBLE = 46.0
"""A band of a phase narrower than this has no room for its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axes:
    """From rounds, inertia and numbers of centroids to places."""

    name: str
    width: float
    height: float
    left: float
    n_rounds: int
    low: float
    high: float
    most: int

    @property
    def floor(self) -> float:
        """Where the upper picture ends."""
        return self.height * 0.66

    @property
    def base(self) -> float:
        """Where the lower picture ends."""
        return self.height - _BOTTOM

    @property
    def step(self) -> float:
        """Width of a round."""
        return (self.width - self.left - 8.0) / max(self.n_rounds, 1)

    def x(self, round_number: float) -> float:
        """The middle of a round."""
        return self.left + (round_number - 0.5) * self.step

    def y(self, inertia: float) -> float:
        """Height of an inertia."""
        span = max(self.high - self.low, 1e-12)
        return self.floor - (inertia - self.low) / span * (self.floor - _TOP)

    def bar(self, n_centroids: float) -> float:
        """Height of a number of centroids."""
        return self.base - n_centroids / self.most * (self.base - self.floor - _GAP)


def rounds_chart(story: Story, texts: Catalogue) -> Markup:
    """The chart, once for wide and once for narrow screens; nothing without rounds."""
    if not story.rounds:
        return Markup("")
    looks = (("wide", 1040.0, 400.0, 74.0), ("narrow", 380.0, 360.0, 56.0))
    return Markup("").join(_chart(story, texts, _axes(story, *look)) for look in looks)


def _axes(story: Story, name: str, width: float, height: float, left: float) -> _Axes:
    reference = number(story.result, "reference_inertia")
    values = [report.inertia for report in story.rounds] + ([reference] if reference is not None else [])
    low, high = min(values), max(values)
    room = 0.06 * (high - low)
    return _Axes(
        name=name,
        width=width,
        height=height,
        left=left,
        n_rounds=len(story.rounds),
        low=max(0.0, low - room),
        high=high + room,
        most=max(report.n_centroids for report in story.rounds),
    )


def _chart(story: Story, texts: Catalogue, axes: _Axes) -> Markup:
    final = len(story.cards)
    return svg.picture(
        *_bands(story.rounds, texts, axes),
        *_grid(axes, texts),
        *_reference(number(story.result, "reference_inertia"), texts, axes),
        *(_link(before, after, final, axes) for before, after in pairwise(story.rounds)),
        *(_round(report, final, texts, axes) for report in story.rounds),
        name=f"rounds-{axes.name}",
        size=(axes.width, axes.height),
        about=(texts.plain("rounds.title"), texts.plain("rounds.description", n=len(story.rounds), k=final)),
        class_=f"{axes.name} rounds",
    )


def _bands(rounds: Sequence[RoundReport], texts: Catalogue, axes: _Axes) -> list[Markup]:
    """A shade behind each stretch of rounds of one phase, with its name where there is room."""
    shapes = []
    for phase, stretch in groupby(rounds, key=lambda report: report.phase):
        numbers = [report.number for report in stretch]
        left, wide = axes.x(numbers[0] - 0.5), len(numbers) * axes.step
        name = texts.plain(f"phase.{phase}")
        band = svg.element("rect", x=left, y=_TOP - 20, width=wide, height=axes.base - _TOP + 20)
        shapes.append(svg.group([svg.title(name), band], class_=f"phase-{phase}"))
        if wide >= _LEGIBLE:
            shapes.append(svg.words(name, x=left + 5, y=_TOP - 6, class_="phase"))
    return shapes


def _grid(axes: _Axes, texts: Catalogue) -> list[Markup]:
    """Lines and figures of both axes."""
    shapes = [_line(tick, axes.y(tick), axes) for tick in svg.ticks(axes.low, axes.high, 4)]
    shapes += [_line(tick, axes.bar(tick), axes) for tick in (0, axes.most)]
    every = [tick for tick in svg.ticks(1, max(axes.n_rounds, 2), 8 if axes.name == "wide" else 4) if tick == int(tick)]
    shapes += [_figure(str(int(tick)), axes.x(tick), axes.base + 15, "middle") for tick in every if tick <= axes.n_rounds]
    shapes.append(svg.words(texts.plain("rounds.axis"), x=axes.width - 8, y=axes.height - 3, text_anchor="end"))
    shapes.append(svg.words(texts.plain("rounds.centroids"), x=axes.left + 5, y=axes.floor + _GAP - 7))
    return shapes


def _line(value: float, y: float, axes: _Axes) -> Markup:
    line = svg.element("line", x1=axes.left, x2=axes.width - 8, y1=y, y2=y)
    return svg.group([line, _figure(integer(value), axes.left - 6, y + 4, "end")], class_="grid")


def _figure(figure: str, x: float, y: float, anchor: str) -> Markup:
    return svg.words(same(figure), x=x, y=y, text_anchor=anchor, class_="figure")


def _reference(inertia: float | None, texts: Catalogue, axes: _Axes) -> list[Markup]:
    if inertia is None:
        return []
    y = axes.y(inertia)
    line = svg.element("line", x1=axes.left, x2=axes.width - 8, y1=y, y2=y)
    note = svg.words(texts.plain("rounds.reference"), x=axes.left + 5, y=y + 14)
    return [svg.group([line, note], class_="reference")]


def _link(before: RoundReport, after: RoundReport, final: int, axes: _Axes) -> Markup:
    """Full between rounds that compare with the result, faint elsewhere."""
    compare = before.n_centroids == after.n_centroids == final
    x1, y1, x2, y2 = axes.x(before.number), axes.y(before.inertia), axes.x(after.number), axes.y(after.inertia)
    return svg.element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="comparable" if compare else "apart")


def _round(report: RoundReport, final: int, texts: Catalogue, axes: _Axes) -> Markup:
    x, top = axes.x(report.number), axes.bar(report.n_centroids)
    compare = report.n_centroids == final
    dot = svg.element("circle", cx=x, cy=axes.y(report.inertia), r=3.0 if compare else 2.2)
    bar = svg.element("rect", x=x - 0.4 * axes.step, y=top, width=0.8 * axes.step, height=axes.base - top)
    return svg.group([svg.title(_tooltip(report, texts)), bar, dot], class_="comparable" if compare else "apart")


def _tooltip(report: RoundReport, texts: Catalogue) -> Text:
    return texts.plain(
        "rounds.tooltip",
        number=report.number,
        phase=texts.plain(f"phase.{report.phase}"),
        n=report.n_centroids,
        inertia=integer(report.inertia),
    )
