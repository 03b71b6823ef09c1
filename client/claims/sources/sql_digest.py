"""A digest of rows as a database gives them: the same rows, the same digest; other rows, another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack

DOMAIN = b"fedclaims/claims-in-a-database/1\0"
_DECIMAL, _TIME, _UUID = 1, 2, 3


def digest_rows(names: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]]) -> str:
    """SHA-256 over rows, one after another.

    Guarantees:
        * Every value goes in with its kind and its length: no two lists of rows look alike.
        * Memory holds one row besides the batch it is given.

    Args:
        names: Of the columns.
        batches: Rows of values, in an order that the rows alone decide.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: If a value is of a kind that claims do not have.
    """
    packer = msgpack.Packer(default=_plain, strict_types=True, use_bin_type=True)
    found, n_rows = hashlib.sha256(DOMAIN + packer.pack(list(names))), 0
    for batch in batches:
        for row in batch:
            found.update(packer.pack(list(row)))
        n_rows += len(batch)
    found.update(packer.pack({"rows": n_rows}))
    return found.hexdigest()


def _plain(value: Any) -> Any:
    """What msgpack does not know, as bytes that say what they are."""
    if isinstance(value, Decimal):
        return msgpack.ExtType(_DECIMAL, str(value).encode())
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    if isinstance(value, date | time):
        return msgpack.ExtType(_TIME, f"{type(value).__name__} {value.isoformat()}".encode())
    if isinstance(value, timedelta):
        return msgpack.ExtType(_TIME, f"{value.days} {value.seconds} {value.microseconds}".encode())
    if isinstance(value, UUID):
        return msgpack.ExtType(_UUID, value.bytes)
    if isinstance(value, tuple):
        return list(value)
    msg = f"no claim holds a {type(value).__name__}"
    raise TypeError(msg)
