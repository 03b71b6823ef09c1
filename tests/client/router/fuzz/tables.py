"""Files of claims, damaged by somebody who knows them: cells of anything, columns of other types, broken bytes."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.client.router.fuzz.claims import DATES, LETTERS, NUMBER, PRIVATE, TOKENS
from tests.client.tables import wide_row
from tests.common.mutations import TEXTS, damaged

N_ROWS = 120
"""In a file; it stays below what the machinery hands on."""

_CELLS = (*TOKENS, *DATES, *LETTERS, *TEXTS, PRIVATE, NUMBER, f"={PRIVATE}", f'"{PRIVATE}', "-4711.47", "4711.471",
          f"{PRIVATE}\n{PRIVATE}", ",", ";", "\t", "\r", " 4711 ", "4,711.00", "４７１１",
          "1990-01-01", "2101-01-01")  # fmt: skip

Row = dict[str, object]


def rows(first: int) -> list[Row]:
    """Rows that are fine, and full of what must not be shown."""
    return [_row(first + place) for place in range(N_ROWS)]


def _row(number: int) -> Row:
    return wide_row(
        number,
        setl_id=f"{PRIVATE}-{number}",
        psn_no=f"{PRIVATE}-P{number % 40}",
        fixmedins_code=f"{PRIVATE}-H{number % 3}",
        adm_time="2024-03-01 08:00:00",
        dscg_time="2024-03-05 10:00:00",
        act_ipt_days="4",
        age=str(number % 90),
        gend=str(1 + number % 2),
        medfee_sumamt="4711.47",
        amt_01="4711",
        amt_09="0.47",
        refd_setl_flag="0",
    )


def as_csv(held: list[Row]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(held[0]))
    writer.writeheader()
    writer.writerows(held)
    return out.getvalue().encode("utf-8", "surrogatepass")


def as_parquet(held: list[Row]) -> bytes:
    return _parquet(pa.Table.from_pylist(held))


def seeds_csv() -> tuple[bytes, ...]:
    return tuple(as_csv(rows(number * N_ROWS)) for number in range(3))


def seeds_parquet() -> tuple[bytes, ...]:
    return tuple(as_parquet(rows(number * N_ROWS)) for number in range(3))


def change_csv(_: bytes, rng: random.Random) -> bytes:
    """A new file: most rows have a cell of anything; and seldom its bytes are broken as well."""
    held = as_csv([_changed(row, rng) for row in _fresh(rng)])
    return rng.choice(_FORMS)(held) if rng.random() < 0.1 else held


def change_parquet(_: bytes, rng: random.Random) -> bytes:
    """A new file: cells of anything, a column or two of another type; and seldom its bytes are broken as well."""
    table = pa.Table.from_pylist([_changed(row, rng) for row in _fresh(rng)])
    for _ in range(rng.choice((0, 1, 1, 2))):
        table = _retyped(table, rng)
    held = _parquet(table, compression=rng.choice(("snappy", "none", "zstd")), use_dictionary=rng.random() < 0.5)
    return damaged(held, rng) if rng.random() < 0.1 else held


def _fresh(rng: random.Random) -> list[Row]:
    return rows(rng.randrange(1 << 40))


def _changed(row: Row, rng: random.Random) -> Row:
    if rng.random() < 0.2:
        return row
    name, other = rng.choice(list(row)), rng.choice(list(row))
    cell = rng.choice((rng.choice(_CELLS), row[other], f"{row[name]}{row[other]}", ""))
    return row | {name: str(cell).encode("utf-8", "replace").decode()}


def _retyped(table: pa.Table, rng: random.Random) -> pa.Table:
    place = rng.randrange(table.num_columns)
    values = [rng.choice(kind) for kind in [rng.choice(_TYPED)] for _ in range(len(table))]
    return table.set_column(place, table.schema.names[place], pa.array(values))


_PLUS_NINE = timezone(timedelta(hours=9))
_TYPED: tuple[tuple[Any, ...], ...] = (
    (4711.47, float("nan"), float("inf"), -1e308, -0.0, None),
    (4711, -4711, 2**63 - 1, -(2**63), 0, None),
    (Decimal("4711.47"), Decimal(-4711), Decimal("1e20"), None),
    (datetime(2024, 3, 1, 8, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), None),
    (datetime(2024, 3, 1, 8, tzinfo=_PLUS_NINE), None),
    (date(2024, 3, 1), date(1, 1, 1), date(9999, 12, 31), None),
    (True, False, None),
    (PRIVATE.encode(), b"\xff\xfe", b"", None),
    ([PRIVATE], [], None),
    ({"a": PRIVATE}, None),
    (None,),
    (timedelta(days=4711), None),
)
_FORMS: tuple[Callable[[bytes], bytes], ...] = (
    lambda held: held.decode().encode("utf-16"),
    lambda held: b"\xef\xbb\xbf" + held,
    lambda held: held.replace(b"\r\n", b"\r"),
    lambda held: held.replace(b",", b";"),
    lambda held: held[: len(held) // 2] + b"\x00" + held[len(held) // 2 :],
    lambda held: held[: len(held) // 2] + b"\xff\xfe" + held[len(held) // 2 :],
    lambda held: held[: len(held) // 2] + b'"' + held[len(held) // 2 :],
    lambda held: held[held.index(b"\n") + 1 :],
    lambda held: held[: held.index(b"\n") + 1],
    lambda held: held.replace(b"setl_id", b"psn_name", 1),
    lambda held: held.replace(b"psn_no", b"setl_id", 1),
)


def _parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()
