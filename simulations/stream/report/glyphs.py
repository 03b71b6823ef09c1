"""A shape for each kind of alarm: told apart without colour."""

from __future__ import annotations

from markupsafe import Markup

from common.stream.alarms import AlarmKind
from simulations.report import svg

_PATHS = {
    AlarmKind.BIRTH: "M0-5L5 4H-5Z",
    AlarmKind.CONFIRMED: "M-5 0L-1.5 4L5-4",
    AlarmKind.DEATH: "M-4-4L4 4M-4 4L4-4",
    AlarmKind.MERGE: "M-5-4H-4L1 0H5M-5 4H-4L1 0",
    AlarmKind.SPLIT: "M5-4H4L-1 0H-5M5 4H4L-1 0",
    AlarmKind.SURGE: "M0-5A5 5 0 1 1 0 5A5 5 0 1 1 0-5Z",
    AlarmKind.SURGE_OF_UNKNOWN: "M0-5L5 0L0 5L-5 0Z",
    AlarmKind.SURGE_OF_OPERATIONS: "M-2-5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z",
    AlarmKind.DRIFT: "M-6 2Q-3-6 0 0T6-2",
    AlarmKind.HELD: "M-3-4V4M3-4V4",
}


def key_of(kind: AlarmKind) -> str:
    """Under which its texts stand, and its looks."""
    return kind.name.lower()


def glyph(kind: AlarmKind, x: float, y: float, scale: float = 1.0) -> Markup:
    """The shape of a kind of alarm around a place."""
    place = f"translate({x:.1f} {y:.1f}) scale({scale:g})"
    return svg.element("path", d=_PATHS[kind], transform=place, class_=f"glyph glyph-{key_of(kind)}")


def symbol(kind: AlarmKind) -> Markup:
    """The shape alone, for a legend or a table; for the eye only, its name stands beside it."""
    return svg.element("svg", glyph(kind, 8, 8), viewBox="0 0 16 16", aria_hidden="true", class_="symbol")
