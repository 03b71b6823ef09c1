"""Frames and panels of a chart: from rounds and values to places on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulations.report import svg

_ROOM = 0.12
"""Of the span, left free above and below the values of a panel."""

_FACTORS = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The width of a chart, shared by its panels."""

    name: str
    width: float
    height: float
    left: float
    n_rounds: int

    @property
    def right(self) -> float:
        """Where the panels end."""
        return self.width - 8.0

    @property
    def step(self) -> float:
        """Width of a round."""
        return (self.right - self.left) / max(self.n_rounds, 1)

    def x(self, number: float) -> float:
        """The middle of a round."""
        return self.left + (number - 0.5) * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a chart; values from ``low`` to ``high`` stand within its height."""

    low: float
    high: float
    top: float
    height: float
    logarithmic: bool = False

    @classmethod
    def around(cls, values: Sequence[float], top: float, height: float, *, logarithmic: bool = False) -> Panel:
        """A panel in which all values have room; logarithmic only if all are positive."""
        low, high = min(values), max(values)
        if logarithmic and low > 0:
            return cls(low=low / (1 + _ROOM), high=high * (1 + _ROOM), top=top, height=height, logarithmic=True)
        room = _ROOM * (high - low) or 0.05 * abs(high) or 1.0
        return cls(low=low - room, high=high + room, top=top, height=height)

    def y(self, value: float) -> float:
        """Where a value stands."""
        low, high, at = (self._on(one) for one in (self.low, self.high, value))
        return self.top + self.height * (1.0 - (at - low) / max(high - low, 1e-12))

    def ticks(self) -> list[float]:
        """Round values on the scale."""
        if not self.logarithmic:
            return svg.ticks(self.low, self.high, 3)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        round_values = [factor * 10.0**power for power in powers for factor in _FACTORS]
        return [value for value in round_values if self.low <= value <= self.high]

    def _on(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value
