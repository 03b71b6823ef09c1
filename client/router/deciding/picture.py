"""Where a claim lies among its clusters, as a picture: the plane through the claim and its nearest two centroids.

In this plane the triangle of the claim and the two is true to scale. The other centroids are shown where they fall on
it, so they may look nearer than they are, never farther.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from client.router.deciding.distance import SQUARE_UNITS
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import Language
from client.router.deciding.record import DecisionRecord
from client.router.deciding.rowtext import row_of
from client.router.deciding.wording import Words, block_words

WIDTH, HEIGHT, MARGIN = 640.0, 400.0, 50.0
BAR_HEIGHT, BAR_LEFT = 22.0, 170.0
OTHERS = "#767676"

TITLE = Words("这份结算单与各类别的位置", "Where the claim lies among its clusters")
ABOUT = Words(
    "橙色菱形是这份结算单，蓝色是最相近的类别，绿色是其次；三者之间的距离成比例。",
    "The orange diamond is the claim, blue its nearest cluster, green the second; the three are true to scale.",
)
PARTS_TITLE = Words("各部分占距离的比例", "What the distance is made of")

Floats = npt.NDArray[np.float64]


class Plane(NamedTuple):
    """Points in the plane, feature units.

    Attributes:
        centroids: float64 ``(K, 2)``.
        claim: float64 ``(2,)``.
    """

    centroids: Floats
    claim: Floats


def plane_of(record: DecisionRecord, model: RoutingModel) -> Plane:
    """The nearest centroid at the origin, the second on the first axis, the claim above it.

    Guarantees:
        * Distances among the claim, its nearest and its second centroid are those in all dimensions; where coordinates
          are weighted, as the nearest cluster weighs them.
    """
    scale = 1.0 if model.weights is None else np.sqrt(model.weights[record.cluster])
    row = row_of(record.row, model.features.n_features)[0].astype(np.float64) * scale
    centroids = model.centroids * scale
    origin = centroids[record.cluster]
    toward = centroids[record.second] - origin if record.second is not None else np.zeros_like(origin)
    first = _unit(toward) if toward.any() else _unit(row - origin)
    rest = (row - origin) - ((row - origin) @ first) * first
    axes = np.stack((first, _unit(rest)))
    return Plane(centroids=(centroids - origin) @ axes.T, claim=(row - origin) @ axes.T)


def _unit(vector: Floats) -> Floats:
    length = float(np.sqrt(vector @ vector))
    return vector / length if length > 0 else vector


def cluster_picture(record: DecisionRecord, model: RoutingModel, language: Language) -> Markup:
    """The picture, SVG."""
    plane = plane_of(record, model)
    points = _placed(np.vstack((plane.centroids, plane.claim)))
    claim, nearest = points[-1], points[record.cluster]
    second = points[record.second] if record.second is not None else None
    upwards = sorted(range(len(model)), key=lambda number: number in {record.cluster, record.second})
    marks = [_dot(points[number], number, record) for number in upwards]
    lines = [_line(claim, end) for end in (nearest, second) if end is not None]
    square = _element(
        "rect", x=claim[0] - 6, y=claim[1] - 6, width=12, height=12, fill="#d55e00", transform=_turned(claim)
    )
    return _picture((*lines, *marks, square), (WIDTH, HEIGHT), (TITLE.of(language), ABOUT.of(language)))


def parts_picture(record: DecisionRecord, model: RoutingModel, language: Language) -> Markup:
    """What each block adds to the squared distance, as bars, SVG."""
    whole = max(record.square_distance, 1)
    bars: list[Markup] = []
    for place, (name, part) in enumerate(zip(model.block_names, record.contributions, strict=True)):
        top, share = place * BAR_HEIGHT, part / whole
        middle, width = top + 0.7 * BAR_HEIGHT, share * (WIDTH - BAR_LEFT - MARGIN)
        label = block_words(name).of(language)
        bars += [
            _element("text", label, x=BAR_LEFT - 8, y=middle, text_anchor="end"),
            _element("rect", x=BAR_LEFT, y=top + 3, width=width, height=BAR_HEIGHT - 6, fill="#0072b2"),
            _element("text", f"{share:.1%}", x=BAR_LEFT + width + 6, y=middle),
        ]
    about = f"{record.square_distance / SQUARE_UNITS:.4f}"
    return _picture(bars, (WIDTH, BAR_HEIGHT * len(model.block_names)), (PARTS_TITLE.of(language), about))


def _placed(points: Floats) -> Floats:
    """Into the frame, the same scale both ways, upwards as on paper."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    scale = float(np.min(room / np.maximum(high - low, 1e-9)))
    shown = np.array([WIDTH, HEIGHT]) / 2 + (points - (low + high) / 2) * scale * np.array([1.0, -1.0])
    return np.asarray(shown, np.float64)


def _dot(point: Floats, number: int, record: DecisionRecord) -> Markup:
    colour = {record.cluster: "#0072b2", record.second: "#009e73"}.get(number, OTHERS)
    radius = 12 if colour != OTHERS else 10
    return Markup("").join(
        (
            _element("circle", cx=point[0], cy=point[1], r=radius, fill=colour, fill_opacity="0.85"),
            _element("text", number, x=point[0], y=point[1] + 4, text_anchor="middle", fill="#ffffff"),
        )
    )


def _line(start: Floats, end: Floats) -> Markup:
    return _element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], stroke="#555555", stroke_dasharray="4 3")


def _turned(point: Floats) -> str:
    return f"rotate(45 {point[0]:.1f} {point[1]:.1f})"


def _picture(marks: tuple[Markup, ...] | list[Markup], size: tuple[float, float], about: tuple[str, str]) -> Markup:
    title, description = _element("title", about[0]), _element("desc", about[1])
    box = f"0 0 {size[0]:.0f} {size[1]:.0f}"
    return _element("svg", title, description, *marks, xmlns="http://www.w3.org/2000/svg", viewBox=box, role="img")


def _element(tag: str, /, *children: Markup | str | int, **attributes: str | float) -> Markup:
    """One element, everything in it escaped; ``text_anchor`` becomes ``text-anchor``."""
    held = Markup("").join(
        Markup(' {}="{}"').format(
            name if name == "viewBox" else name.replace("_", "-"), f"{value:.1f}" if isinstance(value, float) else value
        )
        for name, value in attributes.items()
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, held, inner)
