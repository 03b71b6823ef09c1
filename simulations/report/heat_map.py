"""The regional mix as a heat map."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from simulations.report import svg
from simulations.report.formats import percent
from simulations.report.mix import MOST_COLUMNS, Mix
from simulations.report.naming import both_shortened
from simulations.report.texts import Catalogue, Text, same

STRIKING = 2.0
"""A cell is outlined where a bureau has this many times its share of all claims."""

OPPOSITE_ABOVE = 0.8
"""Opacity of a cell above which letters of the opposite shade are easier to read."""

_ROW, _HEADER, _LABEL_EMS = 19.0, 92.0, 22.0
_SLANTED_FROM = 24.0
"""Names of narrower columns stand upright."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Measures of a heat map.

    Attributes:
        name: ``wide`` or ``narrow``.
        width: Of the picture.
        left: Where cells begin.
        cell: Width of a cell.
        largest: The share that is drawn darkest.
    """

    name: str
    width: float
    left: float
    cell: float
    largest: float

    @property
    def is_wide(self) -> bool:
        """Whether there is room for names of clusters."""
        return self.name == "wide"

    @property
    def has_room(self) -> bool:
        """Whether a figure fits into a cell."""
        return self.cell >= 30.0  # noqa: PLR2004

    def opacity(self, share: float) -> float:
        """How dark a share is drawn."""
        return min(1.0, 0.04 + 0.8 * share / self.largest)


def mix_picture(mix: Mix, texts: Catalogue) -> Markup:
    """The heat map, once for wide and once for narrow screens."""
    n = max(len(mix.columns), 1)
    largest = float(mix.shares[:, : MOST_COLUMNS - 1].max(initial=0.0)) or 1.0
    wide = _Look(name="wide", width=1040.0, left=290.0, cell=min(80.0, 700.0 / n), largest=largest)
    narrow = _Look(name="narrow", width=380.0, left=44.0, cell=min(50.0, 300.0 / n), largest=largest)
    return Markup("").join(_picture(mix, texts, look) for look in (wide, narrow))


def _picture(mix: Mix, texts: Catalogue, look: _Look) -> Markup:
    size = (look.width, _HEADER + (len(mix.rows) + 1.5) * _ROW)
    about = (texts.plain("mix.title"), texts.plain("mix.description", k=len(mix.rows), n=len(mix.columns)))
    return svg.picture(
        *(_header(place, name, look) for place, name in enumerate(mix.columns)),
        *_overall(mix, texts, look),
        *(_row(place, mix, texts, look) for place in range(len(mix.rows))),
        name=f"mix-{look.name}",
        size=size,
        about=about,
        class_=f"{look.name} mix",
    )


def _header(place: int, name: Text, look: _Look) -> Markup:
    """A bureau's name, slanted, or upright where columns are narrow."""
    x, y = look.left + (place + 0.5) * look.cell, _HEADER - 8.0
    angle, most = (-45, 10.0) if look.cell >= _SLANTED_FROM else (-90, 6.5)
    x += 0 if angle > -90 else 4.0  # noqa: PLR2004  upright letters stand on the middle of the column
    return svg.words(
        both_shortened(name, most), x=x, y=y, transform=f"rotate({angle} {x:.1f} {y:.1f})", class_="column"
    )


def _overall(mix: Mix, texts: Catalogue, look: _Look) -> list[Markup]:
    """The first row: what each bureau has of all claims."""
    name = texts.plain("mix.all" if look.is_wide else "mix.all_short")
    shapes = [svg.words(name, x=look.left - 8, y=_HEADER + 0.7 * _ROW, text_anchor="end", class_="strong")]
    for place, share in enumerate(mix.overall):
        about = texts.plain("mix.tooltip", cluster=name, bureau=mix.columns[place], share=percent(share))
        shapes.append(_cell((place, _HEADER), float(share), about, look, striking=False))
    return shapes


def _row(row: int, mix: Mix, texts: Catalogue, look: _Look) -> Markup:
    top = _HEADER + (row + 1.5) * _ROW
    name = both_shortened(mix.rows[row], _LABEL_EMS) if look.is_wide else same(mix.rows[row].en.split()[0])
    shapes = [svg.words(name, x=look.left - 8, y=top + 0.7 * _ROW, text_anchor="end")]
    for column, share in enumerate(mix.shares[row]):
        names = {"cluster": mix.rows[row], "bureau": mix.columns[column]}
        if mix.hidden[row, column]:
            shapes.append(_hidden((column, top), texts.plain("mix.tooltip_hidden", **names), look))
            continue
        about = texts.plain("mix.tooltip", **names, share=percent(share))
        striking = share >= STRIKING * mix.overall[column] > 0
        shapes.append(_cell((column, top), float(share), about, look, striking=bool(striking)))
    return svg.group(shapes)


def _cell(place: tuple[int, float], share: float, about: Text, look: _Look, *, striking: bool) -> Markup:
    column, top = place
    x = look.left + column * look.cell
    box = svg.element(
        "rect", x=x + 1, y=top + 1, width=look.cell - 2, height=_ROW - 2, fill_opacity=look.opacity(share)
    )
    shapes = [svg.title(about), box]
    if look.has_room:
        shapes.append(
            svg.element("text", percent(share), x=x + look.cell / 2, y=top + 0.7 * _ROW, text_anchor="middle")
        )
    strong = "strong" if look.opacity(share) > OPPOSITE_ABOVE else ""
    return svg.group(shapes, class_=f"cell {strong} {'striking' if striking else ''}".strip())


def _hidden(place: tuple[int, float], about: Text, look: _Look) -> Markup:
    column, top = place
    x = look.left + column * look.cell
    dot = svg.element("text", "·", x=x + look.cell / 2, y=top + 0.7 * _ROW, text_anchor="middle")
    box = svg.element("rect", x=x + 1, y=top + 1, width=look.cell - 2, height=_ROW - 2)
    return svg.group([svg.title(about), box, dot], class_="hidden")
