"""How a privacy budget was spent: a strip of the whole, phase by phase, over one column a round."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from common.plan import Plan
from server.session import RoundReport
from simulations.report import svg
from simulations.report.formats import integer, percent
from simulations.report.naming import ems, phase_key
from simulations.report.panels import Frame, Panel
from simulations.report.texts import Catalogue, Text, same

STRIP = 30.0
_FONT = 12.0
_BELOW = 34.0


class _Budget(NamedTuple):
    """What the chart is about."""

    rounds: Sequence[RoundReport]
    plan: Plan
    granted: int
    texts: Catalogue


def budget_chart(rounds: Sequence[RoundReport], plan: Plan, granted: int, texts: Catalogue) -> Markup:
    """The chart, once for wide and once for narrow screens; nothing without rounds.

    Args:
        rounds: Of a protected run.
        plan: Of the run.
        granted: The whole budget, units of 1e-9 rho.
        texts: For labels.
    """
    if not rounds:
        return Markup("")
    budget = _Budget(rounds, plan, granted, texts)
    frames = (
        Frame(name="wide", width=1040.0, height=230.0, left=56.0, n_rounds=len(rounds)),
        Frame(name="narrow", width=380.0, height=230.0, left=44.0, n_rounds=len(rounds)),
    )
    return Markup("").join(_chart(budget, frame) for frame in frames)


def _chart(budget: _Budget, frame: Frame) -> Markup:
    texts = budget.texts
    most = max(report.cost for report in budget.rounds) / budget.granted
    top = STRIP + 26.0
    panel = Panel(low=0.0, high=1.08 * most, top=top, height=frame.height - top - _BELOW)
    return svg.picture(
        *_strip(budget, frame),
        *(_tick(tick, panel, frame) for tick in panel.ticks()),
        *(_column(report, budget, panel, frame) for report in budget.rounds),
        *(_number(tick, frame) for tick in _every(frame)),
        svg.words(texts.plain("budget.columns"), x=frame.left + 4, y=top - 8, class_="panel"),
        svg.words(texts.plain("rounds.axis"), x=frame.right, y=frame.height - 3, text_anchor="end"),
        name=f"budget-{frame.name}",
        size=(frame.width, frame.height),
        about=(texts.plain("budget.title"), texts.plain("budget.description", n=len(budget.rounds))),
        class_=f"{frame.name} budget",
    )


def _strip(budget: _Budget, frame: Frame) -> list[Markup]:
    """The whole budget as one bar: what each phase took of it, and what is left."""
    length = frame.right - frame.left
    shapes = [svg.element("rect", x=frame.left, y=2, width=length, height=STRIP - 8, class_="track")]
    start = 0
    for phase, stretch in groupby(budget.rounds, key=lambda report: report.phase):
        cost = sum(report.cost for report in stretch)
        name = budget.texts.plain(f"phase.{phase_key(phase, budget.plan)}")
        place = (frame.left + length * start / budget.granted, length * cost / budget.granted)
        shapes.append(_piece(name, percent(cost / budget.granted, 1), place, f"spent-{phase}"))
        start += cost
    return shapes


def _piece(name: Text, share: str, place: tuple[float, float], look: str) -> Markup:
    """A phase's part of the strip, named where there is room."""
    left, wide = place
    label = Text(en=f"{name.en} {share}", zh=f"{name.zh} {share}")
    shapes = [svg.title(label), svg.element("rect", x=left, y=2, width=wide, height=STRIP - 8)]
    if wide >= (1.1 * max(ems(label.en), ems(label.zh)) + 1.0) * _FONT:
        shapes.append(svg.words(label, x=left + 6, y=STRIP - 13))
    return svg.group(shapes, class_=look)


def _tick(share: float, panel: Panel, frame: Frame) -> Markup:
    y = panel.y(share)
    line = svg.element("line", x1=frame.left, x2=frame.right, y1=y, y2=y)
    return svg.group(
        [line, svg.words(same(percent(share)), x=frame.left - 6, y=y + 4, text_anchor="end")], class_="grid"
    )


def _column(report: RoundReport, budget: _Budget, panel: Panel, frame: Frame) -> Markup:
    share = report.cost / budget.granted
    top, wide = panel.y(share), 0.8 * frame.step
    phase = budget.texts.plain(f"phase.{phase_key(report.phase, budget.plan)}")
    about = budget.texts.plain(
        "budget.tooltip", number=report.number, phase=phase, cost=integer(report.cost), share=percent(share, 1)
    )
    bar = svg.element(
        "rect", x=frame.x(report.number) - wide / 2, y=top, width=wide, height=panel.top + panel.height - top
    )
    return svg.group([svg.title(about), bar], class_=f"round spent-{report.phase}")


def _every(frame: Frame) -> list[int]:
    ticks = svg.ticks(0, max(frame.n_rounds, 1), 10 if frame.name == "wide" else 5)
    return sorted({max(1, round(tick)) for tick in ticks})


def _number(tick: int, frame: Frame) -> Markup:
    return svg.words(same(str(tick)), x=frame.x(tick), y=frame.height - _BELOW + 15, text_anchor="middle")
