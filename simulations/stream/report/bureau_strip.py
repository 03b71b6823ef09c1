"""Which bureaus answered, window by window, under a lane that marks the windows in which the old model was kept."""

from __future__ import annotations

from markupsafe import Markup

from simulations.report import svg
from simulations.report.formats import percent
from simulations.report.texts import Catalogue, Text, same
from simulations.stream.kept import Kept, kept
from simulations.stream.report.axis import Axis, runs, stretch, time_lines, twice
from simulations.stream.saying import clock
from simulations.stream.story import StreamStory, Tick

_TOP, _LANE, _BELOW, _LEAST = 8.0, 18.0, 22.0, 5.0
_ROOM = 420.0
"""Of all bureaus together at most."""

Cell = tuple[str, float]
"""How a bureau is drawn in a column, and its share of the windows that published."""


def bureau_strip(story: StreamStory, texts: Catalogue) -> Markup:
    """The picture, for wide and for narrow screens; nothing without windows."""
    return twice(story, lambda axis: _picture(axis, texts))


def _picture(axis: Axis, texts: Catalogue) -> Markup:
    names = axis.story.bureaus
    row = min(_LANE, max(_ROOM / max(len(names), 1), _LEAST))
    top = _TOP + _LANE + 6.0
    bottom = top + row * len(names)
    return svg.picture(
        time_lines(axis, _TOP, bottom),
        svg.group(_kept(axis, texts), class_="kept"),
        svg.words(
            texts.plain("answered.kept" if axis.is_wide else "answered.kept_brief"),
            x=axis.left - 6,
            y=_TOP + 13,
            text_anchor="end",
        ),
        *(_bureau(name, (top + row * place, row), axis, texts) for place, name in enumerate(names)),
        name=f"answered-{axis.name}",
        size=(axis.width, bottom + _BELOW),
        about=(
            texts.plain("answered.title"),
            texts.plain("answered.description", bureaus=len(names), windows=len(axis.story.ticks)),
        ),
        class_=f"{axis.name} answered",
    )


def _kept(axis: Axis, texts: Catalogue) -> list[Markup]:
    """A stretch for each reason: of a column, that of most of its windows that kept the model."""
    found = [_reason(column) for column in axis.columns]
    shapes = []
    for first, last in runs(found):
        reason = found[first]
        if reason is not None:
            left, wide = stretch(axis, first, last)
            about = _titled(texts.plain(f"kept.{reason}"), axis, first, last)
            box = svg.element("rect", x=left, y=_TOP + 1, width=wide, height=_LANE - 4)
            shapes.append(svg.group([svg.title(about), box], class_=f"kept-{reason}"))
    return shapes


def _reason(column: tuple[Tick, ...]) -> Kept | None:
    reasons = [reason for tick in column if (reason := kept(tick.kept_because)) is not None]
    return max(reasons, key=lambda one: (reasons.count(one), one), default=None)


def _bureau(name: str, place: tuple[float, float], axis: Axis, texts: Catalogue) -> Markup:
    y, row = place
    shapes = [_cell_shape(name, one, place, axis, texts) for one in _stretches(name, axis)]
    if row >= 9:  # noqa: PLR2004  letters need it
        shown = name if axis.is_wide else name[-4:]
        shapes.append(svg.words(same(shown), x=axis.left - 6, y=y + row / 2 + 4, text_anchor="end"))
    return svg.group(shapes)


def _stretches(name: str, axis: Axis) -> list[tuple[Cell, int, int]]:
    cells = [_cell(name, column) for column in axis.columns]
    return [(cells[first], first, last) for first, last in runs(cells)]


def _cell(name: str, column: tuple[Tick, ...]) -> Cell:
    published = [tick for tick in column if not tick.kept_because]
    if not all(name in tick.asked for tick in column):
        return "unreached", _share(name, published)
    if not published:
        return "unasked", 0.0
    share = _share(name, published)
    return ("answered" if share > 0 else "missed"), share


def _share(name: str, published: list[Tick]) -> float:
    return sum(name in tick.answered for tick in published) / len(published) if published else 0.0


def _cell_shape(
    name: str, one: tuple[Cell, int, int], place: tuple[float, float], axis: Axis, texts: Catalogue
) -> Markup:
    (look, share), first, last = one
    left, wide = stretch(axis, first, last)
    about = texts.plain(f"answered.{look}", bureau=name, share=percent(share))
    opacity = round(0.25 + 0.75 * share, 2) if look == "answered" else None
    box = svg.element("rect", x=left, y=place[0] + 0.5, width=wide, height=place[1] - 1, fill_opacity=opacity)
    return svg.group([svg.title(_titled(about, axis, first, last)), box], class_=f"cell-{look}")


def _titled(about: Text, axis: Axis, first: int, last: int) -> Text:
    opens = axis.columns[first][0].closes - axis.story.every_s
    span = f"{clock(opens)} – {clock(axis.columns[last][-1].closes)}"
    return Text(en=f"{span} {about.en}", zh=f"{span} {about.zh}")
