"""The time axis that all pictures of a stream share: windows, or a few of them together where there are many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from simulations.report import svg
from simulations.report.texts import same
from simulations.stream.saying import clock
from simulations.stream.story import StreamStory, Tick

HOUR = 3600
DAY_H = 24
_STEPS_H = (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1344, 2688, 5376, 10752, 21504)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Time on paper.

    Attributes:
        name: ``wide`` or ``narrow``.
        width: Of the picture.
        left: Where time begins.
        most_columns: Of windows drawn together.
        labels: Of hours, at most.
        story: Whose windows.
    """

    name: str
    width: float
    left: float
    most_columns: int
    labels: int
    story: StreamStory

    @property
    def is_wide(self) -> bool:
        """Whether there is room for words."""
        return self.name == "wide"

    @property
    def right(self) -> float:
        """Where time ends."""
        return self.width - 8.0

    @cached_property
    def columns(self) -> tuple[tuple[Tick, ...], ...]:
        """Windows that are drawn together, in order."""
        ticks = self.story.ticks
        n = min(len(ticks), self.most_columns)
        return tuple(ticks[place * len(ticks) // n : (place + 1) * len(ticks) // n] for place in range(n))

    @property
    def hours(self) -> float:
        """How long it is."""
        return max(len(self.story.ticks), 1) * self.story.every_s / HOUR

    def x(self, second: float) -> float:
        """Where a moment is, at most at the ends."""
        share = (second - self.story.opens) / (self.hours * HOUR)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def column(self, number: int) -> int:
        """The column of a window."""
        return next(place for place, column in enumerate(self.columns) if column[-1].number >= number)

    def edges(self, place: int) -> tuple[float, float]:
        """Where a column begins and ends."""
        column = self.columns[place]
        return self.x(column[0].closes - self.story.every_s), self.x(column[-1].closes)

    def middle(self, place: int) -> float:
        """The middle of a column."""
        return sum(self.edges(place)) / 2


def twice(story: StreamStory, picture: Callable[[Axis], Markup]) -> Markup:
    """A picture for wide and one for narrow screens; nothing without windows."""
    if not story.ticks:
        return Markup("")
    wide = Axis(name="wide", width=1040.0, left=112.0, most_columns=240, labels=12, story=story)
    narrow = Axis(name="narrow", width=380.0, left=46.0, most_columns=96, labels=4, story=story)
    return picture(wide) + picture(narrow)


def hours_shown(axis: Axis) -> list[float]:
    """Hours at which a line is drawn."""
    step = next(one for one in _STEPS_H if axis.hours / one <= axis.labels)
    return [float(hour) for hour in range(0, int(axis.hours) + 1, step)]


def time_lines(axis: Axis, top: float, bottom: float) -> Markup:
    """Lines through a picture, with the clock below; midnights with the day."""
    shapes: list[Markup] = []
    for hour in hours_shown(axis):
        second = axis.story.opens + hour * HOUR
        x = axis.x(second)
        shapes.append(svg.element("line", x1=x, x2=x, y1=top, y2=bottom))
        if axis.right - x > 14 or axis.is_wide:  # noqa: PLR2004  half a label
            shapes.append(_label(clock(second), x, bottom + 15, axis))
    return svg.group(shapes, class_="grid time")


def _label(words: str, x: float, y: float, axis: Axis) -> Markup:
    day, minute = words.split()
    near_end = axis.right - x < 16  # noqa: PLR2004  half a label
    return svg.words(same(day if minute == "00:00" else minute), x=x, y=y, text_anchor="end" if near_end else "middle")


def runs(values: Sequence[object]) -> list[tuple[int, int]]:
    """Stretches of equal neighbours: places of the first and the last of each."""
    starts = [place for place in range(len(values)) if place == 0 or values[place] != values[place - 1]]
    return list(zip(starts, [one - 1 for one in starts[1:]] + [len(values) - 1], strict=True)) if values else []


def stretch(axis: Axis, first: int, last: int) -> tuple[float, float]:
    """Where a stretch of columns begins, and how wide it is."""
    left, right = axis.edges(first)[0], axis.edges(last)[1]
    return left, right - left
