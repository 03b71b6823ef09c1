"""Numbers: amounts to integer fen, stays and ages to integers.

Text must be plain ASCII digits before it becomes a number: ``float`` would take full-width digits,
underscores, ``nan`` and ``1e400``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.parsing.parsed import Parsed, faults_of, is_text, nulls, plain_text, wrong_type
from client.claims.reasons import Mask, Reason
from common.claim import MAX_AGE_YEARS
from common.columns import DAYS_A_YEAR

NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$"
"""What a number in text looks like; nothing else is read as one."""

MAX_AMOUNT = 1e12
"""Largest amount, in yuan, positive or negative."""

_FEN = 100


def parse_fen(column: pa.Array) -> Parsed:
    """Amounts in yuan, of any number type or in text, as integer fen (the nearest; halves to even).

    Raises:
        SourceError: If the column holds neither numbers nor text.
    """
    numbers, missing, ill_formed = _floats(column)
    beyond = np.abs(numbers) > MAX_AMOUNT
    return _parsed(np.rint(np.where(beyond, 0.0, numbers) * _FEN), missing, ill_formed, beyond)


def parse_whole(column: pa.Array, *, most: int) -> Parsed:
    """Whole numbers from 0 to ``most``.

    Raises:
        SourceError: If the column holds neither numbers nor text.
    """
    numbers, missing, ill_formed = _floats(column)
    fraction = np.rint(numbers) != numbers
    beyond = (numbers < 0) | (numbers > most)
    bad = beyond | fraction
    return _parsed(np.where(bad, 0.0, numbers), missing, ill_formed | fraction, beyond & ~fraction)


def parse_age_days(column: pa.Array, unit: Literal["years", "days"]) -> Parsed:
    """Ages as days: completed years of 365 days, and days as such below one year.

    Ages in years may have a fraction below one year (infants); above it only completed years count.

    Raises:
        SourceError: If the column holds neither numbers nor text.
    """
    if unit == "days":
        days = parse_whole(column, most=(MAX_AGE_YEARS + 1) * DAYS_A_YEAR - 1)
        completed = np.where(days.values < DAYS_A_YEAR, days.values, days.values // DAYS_A_YEAR * DAYS_A_YEAR)
        return Parsed(values=completed, missing=days.missing, faults=days.faults)
    years, missing, ill_formed = _floats(column)
    beyond = (years < 0) | (years >= MAX_AGE_YEARS + 1)
    years = np.where(beyond, 0.0, years)
    days_old = np.where(years < 1, np.rint(years * DAYS_A_YEAR), np.floor(years) * DAYS_A_YEAR)
    return _parsed(days_old, missing, ill_formed, beyond)


def _parsed(numbers: npt.NDArray[np.float64], missing: Mask, ill_formed: Mask, beyond: Mask) -> Parsed:
    faults = faults_of((Reason.ILL_FORMED_NUMBER, ill_formed), (Reason.NUMBER_OUT_OF_RANGE, beyond))
    return Parsed(values=numbers.astype(np.int64), missing=missing, faults=faults)


def _floats(column: pa.Array) -> tuple[npt.NDArray[np.float64], Mask, Mask]:
    """The numbers (0 where there is none), where none is given, and where what is given is no number."""
    kind = column.type
    if pa.types.is_null(kind):
        n_rows = len(column)
        return np.zeros(n_rows), np.ones(n_rows, np.bool_), np.zeros(n_rows, np.bool_)
    if is_text(kind):
        return _floats_of_text(column)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise wrong_type("numbers", kind)
    missing = nulls(column)
    column = pc.cast(column, pa.float64(), safe=False)
    numbers = np.asarray(column.fill_null(0.0) if column.null_count else column)
    ill_formed = ~np.isfinite(numbers)
    if ill_formed.any():
        numbers = np.where(ill_formed, 0.0, numbers)
    return numbers, missing, ill_formed


def _floats_of_text(column: pa.Array) -> tuple[npt.NDArray[np.float64], Mask, Mask]:
    text = plain_text(column)
    missing = nulls(text)
    matches = pc.match_substring_regex(text, NUMBER).fill_null(False)  # noqa: FBT003 - the name of the argument differs between versions
    checked = pc.if_else(matches, text, pa.scalar("0", text.type))
    return np.asarray(pc.cast(checked, pa.float64())), missing, ~np.asarray(matches) & ~missing
