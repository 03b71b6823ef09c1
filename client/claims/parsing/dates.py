"""Dates and times, from date types or from text, as integer microseconds since 1970.

Text may be ``2024-01-31``, ``2024/01/31`` or ``20240131``, each alone or followed by the time of day
(``2024-01-31 08:30:00``, ``2024-01-31T08:30:00``, ``20240131083000``); seconds may have 1, 3 or 6 decimals
where the date has dashes. Nothing is guessed beyond that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.parsing.parsed import Parsed, faults_of, is_text, nulls, plain_text, wrong_type
from client.claims.reasons import Mask, Reason

MICROSECONDS_A_DAY = 86_400_000_000
_SECONDS_A_DAY = 86_400
_FIRST = int(np.datetime64("1990-01-01", "s").astype(np.int64))
_END = int(np.datetime64("2101-01-01", "s").astype(np.int64))
_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FORMS = ("dddd-dd-dd", "dddd/dd/dd", "dddddddd", "dddd-dd-dd dd:dd:dd", "dddd-dd-ddTdd:dd:dd",
          "dddd/dd/dd dd:dd:dd", "dddddddddddddd",
          *(f"dddd-dd-dd{between}dd:dd:dd.{'d' * places}" for between in " T" for places in (1, 3, 6)))  # fmt: skip
_PARTS = (4, 2, 2, 2, 2, 2, 6)
_LARGEST_PARTS = (9999, 12, 31, 23, 59, 59)

Integers = npt.NDArray[np.int64]


def parse_dates(column: pa.Array) -> Parsed:
    """Points in time between 1990-01-01 and 2100-12-31, as microseconds since 1970.

    Raises:
        SourceError: If the column holds neither dates nor text.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return Parsed(values=np.zeros(len(column), np.int64), missing=np.ones(len(column), np.bool_))
    if is_text(kind):
        return _of_text(column)
    if pa.types.is_date(kind):
        return _bounded(_integers(pc.cast(column, pa.date32())) * _SECONDS_A_DAY, 1, nulls(column))
    if pa.types.is_timestamp(kind):
        local = pc.local_timestamp(column) if kind.tz else column
        return _bounded(_integers(local), _A_SECOND[kind.unit], nulls(column))
    raise wrong_type("dates", kind)


def _integers(column: pa.Array) -> Integers:
    width = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
    column = column.view(width)
    return np.asarray(column.fill_null(0) if column.null_count else column).astype(np.int64)


def _bounded(ticks: Integers, ticks_a_second: int, missing: Mask, ill_formed: Mask | None = None) -> Parsed:
    """Check the range before changing the unit, so that nothing can overflow."""
    fine = ~missing if ill_formed is None else ~(missing | ill_formed)
    beyond = ((ticks < _FIRST * ticks_a_second) | (ticks >= _END * ticks_a_second)) & fine
    ticks = np.where(beyond | ~fine, 0, ticks)
    if ticks_a_second > _A_SECOND["us"]:
        values = ticks // (ticks_a_second // _A_SECOND["us"])
    else:
        values = ticks * (_A_SECOND["us"] // ticks_a_second)
    faults = [(Reason.DATE_OUT_OF_RANGE, beyond)]
    if ill_formed is not None:
        faults.append((Reason.ILL_FORMED_DATE, ill_formed))
    return Parsed(values=values, missing=missing, faults=faults_of(*faults))


def _of_text(column: pa.Array) -> Parsed:
    """Each accepted form as one matrix of bytes, so that a million dates cost a few array operations."""
    text = plain_text(column).cast(pa.large_string())
    missing = nulls(text)
    n_rows = len(text)
    ticks, done = np.zeros(n_rows, np.int64), missing.copy()
    starts, lengths, data = _layout(text)
    for form in _FORMS:
        rows = np.flatnonzero((lengths == len(form)) & ~done)
        if len(rows):
            parsed, fits = _parse_form(data[starts[rows, None] + np.arange(len(form))], form)
            ticks[rows[fits]] = parsed[fits]
            done[rows[fits]] = True
    return _bounded(ticks, _A_SECOND["us"], missing, ~done)


def _layout(text: pa.Array) -> tuple[Integers, Integers, npt.NDArray[np.uint8]]:
    """Where each text starts, how long it is, and the bytes themselves."""
    buffers: list[Any] = text.buffers()
    offsets = np.frombuffer(buffers[1], np.int64)[text.offset : text.offset + len(text) + 1]
    data = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.zeros(0, np.uint8)
    return offsets[:-1], np.diff(offsets), data


def _parse_form(letters: npt.NDArray[np.uint8], form: str) -> tuple[Integers, Mask]:
    """Microseconds since 1970 of texts of one form, and which of them have that form and are in the calendar."""
    template = np.frombuffer(form.encode(), np.uint8)
    places = template == ord("d")
    digits = letters[:, places].astype(np.int64) - ord("0")
    fits = (letters[:, ~places] == template[~places]).all(axis=1) & (digits // 10 == 0).all(axis=1)
    digits = np.where(fits[:, None], digits, 0)
    *parts, fraction = _numbers(digits)
    seconds, real = _seconds(parts)
    return seconds * _A_SECOND["us"] + fraction, fits & real


def _numbers(digits: Integers) -> list[Integers]:
    """Year, month, day, hour, minute, second and millionths; parts that the form does not have are zero."""
    parts, start = [], 0
    for width in _PARTS:
        chunk = digits[:, start : start + width]
        weights = 10 ** np.arange(width)[::-1]
        parts.append(chunk @ weights[: chunk.shape[1]])
        start += width
    return parts


def _seconds(parts: list[Integers]) -> tuple[Integers, Mask]:
    """Seconds since 1970 of year, month, day, hour, minute and second, and whether the calendar has them."""
    year, month, day, hour, minute, second = parts
    month_start = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days = month_start.astype("M8[D]").astype(np.int64)
    month_days = (month_start + 1).astype("M8[D]").astype(np.int64) - days
    real = (year > 0) & (month > 0) & (day > 0) & (day <= month_days)
    for part, largest in zip(parts, _LARGEST_PARTS, strict=True):
        real &= part <= largest
    return ((days + day - 1) * 24 + hour) * 3600 + minute * 60 + second, real
