"""Figures as words that read the same in both languages."""

from __future__ import annotations

import math

NOTHING = "–"
_KILO = 1000
_PREFIXES = ("B", "kB", "MB", "GB", "TB")


def integer(value: float | None) -> str:
    """With commas between thousands."""
    return NOTHING if value is None else f"{value:,.0f}"


def decimal(value: float | None, digits: int = 3) -> str:
    """With a fixed number of decimals."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def deviation(value: float) -> str:
    """A standard deviation: a small one with a decimal."""
    return decimal(value, 0 if value >= 10 else 1)  # noqa: PLR2004


def percent(value: float | None, digits: int = 0) -> str:
    """A share in percent; a positive share never reads 0, and one below 1 never reads 100."""
    if value is None:
        return NOTHING
    step = 10.0**-digits
    rounded = round(value * 100, digits)
    if 0 < value < 1 and rounded in {0.0, 100.0}:
        return f"<{step:.{digits}f}%" if rounded == 0 else f">{100 - step:.{digits}f}%"
    return f"{rounded:.{digits}f}%"


def size(n_bytes: float) -> str:
    """Bytes with a decimal prefix."""
    power = 0 if n_bytes < _KILO else min(int(math.log(n_bytes, _KILO)), len(_PREFIXES) - 1)
    digits = 0 if power == 0 else 1
    return f"{n_bytes / _KILO**power:,.{digits}f} {_PREFIXES[power]}"


def yuan(value: float | None) -> str:
    """Whole yuan."""
    return NOTHING if value is None else f"¥{value:,.0f}"


def seconds(value: float | None) -> str:
    """Short times with a decimal."""
    return NOTHING if value is None else (f"{value:.1f}" if value < 100 else f"{value:,.0f}")  # noqa: PLR2004
