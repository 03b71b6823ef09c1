"""The headline: a few figures, as ``result.json`` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulations.report.figures import number
from simulations.report.formats import NOTHING, decimal, integer
from simulations.report.texts import Catalogue, Text, same

Found = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure of the headline.

    Attributes:
        key: Of its texts.
        value: The figure.
        beside: What belongs to it.
    """

    key: str
    value: str
    beside: tuple[Text, ...]


def tiles(result: Found, texts: Catalogue) -> list[Tile]:
    """All of them."""
    figures = inner(result, "figures")
    return [
        _windows(figures, texts),
        _spread("ratio", figures, texts),
        _spread("frozen", figures, texts),
        _clusters(figures, texts),
        _alarms(figures, texts),
        _epsilon(result),
    ]


def inner(held: Found, key: str) -> Found:
    """A table within a table; empty if there is none."""
    found = held.get(key)
    return found if isinstance(found, Mapping) else {}


def _windows(figures: Found, texts: Catalogue) -> Tile:
    why = inner(figures, "kept")
    kept = [
        texts.plain("tile.kept", n=integer(number(why, reason)), reason=texts.plain(f"kept.{reason}")) for reason in why
    ]
    beside = texts.plain("tile.published", n=integer(number(figures, "published")))
    return Tile(key="windows", value=integer(number(figures, "windows")), beside=(beside, *kept))


def _spread(key: str, figures: Found, texts: Catalogue) -> Tile:
    found = inner(figures, key)
    beside = texts.plain("tile.p95", value=decimal(number(found, "p95")))
    return Tile(key=key, value=decimal(number(found, "mean")), beside=(beside,))


def _clusters(figures: Found, texts: Catalogue) -> Tile:
    kinds = inner(figures, "alarms_by_kind")
    changes = texts.plain(
        "tile.changes", **{name: integer(number(kinds, name)) for name in ("birth", "death", "merge", "split")}
    )
    held = texts.plain("tile.quarantined", n=integer(number(figures, "quarantined")))
    return Tile(key="clusters", value=integer(number(figures, "clusters")), beside=(changes, held))


def _alarms(figures: Found, texts: Catalogue) -> Tile:
    minutes = inner(figures, "minutes_to_alarm")
    told = texts.plain(
        "tile.told", n=integer(number(figures, "happenings_told")), of=integer(number(figures, "happenings_to_tell"))
    )
    middle = number(minutes, "median")
    soon = () if middle is None else (texts.plain("tile.minutes", n=integer(middle)),)
    return Tile(key="alarms", value=integer(number(figures, "alarms")), beside=(told, *soon))


def _epsilon(result: Found) -> Tile:
    """Of a claim, what one window costs it: it is in one alone. Of a person, what the books say."""
    if result.get("unit") == "claim":
        value, key = number(result, "epsilon_of_window"), "epsilon_claim"
    else:
        value, key = number(inner(result, "spending"), "epsilon"), "epsilon_person"
    delta = number(result, "delta")
    return Tile(
        key=key,
        value=decimal(value, 2),
        beside=(same(f"δ = {NOTHING if delta is None else format(delta, 'g')}"),),
    )
