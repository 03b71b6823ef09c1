"""Numbers on a command line: what is none is refused with what would be one."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation


def positive(text: str) -> int:
    """A whole number from 1."""
    value = natural(text)
    if value < 1:
        msg = "must be at least 1"
        raise argparse.ArgumentTypeError(msg)
    return value


def epsilon(text: str) -> int:
    """Thousandths of epsilon."""
    return _scaled(text, 1000, (10, 100_000), "a number from 0.01 to 100, of at most three decimals")


def delta(text: str) -> int:
    """Billionths of delta."""
    return _scaled(text, 10**9, (1, 1_000_000), "a number from 1e-9 to 1e-3, in whole billionths")


def _scaled(text: str, units: int, limits: tuple[int, int], meaning: str) -> int:
    try:
        value = Decimal(text) * units
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not limits[0] <= value <= limits[1] or value != int(value):
        msg = f"must be {meaning}"
        raise argparse.ArgumentTypeError(msg)
    return int(value)


def memory(text: str) -> int:
    """Thousandths of a share."""
    return _scaled(text, 1000, (0, 990), "a number from 0 to 0.99, of at most three decimals")


def natural(text: str) -> int:
    """A whole number from 0."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004  below 2**63
        msg = "must be a whole number in ASCII digits"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
