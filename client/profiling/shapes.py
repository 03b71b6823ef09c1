"""What a column looks like, judged by its values: a date, a number, a code of some kind."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.identifiers import looks_like_identifier
from client.claims.parsing.dates import parse_dates
from client.claims.parsing.numbers import NUMBER
from client.claims.parsing.parsed import is_text, plain_text

_SURE = 0.95
_ICD10 = r"^[A-Z][0-9][0-9AB](\.?[0-9A-Za-z.+*]{1,20})?$"
_ICD9 = r"^([0-9]{3}|V[0-9]{2}|E[0-9]{3})(\.?[0-9]{1,2})?$"
_ICD9_LETTERS = r"^[VE]"
_WHOLE = r"^-?[0-9]{1,9}$"
_LEADING_ZERO = r"^0[0-9]"
_CHAPTERS = 5
_CODE = r"^[A-Za-z0-9.+*/x_-]{1,32}$"
_SEXES = frozenset({"0", "1", "2", "9", "M", "F", "m", "f", "Male", "Female", "male", "female", "男", "女"})
_FEW = 5


class Shape(StrEnum):
    """What the values of a column look like."""

    EMPTY = "empty"
    IDENTIFIER = "identity or telephone numbers"
    DATE = "date"
    SEX = "sex"
    WHOLE = "whole number"
    AMOUNT = "number"
    ICD10 = "ICD-10-like code"
    ICD9 = "ICD-9-like code"
    CODE = "code"
    CODES = "list of codes"
    FLAG = "yes or no"
    TEXT = "text"
    UNREADABLE = "type that claims never have"


def shape_of(column: pa.Array) -> Shape:
    """The shape that at least 95 % of the values given have."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return Shape.CODES
    if len(column) == column.null_count:
        return Shape.EMPTY
    if is_text(kind):
        return _shape_of_text(plain_text(column).drop_null())
    if pa.types.is_boolean(kind):
        return Shape.FLAG
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Shape.DATE
    return _shape_of_numbers(pc.cast(column, pa.float64(), safe=False).drop_null())


def _shape_of_numbers(numbers: pa.Array) -> Shape:
    values = np.asarray(numbers)
    finite = values[np.isfinite(values)]
    return Shape.WHOLE if len(finite) and (finite == np.rint(finite)).all() else Shape.AMOUNT


def _shape_of_text(text: pa.Array) -> Shape:
    if not len(text):
        return Shape.EMPTY
    distinct = pc.unique(text)
    values = distinct.to_pylist() if len(distinct) <= _FEW else []
    if values and set(values) <= _SEXES and len(values) > 1:
        return Shape.SEX
    if _share(text, r"^1[3-9][0-9]{9}$|^[0-9]{17}[0-9Xx]$") >= _SURE and _mostly_identifiers(distinct):
        return Shape.IDENTIFIER
    if np.mean(~_ill_formed_dates(text)) >= _SURE:
        return Shape.DATE
    return _shape_of_diagnoses(text, distinct) or _shape_of_digits(text)


def _shape_of_diagnoses(text: pa.Array, distinct: pa.Array) -> Shape | None:
    if _share(text, _ICD10) >= _SURE and _begins_variously(distinct):
        return Shape.ICD10
    return Shape.ICD9 if _share(text, _ICD9) >= _SURE and _share(text, _ICD9_LETTERS) > 0 else None


def _shape_of_digits(text: pa.Array) -> Shape:
    """Numbers, or codes of digits: these have leading zeros."""
    if _share(text, _LEADING_ZERO) == 0:
        if _share(text, _WHOLE) >= _SURE:
            return Shape.WHOLE
        if _share(text, NUMBER) >= _SURE:
            return Shape.AMOUNT
    return Shape.CODE if _share(text, _CODE) >= _SURE else Shape.TEXT


def _begins_variously(distinct: pa.Array) -> bool:
    """Diagnoses come from many chapters; keys like ``H251`` all begin with one letter."""
    return len(pc.unique(pc.utf8_slice_codeunits(distinct, 0, 1))) >= _CHAPTERS


def _share(text: pa.Array, pattern: str) -> float:
    return float(np.mean(np.asarray(pc.match_substring_regex(text, pattern))))


def _ill_formed_dates(text: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows that are no date."""
    bad = np.zeros(len(text), np.bool_)
    for _, rows in parse_dates(text).faults:
        bad |= rows
    return bad


def _mostly_identifiers(distinct: pa.Array) -> bool:
    values = distinct.slice(0, 1_000).to_pylist()
    return sum(map(looks_like_identifier, values)) >= _SURE * len(values)


def pattern_of(value: str) -> str:
    """A value as a pattern: ``I10.x05`` becomes ``A99.a99``. No digit or letter of it is left."""
    pattern = re.sub(r"[0-9]", "9", value)
    pattern = re.sub(r"[A-Z]", "A", pattern)
    pattern = re.sub(r"[a-z]", "a", pattern)
    pattern = re.sub(r"[^\x20-\x7e]", "?", pattern)
    return pattern if len(pattern) <= 20 else f"{pattern[:16]}... ({len(value)} characters)"  # noqa: PLR2004


def patterns(values: Counter[str], *, at_least: int) -> tuple[list[tuple[str, int]], int]:
    """The commonest patterns, and how many values have one rarer than ``at_least``."""
    counts: Counter[str] = Counter()
    for value, count in values.items():
        counts[pattern_of(value)] += count
    common = [(pattern, count) for pattern, count in counts.most_common() if count >= at_least]
    return common[:_FEW], counts.total() - sum(count for _, count in common[:_FEW])
