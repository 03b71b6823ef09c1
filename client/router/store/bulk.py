"""Many decisions in one statement. SQLite takes them out of one piece of bytes, and other threads work meanwhile.

A driver that is given row after row takes Python's lock again for each; beside a busy thread that is a wait each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Dialect, Row, select

from client.router.store.asking import CONTENT_BYTES, KEY_BYTES
from client.router.store.tables import DECISIONS

AT_ONCE = 512
"""Questions in one statement, where they are given one by one."""

ASKED_BYTES, ID_BYTES = KEY_BYTES + CONTENT_BYTES, 16
_LANE, _SHEET, _PLACE = 1, 18, 5
"""Digits."""

_WIDTHS = (ASKED_BYTES, ID_BYTES, _LANE, _SHEET, _PLACE)
_WIDTH = sum(_WIDTHS)
_STARTS = [sum(_WIDTHS[:place]) + 1 for place in range(len(_WIDTHS))]

_EACH = "WITH RECURSIVE each(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n + 1 < ?1) "
_PARTS = [f"substr(?2, {_WIDTH} * n + {start}, {width})" for start, width in zip(_STARTS, _WIDTHS, strict=True)]
_CHOSEN = ", ".join([*_PARTS[:2], *(f"CAST({part} AS INTEGER)" for part in _PARTS[2:])])
_INSERT = f"{_EACH}INSERT INTO decisions (asked, decision_id, lane, sheet, place) SELECT {_CHOSEN} FROM each"  # noqa: S608
_FIND = (
    f"{_EACH}SELECT d.asked, d.decision_id, d.lane, d.sheet, d.place FROM each "  # noqa: S608
    f"CROSS JOIN decisions AS d WHERE d.asked = substr(?2, {ASKED_BYTES} * n + 1, {ASKED_BYTES})"
)

Integers = npt.NDArray[np.int64]
Octets = npt.NDArray[np.uint8]


def insert(
    connection: Connection,
    asked: Sequence[bytes],
    decision_ids: Sequence[str],
    *,
    lanes: Integers,
    sheets: Integers,
    places: Integers,
) -> None:
    """Add decisions, within a transaction.

    Args:
        connection: In the transaction.
        asked: What each of them answers.
        decision_ids: Hexadecimal.
        lanes: int64 ``(n,)``, their numbers in the store.
        sheets: Of their records.
        places: On the sheets.
    """
    keys, names = _octets(b"".join(asked), ASKED_BYTES), _octets(bytes.fromhex("".join(decision_ids)), ID_BYTES)
    order = np.argsort(_first_words(keys), kind="stable")  # neighbours share pages
    if connection.dialect.name == "sqlite":
        digits = (_digits(lanes, _LANE), _digits(sheets, _SHEET), _digits(places, _PLACE))
        held = np.concatenate((keys, names, *digits), axis=1)[order]
        connection.exec_driver_sql(_INSERT, (len(held), held.tobytes()))
        return
    columns = (keys.tobytes(), names.tobytes())
    _insert_rows(connection, columns, np.stack((lanes, sheets, places), axis=1), order)


def find(connection: Connection, asked: Sequence[bytes]) -> Iterator[Row[Any]]:
    """Those of some questions that have a decision."""
    if connection.dialect.name == "sqlite":
        yield from connection.exec_driver_sql(_FIND, (len(asked), b"".join(asked))) if asked else ()
        return
    for start in range(0, len(asked), AT_ONCE):
        yield from connection.execute(select(DECISIONS).where(DECISIONS.c.asked.in_(asked[start : start + AT_ONCE])))


def _insert_rows(connection: Connection, columns: tuple[bytes, bytes], numbers: Integers, order: Integers) -> None:
    """Row by row, past the layer that would turn every one over once more."""
    keys, names = columns
    rows = [
        (keys[ASKED_BYTES * row : ASKED_BYTES * (row + 1)], names[ID_BYTES * row : ID_BYTES * (row + 1)], *held)
        for row, held in zip(order.tolist(), numbers[order].tolist(), strict=True)
    ]
    statement, positional = _statement(connection.dialect)
    titles = DECISIONS.columns.keys()
    connection.exec_driver_sql(statement, rows if positional else [dict(zip(titles, row, strict=True)) for row in rows])


@lru_cache(2)
def _statement(dialect: Dialect) -> tuple[str, bool]:
    """How a database is told to insert a row of ``DECISIONS``, and whether it takes columns by their places."""
    compiled = DECISIONS.insert().compile(dialect=dialect)
    return str(compiled), compiled.positional


def _octets(held: bytes, width: int) -> Octets:
    return np.frombuffer(held, np.uint8).reshape(-1, width)


def _first_words(keys: Octets) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(keys[:, :KEY_BYTES]).view(">u8")[:, 0].astype(np.uint64)


def _digits(numbers: Integers, width: int) -> Octets:
    """As decimal digits, ``(n, width)``."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)
