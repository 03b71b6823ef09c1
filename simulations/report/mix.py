"""The regional mix: which share of each cluster's claims every bureau holds, small cells hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulations.report import svg
from simulations.report.floor import hidden_cells
from simulations.report.formats import percent
from simulations.report.naming import both_shortened, bureau_name, full_name
from simulations.report.texts import Catalogue, Text, same
from simulations.story import Story

MOST_COLUMNS = 20
"""With more bureaus than this, the smallest are shown together."""

STRIKING = 2.0
"""A cell is outlined where a bureau has this many times its share of all claims."""

_OPPOSITE_ABOVE = 0.8
"""Opacity of a cell above which letters of the opposite shade are easier to read."""

_ROW, _HEADER, _LABEL_EMS = 19.0, 92.0, 22.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A table of clusters and bureaus.

    Attributes:
        rows: Names of the clusters.
        columns: Names of the bureaus.
        shares: ``(n_rows, n_columns)``, each row adds up to 1.
        hidden: Cells that are not shown.
        overall: ``(n_columns,)``, shares of all claims.
    """

    rows: tuple[Text, ...]
    columns: tuple[Text, ...]
    shares: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.bool_]
    overall: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Measures of a heat map."""

    name: str
    left: float
    cell: float
    named: bool

    @property
    def has_room(self) -> bool:
        """Whether a figure fits into a cell."""
        return self.cell >= 30.0  # noqa: PLR2004


def regional_mix(story: Story, texts: Catalogue) -> Mix:
    """The table to show; the smallest of many bureaus are put together."""
    counts = np.array([card.bureau_counts for card in story.cards], np.int64).reshape(len(story.cards), -1)
    names = [bureau_name(bureau) for bureau in story.bureaus]
    if len(names) > MOST_COLUMNS:
        kept = MOST_COLUMNS - 1
        names = [*names[:kept], texts.plain("mix.others", n=len(names) - kept)]
        counts = np.column_stack([counts[:, :kept], counts[:, kept:].sum(axis=1)])
    return Mix(
        rows=tuple(full_name(card, texts) for card in story.cards),
        columns=tuple(names),
        shares=counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        hidden=hidden_cells(counts),
        overall=counts.sum(axis=0) / max(counts.sum(), 1),
    )


def mix_picture(mix: Mix, texts: Catalogue) -> Markup:
    """The heat map, once for wide and once for narrow screens."""
    n = max(len(mix.columns), 1)
    wide = _Look(name="wide", left=290.0, cell=min(84.0, 740.0 / n), named=True)
    narrow = _Look(name="narrow", left=44.0, cell=min(60.0, 330.0 / n), named=False)
    return Markup("").join(_picture(mix, texts, look) for look in (wide, narrow))


def _picture(mix: Mix, texts: Catalogue, look: _Look) -> Markup:
    size = (look.left + len(mix.columns) * look.cell + 52.0, _HEADER + (len(mix.rows) + 1.5) * _ROW)
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
    x, y = look.left + (place + 0.5) * look.cell, _HEADER - 8.0
    return svg.words(both_shortened(name, 11.0), x=x, y=y, transform=f"rotate(-45 {x:.1f} {y:.1f})", class_="column")


def _overall(mix: Mix, texts: Catalogue, look: _Look) -> list[Markup]:
    """The first row: what each bureau has of all claims."""
    name = texts.plain("mix.all" if look.named else "mix.all_short")
    shapes = [svg.words(name, x=look.left - 8, y=_HEADER + 0.7 * _ROW, text_anchor="end", class_="strong")]
    for place, share in enumerate(mix.overall):
        about = texts.plain("mix.tooltip", cluster=name, bureau=mix.columns[place], share=percent(share))
        shapes.append(_cell((place, _HEADER), float(share), about, look, striking=False))
    return shapes


def _row(row: int, mix: Mix, texts: Catalogue, look: _Look) -> Markup:
    top = _HEADER + (row + 1.5) * _ROW
    name = both_shortened(mix.rows[row], _LABEL_EMS) if look.named else same(mix.rows[row].en.split()[0])
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
        "rect", x=x + 1, y=top + 1, width=look.cell - 2, height=_ROW - 2, fill_opacity=_opacity(share)
    )
    shapes = [svg.title(about), box]
    if look.has_room:
        shapes.append(svg.element("text", percent(share), x=x + look.cell / 2, y=top + 0.7 * _ROW, text_anchor="middle"))
    strong = "strong" if _opacity(share) > _OPPOSITE_ABOVE else ""
    return svg.group(shapes, class_=f"cell {strong} {'striking' if striking else ''}".strip())


def _opacity(share: float) -> float:
    return min(1.0, 0.04 + 1.3 * share)


def _hidden(place: tuple[int, float], about: Text, look: _Look) -> Markup:
    column, top = place
    x = look.left + column * look.cell
    dot = svg.element("text", "·", x=x + look.cell / 2, y=top + 0.7 * _ROW, text_anchor="middle")
    box = svg.element("rect", x=x + 1, y=top + 1, width=look.cell - 2, height=_ROW - 2)
    return svg.group([svg.title(about), box, dot], class_="hidden")
