"""The report on a router as a page. It loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from client.router.deciding.policy import Language
from client.router.reviewing.telling import HEADING, Told

STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;font-size:.9rem;width:100%}"
    "th,td{border-top:1px solid #ddd;padding:.25rem .5rem;text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}p{color:#555;font-size:.85rem}"
)


def report_page(tables: Sequence[Told], notes: Sequence[str], language: Language) -> str:
    """The page, HTML.

    Args:
        tables: In the order of the page.
        notes: What else must be said, below them.
        language: Of all of it.
    """
    return Markup(
        '<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{heading}</title>'
        '<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>'
        "<h1>{heading}</h1>{tables}{notes}</body></html>\n"
    ).format(
        lang="zh-CN" if language == "zh" else "en",
        heading=HEADING.of(language),
        style=Markup(STYLE),  # noqa: S704  a constant
        tables=Markup("").join(map(_table, tables)),
        notes=Markup("").join(Markup("<p>{}</p>").format(note) for note in notes),
    )


def _table(told: Told) -> Markup:
    rows = Markup("").join(_row(row, "td") for row in told.rows)
    return Markup("<h2>{}</h2><table>{}{}</table><p>{}</p>").format(told.title, _row(told.head, "th"), rows, told.note)


def _row(cells: Sequence[str], tag: str) -> Markup:
    held = Markup("").join(Markup("<{0}>{1}</{0}>").format(tag, cell) for cell in cells)
    return Markup("<tr>{}</tr>").format(held)
