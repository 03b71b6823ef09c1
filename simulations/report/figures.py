"""Figures of ``Story.result``, read with care: any of them may be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping

CLUSTERING = ("ingest", "rounds")
"""The stages of the work itself."""


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


def clustering_seconds(result: Mapping[str, object]) -> float | None:
    """Seconds to read claims and cluster them, without the comparison and the report."""
    known = [value for stage, value in seconds(result).items() if stage in CLUSTERING]
    return sum(known) if known else None
