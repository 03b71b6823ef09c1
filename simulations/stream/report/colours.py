"""The colour of a cluster: follows from its identity alone, so it is the same on every page of a stream."""

from __future__ import annotations

_TURN = 137.508
"""The golden angle: neighbours in number are far apart in hue."""

_LIGHTS = (52, 64, 42)
_STRENGTHS = (62, 48, 55)


def colour_of(identity: int) -> str:
    """Hue by golden angles, lightness in three steps: readers who see fewer hues tell neighbours by lightness."""
    place = identity % len(_LIGHTS)
    return f"hsl({identity * _TURN % 360:.0f} {_STRENGTHS[place]}% {_LIGHTS[place]}%)"
