"""Figures of ``Story.result``, read with care: any of them may be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping


def number(result: Mapping[str, object], key: str) -> float | None:
    """A finite number, or None."""
    value = result.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def words(result: Mapping[str, object], key: str) -> str:
    """A text, empty if there is none."""
    value = result.get(key)
    return "" if value is None else str(value)


def seconds(result: Mapping[str, object]) -> dict[str, float]:
    """Seconds by stage, as far as they are known."""
    held = result.get("seconds")
    if not isinstance(held, Mapping):
        return {}
    return {str(stage): value for stage in held if (value := number(held, stage)) is not None}


def total_seconds(result: Mapping[str, object]) -> float | None:
    """Seconds of all stages together."""
    known = seconds(result)
    return sum(known.values()) if known else None
