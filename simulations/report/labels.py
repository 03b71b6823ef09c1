"""Labels beside circles that do not run into each other: greedy, the largest circles first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulations.report.naming import ems

HEIGHT = 1.25
"""Of a line, in font sizes."""

GAP = 3.0
_COVERED = 0.75
"""A label keeps off this part of another circle's half width."""


class Circle(NamedTuple):
    """Where a circle is."""

    x: float
    y: float
    r: float


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)

    def lies_in(self, other: Box) -> bool:
        """Whether it lies within the other one."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


class Label(NamedTuple):
    """What stands where."""

    words: str
    x: float
    y: float
    anchor: str


def place_labels(
    circles: Sequence[Circle], wishes: Sequence[Sequence[str]], font: float, frame: Box
) -> list[Label | None]:
    """A place for the label of each circle, or None where there is no room.

    Guarantees:
        * Labels lie in the frame, and no two of them overlap, as far as widths of letters are known.

    Args:
        circles: Most important first.
        wishes: What each one's label may read, best first.
        font: Size of the letters.
        frame: Where labels may stand.
    """
    taken: list[Box] = []
    bodies = [_body(circle) for circle in circles]
    placed: list[Label | None] = []
    for place, (circle, words) in enumerate(zip(circles, wishes, strict=True)):
        others = [*taken, *bodies[:place], *bodies[place + 1 :]]
        found = _first_free(circle, words, font, frame, others)
        placed.append(found[0] if found else None)
        if found:
            taken.append(found[1])
    return placed


def _first_free(
    circle: Circle, wishes: Sequence[str], font: float, frame: Box, others: list[Box]
) -> tuple[Label, Box] | None:
    for words in wishes:
        for label, box in _candidates(circle, words, font):
            if box.lies_in(frame) and not any(box.meets(other) for other in others):
                return label, box
    return None


def _candidates(circle: Circle, words: str, font: float) -> list[tuple[Label, Box]]:
    """Right, left, above, below, and the four corners."""
    width = ems(words) * font
    high, away, near = HEIGHT * font, circle.r + GAP, 0.75 * circle.r + GAP
    sides = ((1, 0, away), (-1, 0, away), (0, -1, away), (0, 1, away))
    corners = ((1, -1, near), (1, 1, near), (-1, -1, near), (-1, 1, near))
    found = []
    for across, down, off in (*sides, *corners):
        middle = circle.y + down * (off + (high / 2 if across == 0 else 0))
        x = circle.x + across * off
        left = x - width * (1 - across) / 2
        anchor = ("end", "middle", "start")[across + 1]
        box = Box(left, middle - high / 2, left + width, middle + high / 2)
        found.append((Label(words, x, middle + 0.35 * font, anchor), box))
    return found


def _body(circle: Circle) -> Box:
    half = _COVERED * circle.r
    return Box(circle.x - half, circle.y - half, circle.x + half, circle.y + half)
