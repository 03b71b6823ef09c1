"""Statistics of columns that may be shown: no value that fewer than eleven rows share, no exact extremes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.identifiers import looks_like_identifier, named_identifiers
from client.claims.parsing.codes import check_code
from client.claims.parsing.numbers import NUMBER
from client.claims.parsing.parsed import is_text, plain_text
from client.claims.sources.source import ClaimSource
from client.profiling.names import names_of, simplified
from client.profiling.shapes import Shape, patterns, shape_of
from common.errors import SourceError

SMALLEST_GROUP = 11
"""No value is shown that fewer rows have, after the cell rule for published health statistics."""

ROWS_LOOKED_AT = 200_000
_TOP = 3
_LONGEST_SHOWN = 12
_MOST_DISTINCT_SHARE = 0.05
_ENOUGH_FOR_QUANTILES = 20 * SMALLEST_GROUP
_NUMBERS = (Shape.WHOLE, Shape.AMOUNT)
_KEY_NAMES = frozenset(simplified(name) for key in ("claim_key", "psn_key") for name in names_of(key))
_CODES = (Shape.ICD10, Shape.ICD9, Shape.CODE, Shape.CODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """What may be said about a column.

    Attributes:
        name: Its name.
        kind: Its type in the file.
        shape: What its values look like.
        element: What the entries of its lists look like; None if it holds no lists.
        missing: Share of empty cells.
        distinct: Number of distinct values in the rows looked at.
        unique: Whether no value repeats.
        quantiles: 5, 50 and 95 %, to two digits; None for fewer than 220 numbers.
        top: The commonest values and their counts, for codes that at least eleven rows share.
        patterns: The commonest patterns of codes, and their counts.
        ill_formed: How many codes are in no accepted form, by pattern; the last entry counts the rarer ones.
    """

    name: str
    kind: str
    shape: Shape
    element: Shape | None = None
    missing: float = 0.0
    distinct: int = 0
    unique: bool = False
    quantiles: tuple[float, float, float] | None = None
    top: tuple[tuple[str, int], ...] = ()
    patterns: tuple[tuple[str, int], ...] = ()
    ill_formed: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProfile:
    """What may be said about a file.

    Attributes:
        rows: How many rows were looked at, from the first on.
        whole: Whether these are all rows.
        columns: What was found, in the order of the file.
        identifiers: Columns that identify persons by their name; they were not read.
    """

    rows: int
    whole: bool
    columns: tuple[ColumnProfile, ...]
    identifiers: tuple[str, ...]


def profile_file(source: ClaimSource, *, most_rows: int = ROWS_LOOKED_AT) -> FileProfile:
    """Look at the first rows of a source, except for columns named after an identifier.

    Raises:
        SourceError: If the source is damaged.
    """
    identifiers = named_identifiers(source.schema_names)
    names = [name for name in source.schema_names if name not in identifiers]
    unreadable = [name for name in names if not _readable(source, name)] if not _all_readable(source, names) else []
    wanted = [name for name in names if name not in unreadable]
    table, whole = _first_rows(source, wanted, most_rows)
    found = {name: profile_column(name, table[name].combine_chunks()) for name in wanted}
    found |= {name: ColumnProfile(name=name, kind="-", shape=Shape.UNREADABLE) for name in unreadable}
    return FileProfile(
        rows=table.num_rows, whole=whole, columns=tuple(found[name] for name in names), identifiers=identifiers
    )


def profile_column(name: str, column: pa.Array) -> ColumnProfile:
    """The statistics of one column."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    shape = shape_of(column)
    values = _values(column)
    counts = _counts(values) if is_text(values.type) and shape is not Shape.IDENTIFIER else Counter()
    distinct = len(counts) or int(pc.count_distinct(values, mode="only_valid").as_py())
    given = len(values) - values.null_count
    is_key = simplified(name) in _KEY_NAMES or (shape is Shape.WHOLE and distinct > given / 2)
    common, _ = patterns(counts, at_least=SMALLEST_GROUP) if shape in _CODES else ([], 0)
    return ColumnProfile(
        name=name,
        kind=str(column.type.value_type) if pa.types.is_dictionary(column.type) else str(column.type),
        shape=shape,
        element=shape_of(values) if shape is Shape.CODES else None,
        missing=_missing(column),
        distinct=distinct,
        unique=distinct == len(column) > 0,
        quantiles=_quantiles(values) if shape in _NUMBERS and not is_key else None,
        top=() if is_key or shape is Shape.TEXT else _top(counts, given),
        patterns=tuple(common),
        ill_formed=_ill_formed(counts) if shape in _CODES else (),
    )


def _all_readable(source: ClaimSource, names: list[str]) -> bool:
    try:
        next(iter(source.batches(names)), None)
    except SourceError:
        return False
    return True


def _readable(source: ClaimSource, name: str) -> bool:
    return _all_readable(source, [name])


def _first_rows(source: ClaimSource, names: list[str], most_rows: int) -> tuple[pa.Table, bool]:
    """The rows to look at, and whether they are all there are."""
    batches: list[pa.RecordBatch] = []
    rows = 0
    for batch in source.batches(names):
        batches.append(batch)
        rows += batch.num_rows
        if rows > most_rows:
            break
    if not rows:
        msg = "the file has no rows; export it again"
        raise SourceError(msg)
    return pa.Table.from_batches(batches).slice(0, most_rows), rows <= most_rows


def _values(column: pa.Array) -> pa.Array:
    """The single values of a column, lists taken apart, empty text as null."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = column.flatten()
    return plain_text(column) if is_text(column.type) else column


def _missing(column: pa.Array) -> float:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return float(np.mean(np.asarray(pc.list_value_length(column).fill_null(0)) == 0))
    return float(_values(column).null_count / len(column)) if len(column) else 0.0


def _counts(values: pa.Array) -> Counter[str]:
    found = pc.value_counts(values.drop_null())
    return Counter(dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)))


def _top(counts: Counter[str], given: int) -> tuple[tuple[str, int], ...]:
    """Common short codes; nothing of columns in which most values are rare, since these are keys or free text."""
    if len(counts) > max(_MOST_DISTINCT_SHARE * given, _TOP):
        return ()
    common = takewhile(lambda entry: entry[1] >= SMALLEST_GROUP, counts.most_common(_TOP))
    return tuple(
        (value, count) for value, count in common if len(value) <= _LONGEST_SHOWN and not looks_like_identifier(value)
    )


def _ill_formed(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    bad = Counter({value: count for value, count in counts.items() if check_code(value) is not None})
    common, rarer = patterns(bad, at_least=SMALLEST_GROUP)
    return (*common, ("rarer patterns", rarer)) if rarer else tuple(common)


def _quantiles(values: pa.Array) -> tuple[float, float, float] | None:
    if is_text(values.type):
        values = values.filter(pc.match_substring_regex(values, NUMBER).fill_null(False))  # noqa: FBT003
    numbers: npt.NDArray[np.float64] = np.asarray(pc.cast(values, pa.float64(), safe=False).drop_null())
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < _ENOUGH_FOR_QUANTILES:
        return None
    low, middle, high = (float(f"{quantile:.1e}") for quantile in np.quantile(numbers, (0.05, 0.5, 0.95)))
    return low, middle, high
