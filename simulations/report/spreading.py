"""Moves circles apart until none covers another, as little as that takes, so that every one can be seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GAP = 2.0
STEPS = 400


def spread(places: Floats, radii: Floats, size: tuple[float, float]) -> Floats:
    """Places at which circles overlap no more, or hardly where the frame is crowded.

    Args:
        places: Middles ``(n, 2)``.
        radii: ``(n,)``.
        size: Width and height of the frame, which circles do not leave.
    """
    low = radii[:, None] + GAP
    high = np.maximum(np.array(size) - low, low)
    moved = places + _fan(len(places))
    for _ in range(STEPS):
        push = _pushes(moved, radii)
        if not push.any():
            break
        moved = np.clip(moved + push, low, high)
    return moved


def _fan(n: int) -> Floats:
    """Tiny different offsets, so that circles in the same place have a direction to go."""
    angles = 2.4 * np.arange(n)  # about the golden angle
    return 0.01 * np.column_stack([np.cos(angles), np.sin(angles)])


def _pushes(places: Floats, radii: Floats) -> Floats:
    """For each circle half of what it overlaps with each other one, away from it."""
    apart = places[:, None, :] - places[None, :, :]
    distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-9)
    overlap = np.maximum(radii[:, None] + radii[None, :] + GAP - distance, 0.0)
    np.fill_diagonal(overlap, 0.0)
    pushes: Floats = 0.5 * (apart / distance[:, :, None] * overlap[:, :, None]).sum(axis=1)
    return pushes
