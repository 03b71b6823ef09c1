"""Clusters as bands over time."""

from __future__ import annotations

from markupsafe import Markup

from simulations.report import svg
from simulations.report.panels import Panel
from simulations.report.texts import Catalogue, same
from simulations.stream.report.axis import Axis, runs
from simulations.stream.report.colours import colour_of
from simulations.stream.report.stack import Stack

ROOM_FOR_WORDS = 12.0


def bands(stack: Stack, axis: Axis, panel: Panel, texts: Catalogue) -> list[Markup]:
    """A band for each cluster, hatched while it is in quarantine, with its identity where there is room."""
    shapes = [_band(place, stack, axis, panel, texts) for place in range(len(stack.identities))]
    names = [_name(place, stack, axis, panel) for place in range(len(stack.identities))]
    return [svg.group(shapes, class_="bands"), svg.group(names, class_="names")]


def _band(place: int, stack: Stack, axis: Axis, panel: Panel, texts: Catalogue) -> Markup:
    identity = stack.identities[place]
    lives = [(first, last) for first, last in runs(list(stack.alive[place])) if stack.alive[place, first]]
    outline = "".join(_outline(place, one, stack, axis, panel) for one in lives)
    shapes = [
        svg.title(texts.plain("bands.one", identity=identity)),
        svg.element("path", d=outline, fill=colour_of(identity)),
    ]
    if stack.quarantined[place].any():
        shapes.append(svg.element("path", d=_hatch(place, stack, axis, panel), class_="hatch"))
    return svg.group(shapes)


def _outline(place: int, life: tuple[int, int], stack: Stack, axis: Axis, panel: Panel) -> str:
    """Along the upper edge, and back along the lower one, in steps."""
    places = range(life[0], life[1] + 1)
    upper = [panel.y(float(stack.upper[place, one])) for one in places]
    lower = [panel.y(float(stack.upper[place, one] - stack.shares[place, one])) for one in places]
    edges = [axis.edges(one) for one in places]
    there = "".join(f"V{y:.1f}H{right:.1f}" for y, (_, right) in zip(upper, edges, strict=True))
    back = "".join(f"V{y:.1f}H{left:.1f}" for y, (left, _) in reversed(list(zip(lower, edges, strict=True))))
    return f"M{edges[0][0]:.1f} {lower[0]:.1f}{there}{back}Z"


def _hatch(place: int, stack: Stack, axis: Axis, panel: Panel) -> str:
    """A slanting line through every column in quarantine."""
    lines = []
    for one in range(len(axis.columns)):
        if stack.quarantined[place, one]:
            (left, right), top = axis.edges(one), float(stack.upper[place, one])
            bottom = top - float(stack.shares[place, one])
            lines.append(f"M{left:.1f} {panel.y(bottom):.1f}L{right:.1f} {panel.y(top):.1f}")
    return "".join(lines)


def _name(place: int, stack: Stack, axis: Axis, panel: Panel) -> Markup:
    """Its identity in the middle of its life, if the band is thick enough there."""
    lives = [one for one in range(len(axis.columns)) if stack.alive[place, one]]
    if not lives:
        return Markup("")
    at = lives[len(lives) // 2]
    top, share = float(stack.upper[place, at]), float(stack.shares[place, at])
    if share * panel.height < ROOM_FOR_WORDS or len(lives) * (axis.edges(at)[1] - axis.edges(at)[0]) < ROOM_FOR_WORDS:
        return Markup("")
    y = panel.y(top - share / 2) + 4
    return svg.words(same(str(stack.identities[place])), x=axis.middle(at), y=y, text_anchor="middle")
