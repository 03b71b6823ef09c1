"""Inertia round by round, with how many centroids each round had: only rounds with equally many compare.

A round that did not ask for inertia has its column and no point.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from markupsafe import Markup

from server.session import RoundReport
from simulations.report import svg
from simulations.report.figures import number
from simulations.report.formats import integer
from simulations.report.naming import ems, phase_key
from simulations.report.panels import Frame, Panel
from simulations.report.texts import Catalogue, Text, same
from simulations.story import Story

TOP, BETWEEN, BELOW = 24.0, 30.0, 34.0
_SHARES = (0.40, 0.34, 0.26)
"""Of the height: all rounds, comparable rounds, numbers of centroids."""

_FONT = 12.0


class _Point(NamedTuple):
    """A round that knows its inertia."""

    number: int
    n_centroids: int
    inertia: float


def rounds_chart(story: Story, texts: Catalogue) -> Markup:
    """The chart, once for wide and once for narrow screens; nothing without rounds."""
    if not story.rounds:
        return Markup("")
    frames = (
        Frame(name="wide", width=1040.0, height=520.0, left=74.0, n_rounds=len(story.rounds)),
        Frame(name="narrow", width=380.0, height=480.0, left=56.0, n_rounds=len(story.rounds)),
    )
    return Markup("").join(_chart(story, texts, frame) for frame in frames)


def _chart(story: Story, texts: Catalogue, frame: Frame) -> Markup:
    k, n = len(story.cards), len(story.rounds)
    points = _points(story.rounds)
    comparable = [point for point in points if point.n_centroids == k]
    reference = comparable_reference(story) if comparable else None
    whole, zoomed, bars = panels = _panels(story.rounds, comparable, reference, frame)
    return svg.picture(
        *_bands(story, texts, frame),
        *(_grid(panel, frame) for panel in panels),
        *_reference(reference, comparable, texts, zoomed, frame),
        *(_link(before, after, k, whole, frame) for before, after in pairwise(points)),
        *(_link(before, after, k, zoomed, frame) for before, after in pairwise(comparable)),
        *(_round(report, _tooltip(report, story, texts), panels, frame, k) for report in story.rounds),
        *(_figure(str(tick), frame.x(tick), frame.height - BELOW + 15, "middle") for tick in _every_tick(frame)),
        _heading("rounds.all" if whole.logarithmic else "rounds.all_linear", whole, texts, frame, k),
        _heading("rounds.zoomed", zoomed, texts, frame, k) if comparable else Markup(""),
        _heading("rounds.centroids", bars, texts, frame, k),
        svg.words(texts.plain("rounds.axis"), x=frame.right, y=frame.height - 3, text_anchor="end"),
        name=f"rounds-{frame.name}",
        size=(frame.width, frame.height),
        about=(texts.plain("rounds.title"), texts.plain("rounds.description", n=n, k=k)),
        class_=f"{frame.name} rounds",
    )


def comparable_reference(story: Story) -> float | None:
    """The pooled reference's inertia, where that of a round is measured the same way: not noisy, bounded, weighted."""
    return number(story.result, "reference_inertia") if story.model.plan.privacy is None else None


def _points(rounds: Sequence[RoundReport]) -> list[_Point]:
    return [
        _Point(report.number, report.n_centroids, report.inertia) for report in rounds if report.inertia is not None
    ]


def _panels(
    rounds: Sequence[RoundReport], comparable: Sequence[_Point], reference: float | None, frame: Frame
) -> tuple[Panel, Panel, Panel]:
    """All rounds on a logarithmic scale, comparable ones enlarged, numbers of centroids."""
    room = frame.height - TOP - BELOW - 3 * BETWEEN
    heights = [share * room for share in _SHARES]
    starts = [TOP + BETWEEN * (place + 1) + sum(heights[:place]) for place in range(3)]
    near = [point.inertia for point in comparable] + ([reference] if reference is not None else [])
    return (
        Panel.around([point.inertia for point in _points(rounds)] or [1.0], starts[0], heights[0], logarithmic=True),
        Panel.around(near or [0.0], starts[1], heights[1]),
        Panel(low=0.0, high=float(max(report.n_centroids for report in rounds)), top=starts[2], height=heights[2]),
    )


