"""The map of centroids: their two leading principal components, weighted by what the cards count inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from simulations.report import svg
from simulations.report.floor import is_small, shown_counts
from simulations.report.formats import yuan
from simulations.report.labels import Box, Circle, place_labels
from simulations.report.naming import cluster_name, ems, family_of, full_name, shortened, tag
from simulations.report.spreading import spread
from simulations.report.texts import LANGUAGES, Catalogue, Language, Text
from simulations.story import FLOOR, ClusterCard, Story

Floats = npt.NDArray[np.float64]

LONGEST_LABEL = 19.0
"""In font sizes."""

SMALLEST = 5.0
"""No circle has a smaller radius, so that it can be seen and chosen."""

BOLD = 1.35
"""Bold capitals and figures are wider than plain letters by about this factor."""

EVENNESS = 0.5
"""Share of evenly spread ranks in a coordinate; the rest is true to scale."""


class Projection(NamedTuple):
    """Centroids in the plane.

    Attributes:
        places: ``(K, 2)``.
        share: Share of the spread between centroids that the plane shows.
    """

    places: Floats
    share: float


class Look(NamedTuple):
    """A size of the map."""

    name: str
    width: float
    height: float
    largest: float
    font: float
    label_ems: float


WIDE = Look("wide", 1040.0, 620.0, 40.0, 12.5, LONGEST_LABEL)
NARROW = Look("narrow", 380.0, 430.0, 22.0, 11.0, 0.0)


def project(story: Story) -> Projection:
    """Principal components of the centroids, each weighted by its inside count; signs fixed so that reruns agree."""
    weights = np.array([card.count for card in story.cards], np.float64)
    values = story.model.centroid_values()
    centred = values - np.average(values, axis=0, weights=np.maximum(weights, 1e-9))
    _, lengths, axes = np.linalg.svd(centred * np.sqrt(weights)[:, None], full_matrices=False)
    axes = axes[:2] * np.sign(axes[np.arange(len(axes[:2])), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    places = np.zeros((len(values), 2))
    places[:, : len(axes)] = centred @ axes.T
    total = float((lengths**2).sum())
    return Projection(places, float((lengths[:2] ** 2).sum()) / total if total > 0 else 1.0)


def centroid_map(story: Story, texts: Catalogue) -> Markup:
    """The map, once for wide and once for narrow screens."""
    projection = project(story)
    return Markup("").join(_map(story, texts, projection, look) for look in (WIDE, NARROW))


def _map(story: Story, texts: Catalogue, projection: Projection, look: Look) -> Markup:
    circles = _circles(projection.places, [card.count for card in story.cards], look)
    counts = shown_counts([card.count for card in story.cards])
    marks = [
        _mark(card, circle, _tooltip(card, count, texts), look)
        for card, circle, count in zip(story.cards, circles, counts, strict=True)
    ]
    return svg.picture(
        *marks,
        *(_labels(language, circles, story.cards, (texts, look)) for language in LANGUAGES),
        name=f"map-{look.name}",
        size=(look.width, look.height),
        about=(texts.plain("map.title"), texts.plain("map.description", n=len(circles))),
        role="group",
        class_=f"{look.name} map",
    )


def _circles(places: Floats, counts: Sequence[int], look: Look) -> list[Circle]:
    """Centroids within the frame, moved apart where they would cover each other; area is proportional to count."""
    radii = np.maximum(look.largest * np.sqrt(np.array(counts) / max(*counts, 1)), SMALLEST)
    size, room = np.array([look.width, look.height]), 1.3 * look.largest
    shown = room + _evened(places * np.array([1.0, -1.0])) * (size - 2 * room)
    return [
        Circle(float(x), float(y), float(r))
        for (x, y), r in zip(spread(shown, radii, (look.width, look.height)), radii, strict=True)
    ]


def _evened(places: Floats) -> Floats:
    """Coordinates from 0 to 1, halfway between true to scale and evenly spread, so that crowds can be told apart."""
    low, high = places.min(axis=0), places.max(axis=0)
    scaled = np.where(high > low, (places - low) / np.maximum(high - low, 1e-12), 0.5)
    ranks = places.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") / max(len(places) - 1, 1)
    return np.where(high > low, (1.0 - EVENNESS) * scaled + EVENNESS * ranks, 0.5)


def _mark(card: ClusterCard, circle: Circle, about: Text, look: Look) -> Markup:
    """A circle that leads to the cluster's card, with its number where there is room."""
    shapes = [
        svg.title(about),
        svg.element("circle", cx=circle.x, cy=circle.y, r=circle.r, class_=f"family-{family_of(card)}"),
    ]
    if _holds_number(card, circle, look):
        down = circle.y + 0.35 * look.font
        number = tag(card.cluster)
        shapes.append(svg.element("text", number, x=circle.x, y=down, text_anchor="middle", class_="number"))
    return svg.element("a", *shapes, href=f"#cluster-{card.cluster}")


def _holds_number(card: ClusterCard, circle: Circle, look: Look) -> bool:
    return BOLD * ems(tag(card.cluster)) * look.font < 2 * circle.r


def _tooltip(card: ClusterCard, count: str, texts: Catalogue) -> Text:
    name = full_name(card, texts)
    if is_small(card.count):
        return texts.plain("map.tooltip_small", name=name, floor=FLOOR)
    return texts.plain("map.tooltip", name=name, n=count, cost=yuan(card.mean_cost))


def _labels(
    language: Language, circles: Sequence[Circle], cards: Sequence[ClusterCard], given: tuple[Catalogue, Look]
) -> Markup:
    _, look = given
    frame = Box(2.0, 2.0, look.width - 2.0, look.height - 2.0)
    wishes = [_wishes(language, card, circle, given) for card, circle in zip(cards, circles, strict=True)]
    placed = (label for label in place_labels(circles, wishes, look.font, frame) if label is not None)
    shown = (svg.element("text", at.words, x=at.x, y=at.y, text_anchor=at.anchor) for at in placed)
    return svg.group(shown, lang=language, class_="labels", aria_hidden="true")


def _wishes(language: Language, card: ClusterCard, circle: Circle, given: tuple[Catalogue, Look]) -> list[str]:
    """What a label may read: the name, and the number unless it stands in the circle; or else the number alone."""
    texts, look = given
    name = shortened(cluster_name(card, texts).of(language), look.label_ems) if look.label_ems else ""
    if _holds_number(card, circle, look):
        return [name] if name else []
    return [f"{tag(card.cluster)} {name}".strip(), tag(card.cluster)]
