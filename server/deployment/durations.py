"""Durations as people write them: ``90s``, ``15m``, ``6h``, ``30d``."""

from __future__ import annotations

import re

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WRITTEN = re.compile(r"([1-9][0-9]{0,6})([smhd])")


def seconds_of(text: object) -> int:
    """Seconds of a duration.

    Raises:
        ValueError: If it is not written so.
    """
    found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        msg = "a duration is a whole number and s, m, h or d, such as 90s, 15m, 6h or 30d"
        raise ValueError(msg)
    return int(found[1]) * SECONDS[found[2]]
