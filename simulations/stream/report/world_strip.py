"""What truly happens in the world, as a strip: known inside a simulation alone."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from simulations.report import svg
from simulations.report.naming import ems
from simulations.report.texts import Catalogue, Text
from simulations.stream.report.axis import HOUR, Axis
from simulations.stream.saying import briefly, clock, ends, kinds_of_claims, said, sort_of

ROW, _FONT = 19.0, 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A happening on paper.

    Attributes:
        number: From 1.
        row: From the top.
        left: Where it begins.
        right: Where it ends.
        words: Beside its number.
        before: Whether the words stand before it, for want of room behind.
        about: The whole sentence.
        sort: For its colour.
    """

    number: int
    row: int
    left: float
    right: float
    words: Text
    before: bool
    about: Text
    sort: str


def world_bars(axis: Axis, texts: Catalogue) -> list[Bar]:
    """All happenings, none above another in a row."""
    names, found, taken = kinds_of_claims(), list[Bar](), list[float]()
    order = sorted(enumerate(axis.story.happenings), key=lambda one: (one[1].begins, one[0]))
    for place, one in order:
        begins, ended = _seconds(axis, one.begins), ends(one)
        left = axis.x(begins)
        right = max(axis.x(_seconds(axis, ended)) if ended is not None else left, left + 4)
        words = _numbered(place + 1, briefly(one, axis.story.bureaus, names, texts), axis)
        wide = (max(ems(words.en), ems(words.zh)) + 1.0) * _FONT
        before = right + wide > axis.right
        start, end = (left - wide, right) if before else (left, right + wide)
        row = next((at for at, until in enumerate(taken) if until + 6 <= start), len(taken))
        taken[row : row + 1] = [end]
        told = said(one, axis.story.bureaus, names, texts)
        about = Text(en=f"{clock(begins)} {told.en}", zh=f"{clock(begins)} {told.zh}")
        found.append(
            Bar(number=place + 1, row=row, left=left, right=right, words=words, before=before, about=about,
                sort=sort_of(one))
        )  # fmt: skip
    return found


def strip_height(found: list[Bar]) -> float:
    """Of all rows."""
    return ROW * (1 + max((one.row for one in found), default=0))


def world_strip(found: list[Bar], top: float, bottom: float) -> list[Markup]:
    """The strip, with a line down to the lowest picture from where each begins."""
    lines = [svg.element("line", x1=one.left, x2=one.left, y1=top + ROW * one.row + 3, y2=bottom) for one in found]
    return [svg.group([*lines, *(_bar(one, top) for one in found)], class_="world")]


def _bar(one: Bar, top: float) -> Markup:
    y = top + ROW * one.row
    shapes = [
        svg.title(one.about),
        svg.element("rect", x=one.left, y=y + 3, width=one.right - one.left, height=ROW - 6, rx=2),
    ]
    x, anchor = (one.left - 4, "end") if one.before else (one.right + 4, "start")
    shapes.append(svg.words(one.words, x=x, y=y + 13.5, text_anchor=anchor))
    return svg.element("a", *shapes, href=f"#happening-{one.number}", class_=f"happened-{one.sort}")


def _seconds(axis: Axis, hours: float) -> float:
    return axis.story.opens + HOUR * hours


def _numbered(number: int, words: Text, axis: Axis) -> Text:
    if not axis.is_wide:
        return Text(en=str(number), zh=str(number))
    return Text(en=f"{number} {words.en}", zh=f"{number} {words.zh}")
