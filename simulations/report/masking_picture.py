"""A picture of masking with small numbers: three bureaus, masks that cancel in pairs, own masks that are taken off.

The picture counts like a clock of 100 hours where the protocol counts like one of 2^64.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from markupsafe import Markup

from simulations.report import svg
from simulations.report.texts import Catalogue, Text, same

CLOCK = 100
BUREAUS = ("A", "B", "C")
ANSWERS = {"A": 12, "B": 7, "C": 30}
PAIRS = {("A", "B"): 61, ("A", "C"): 25, ("B", "C"): 48}
OWN = {"A": 33, "B": 90, "C": 14}

_LINE, _PAD, _GAP = 25.0, 14.0, 16.0
_BUREAU_HEIGHT, _STEP_HEIGHT = 176.0, 54.0


class Row(NamedTuple):
    """A line in a bureau's box: how it is coloured, what it is called, its figure."""

    mark: str
    name: Text
    figure: str


class _Box(NamedTuple):
    """A place for a box."""

    x: float
    y: float
    width: float
    height: float


def masking_picture(texts: Catalogue) -> Markup:
    """The picture, once for wide and once for narrow screens."""
    wide = [_Box(345.0 * place, 0.0, 330.0, _BUREAU_HEIGHT) for place in range(len(BUREAUS))]
    narrow = [_Box(0.0, (_BUREAU_HEIGHT + _GAP) * place, 380.0, _BUREAU_HEIGHT) for place in range(len(BUREAUS))]
    looks = (("wide", wide, 1020.0), ("narrow", narrow, 380.0))
    return Markup("").join(_drawn(texts, name, boxes, width) for name, boxes, width in looks)


def rows(bureau: str, texts: Catalogue) -> tuple[Row, ...]:
    """What a bureau adds up."""
    pairs = (
        Row(f"pair-{one}{other}".lower(), texts.plain("masking.pair", other=_peer(bureau, one, other)), f"{shown:+d}")
        for (one, other), mask in PAIRS.items()
        if bureau in {one, other}
        for shown in [mask if bureau == one else -mask]
    )
    return (
        Row("answer", texts.plain("masking.answer"), f"{ANSWERS[bureau]}"),
        *(row._replace(figure=_minus(row.figure)) for row in pairs),
        Row("own", texts.plain("masking.own"), f"+{OWN[bureau]}"),
    )


def sent(bureau: str) -> int:
    """What a bureau sends: its answer under all its masks."""
    pairs = sum(mask * ((bureau == one) - (bureau == other)) for (one, other), mask in PAIRS.items())
    return (ANSWERS[bureau] + pairs + OWN[bureau]) % CLOCK


def steps(texts: Catalogue) -> tuple[tuple[Text, str], ...]:
    """What the coordinator does with it."""
    under, own = sum(map(sent, BUREAUS)) % CLOCK, sum(OWN.values()) % CLOCK
    opened = (under - own) % CLOCK
    return (
        (texts.plain("masking.adds"), f"{_sum(map(sent, BUREAUS))} = {under}"),
        (texts.plain("masking.shown"), f"{_sum(OWN.values())} = {own}"),
        (texts.plain("masking.opens"), _minus(f"{under} - {own} = {opened} = {_sum(ANSWERS.values())}")),
    )


def _drawn(texts: Catalogue, name: str, boxes: list[_Box], width: float) -> Markup:
    top = max(box.y + box.height for box in boxes) + 2 * _GAP
    coordinator = _Box(0.0, top, width, _LINE + _PAD + _STEP_HEIGHT * len(BUREAUS))
    if name == "wide":
        coordinator = coordinator._replace(height=_LINE + _PAD + _STEP_HEIGHT)
    return svg.picture(
        *(_bureau(bureau, box, texts) for bureau, box in zip(BUREAUS, boxes, strict=True)),
        *(_arrow(box, coordinator) for box in (boxes if name == "wide" else boxes[-1:])),
        _coordinator(coordinator, boxes, texts),
        name=f"masking-{name}",
        size=(width, coordinator.y + coordinator.height + 2.0),
        about=(texts.plain("masking.picture"), texts.plain("masking.description")),
        class_=f"{name} masking",
    )


def _bureau(bureau: str, box: _Box, texts: Catalogue) -> Markup:
    lines = rows(bureau, texts)
    after = box.y + _PAD + _LINE * (len(lines) + 1)
    right = box.x + box.width - _PAD
    return svg.group(
        [
            svg.element("rect", x=box.x + 1.5, y=box.y + 1.5, width=box.width - 3, height=box.height - 3, rx=8),
            svg.words(texts.plain("masking.bureau", name=bureau), x=box.x + _PAD, y=box.y + _LINE, class_="strong"),
            *(_row(row, box, box.y + _PAD + _LINE * (place + 1)) for place, row in enumerate(lines)),
            svg.element("line", x1=box.x + _PAD, x2=right, y1=after, y2=after),
            svg.words(texts.plain("masking.sends"), x=box.x + _PAD, y=after + 20, class_="strong"),
            svg.words(same(f"{sent(bureau)}"), x=right, y=after + 20, class_="figure strong"),
        ],
        class_="bureau",
    )


def _row(row: Row, box: _Box, y: float) -> Markup:
    return svg.group(
        [
            svg.element("rect", x=box.x + _PAD, y=y + 4, width=12, height=12, rx=3),
            svg.words(row.name, x=box.x + _PAD + 20, y=y + 15),
            svg.words(same(row.figure), x=box.x + box.width - _PAD, y=y + 15, class_="figure"),
        ],
        class_=row.mark,
    )


def _arrow(box: _Box, coordinator: _Box) -> Markup:
    x, start = box.x + box.width / 2, box.y + box.height
    down = coordinator.y - start - 5
    return svg.element("path", d=f"M{x:.1f} {start + 3:.1f} v{down - 3:.1f} m-6 -7 l6 7 l6 -7", class_="arrow")


def _coordinator(box: _Box, boxes: list[_Box], texts: Catalogue) -> Markup:
    heading = svg.words(texts.plain("how.coordinator"), x=box.x + _PAD, y=box.y + _LINE, class_="strong")
    frame = svg.element("rect", x=box.x + 1.5, y=box.y + 1.5, width=box.width - 3, height=box.height - 3, rx=8)
    return svg.group([frame, heading, *_steps(box, boxes, texts)], class_="coordinator")


def _steps(box: _Box, boxes: list[_Box], texts: Catalogue) -> Iterator[Markup]:
    """Side by side where the bureaus are, one below the other elsewhere."""
    beside = boxes[0].y == boxes[1].y
    for place, (name, figures) in enumerate(steps(texts)):
        x = (boxes[place].x if beside else box.x) + _PAD
        y = box.y + _PAD + _LINE + (0.0 if beside else _STEP_HEIGHT * place)
        yield svg.words(name, x=x, y=y + 15)
        yield svg.words(same(figures), x=x, y=y + 36, class_="figures strong")


def _peer(bureau: str, one: str, other: str) -> str:
    return other if bureau == one else one


def _sum(figures: Iterable[int]) -> str:
    return " + ".join(map(str, figures))


def _minus(figure: str) -> str:
    """With a minus as long as a plus."""
    return figure.replace("-", "−")