def _bands(story: Story, texts: Catalogue, frame: Frame) -> list[Markup]:
    """A shade behind each stretch of rounds of one phase, with its name where there is room."""
    shades, names = [], []
    for phase, stretch in groupby(story.rounds, key=lambda report: report.phase):
        numbers = [report.number for report in stretch]
        left, wide = frame.x(numbers[0] - 0.5), len(numbers) * frame.step
        name = texts.plain(f"phase.{phase_key(phase, story.model.plan)}")
        band = svg.element("rect", x=left, y=0, width=wide, height=frame.height - BELOW)
        shades.append(svg.group([svg.title(name), band], class_=f"phase-{phase}"))
        if wide >= (1.1 * max(ems(name.en), ems(name.zh)) + 1.0) * _FONT:
            names.append(svg.words(name, x=left + 5, y=TOP - 8, class_="phase"))
    return [*shades, *names]


def _grid(panel: Panel, frame: Frame) -> Markup:
    """Lines and figures of a panel."""
    shapes = []
    for tick in panel.ticks():
        y = panel.y(tick)
        shapes.append(svg.element("line", x1=frame.left, x2=frame.right, y1=y, y2=y))
        shapes.append(_figure(integer(tick), frame.left - 6, y + 4, "end"))
    return svg.group(shapes, class_="grid")


def _heading(key: str, panel: Panel, texts: Catalogue, frame: Frame, k: int) -> Markup:
    return svg.words(texts.plain(key, k=k), x=frame.left + 5, y=panel.top - 8, class_="panel")


def _figure(figure: str, x: float, y: float, anchor: str) -> Markup:
    return svg.words(same(figure), x=x, y=y, text_anchor=anchor, class_="figure")


def _every_tick(frame: Frame) -> list[int]:
    ticks = svg.ticks(0, max(frame.n_rounds, 1), 10 if frame.name == "wide" else 5)
    return sorted({max(1, round(tick)) for tick in ticks})


def _reference(
    inertia: float | None, comparable: Sequence[_Point], texts: Catalogue, panel: Panel, frame: Frame
) -> list[Markup]:
    """A line at the pooled reference, its name on the side where the last round is not."""
    if inertia is None:
        return []
    y = panel.y(inertia)
    line = svg.element("line", x1=frame.left, x2=frame.right, y1=y, y2=y)
    aside = y - 5 if comparable[-1].inertia < inertia else y + 14
    note = svg.words(texts.plain("rounds.reference"), x=frame.right - 5, y=aside, text_anchor="end")
    return [svg.group([line, note], class_="reference")]


def _link(before: _Point, after: _Point, k: int, panel: Panel, frame: Frame) -> Markup:
    """Full between neighbouring rounds that compare with the result, faint elsewhere."""
    full = before.n_centroids == after.n_centroids == k and after.number == before.number + 1
    return svg.element(
        "line",
        x1=frame.x(before.number),
        y1=panel.y(before.inertia),
        x2=frame.x(after.number),
        y2=panel.y(after.inertia),
        class_="comparable" if full else "apart",
    )


def _round(report: RoundReport, about: Text, panels: tuple[Panel, Panel, Panel], frame: Frame, k: int) -> Markup:
    """A round's column, and its point in each panel in which it has one."""
    whole, zoomed, bars = panels
    x, top, wide = frame.x(report.number), bars.y(report.n_centroids), 0.8 * frame.step
    shapes = [
        svg.title(about),
        svg.element("rect", x=x - wide / 2, y=top, width=wide, height=bars.top + bars.height - top),
    ]
    if report.inertia is not None:
        shapes.append(svg.element("circle", cx=x, cy=whole.y(report.inertia), r=2.6))
    if report.inertia is not None and report.n_centroids == k:
        shapes.append(svg.element("circle", cx=x, cy=zoomed.y(report.inertia), r=2.8))
    return svg.group(shapes, class_="comparable" if report.n_centroids == k else "apart")


def _tooltip(report: RoundReport, story: Story, texts: Catalogue) -> Text:
    phase = texts.plain(f"phase.{phase_key(report.phase, story.model.plan)}")
    if report.inertia is None:
        return texts.plain("rounds.tooltip_bare", number=report.number, phase=phase, n=report.n_centroids)
    return texts.plain(
        "rounds.tooltip",
        number=report.number,
        phase=phase,
        n=report.n_centroids,
        inertia=integer(report.inertia),
    )
