"""The feasibility index on its scale: from where noise decides to where it hardly shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from common.accounting.feasibility import REFUSE_BELOW, WARN_BELOW
from simulations.report import svg
from simulations.report.formats import decimal
from simulations.report.texts import Catalogue, same

ENDS = (2.0, 120.0)
"""Of the scale, which is logarithmic; an index beyond stands at its end."""

BOUNDS = (REFUSE_BELOW, WARN_BELOW, 35.0, 50.0)
"""Between zones; measured on 13 data sets, see ``common.accounting.feasibility``."""

NAMES = ("refused", "coarse", "usable", "good", "fine")
_TOP, _THICK = 34.0, 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A part of the scale.

    Attributes:
        name: Of its texts and colour.
        low: Where it begins, or empty.
        high: Where it ends, or empty.
        here: Whether the index lies in it.
    """

    name: str
    low: str
    high: str
    here: bool


def zones(phi: float) -> tuple[Zone, ...]:
    """The zones, lowest first."""
    edges = (-math.inf, *BOUNDS, math.inf)
    return tuple(
        Zone(name=name, low=_edge(low), high=_edge(high), here=low <= phi < high)
        for name, (low, high) in zip(NAMES, pairwise(edges), strict=True)
    )


def phi_scale(phi: float, texts: Catalogue) -> Markup:
    """The scale, once for wide and once for narrow screens."""
    looks = (("wide", 1040.0), ("narrow", 380.0))
    return Markup("").join(_scale(phi, texts, name, width) for name, width in looks)


def shown_phi(phi: float) -> str:
    """The index, rounded down: it never looks better than it is."""
    return decimal(math.floor(phi * 10) / 10, 1)


def _scale(phi: float, texts: Catalogue, name: str, width: float) -> Markup:
    edges = (ENDS[0], *BOUNDS, ENDS[1])
    return svg.picture(
        *(_zone(zone, low, high, width) for zone, (low, high) in zip(NAMES, pairwise(edges), strict=True)),
        *(_tick(bound, width) for bound in BOUNDS),
        _pointer(phi, width),
        name=f"phi-{name}",
        size=(width, _TOP + _THICK + 22.0),
        about=(texts.plain("privacy.phi_title"), texts.plain("privacy.phi_description", phi=shown_phi(phi))),
        class_=f"{name} phi",
    )


def _zone(zone: str, low: float, high: float, width: float) -> Markup:
    left, right = _x(low, width), _x(high, width)
    return svg.element("rect", x=left, y=_TOP, width=right - left, height=_THICK, class_=f"zone-{zone}")


def _tick(bound: float, width: float) -> Markup:
    return svg.words(same(decimal(bound, 0)), x=_x(bound, width), y=_TOP + _THICK + 16.0, text_anchor="middle")


def _pointer(phi: float, width: float) -> Markup:
    """A triangle on the scale, the figure over it."""
    x = _x(phi, width)
    shape = svg.element("path", d=f"M{x:.1f} {_TOP + 7:.0f} l-7 -13 h14 z")
    anchor = "start" if x < width / 10 else ("end" if x > 0.9 * width else "middle")
    figure = svg.words(same(f"φ = {shown_phi(phi)}"), x=x, y=_TOP - 12.0, text_anchor=anchor)
    return svg.group([shape, figure], class_="pointer")


def _x(value: float, width: float) -> float:
    low, high = (math.log(end) for end in ENDS)
    return width * (math.log(min(max(value, ENDS[0]), ENDS[1])) - low) / (high - low)


def _edge(value: float) -> str:
    return "" if math.isinf(value) else decimal(value, 0)
