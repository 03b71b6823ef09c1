"""Refused rows on the bureau's own disk, so that someone can mend them. Nothing of them is ever logged."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import pyarrow as pa

from client.claims.reasons import Verdicts
from common.errors import InputError

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_REASON_COLUMN = "reason"


class RejectFile:
    """A CSV file of refused rows: the reason, then all mapped columns as they came.

    Guarantees:
        * Only the owner can read it (mode 0600); an existing file is never touched.
        * No cell starts like a spreadsheet formula: such cells get a leading ``'``.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Make the file and write its header.

        Raises:
            InputError: If the file exists already or cannot be made.
        """
        self._columns = list(columns)
        self._file = _create(path)
        self._writer = csv.writer(self._file)
        self._writer.writerow([_REASON_COLUMN, *map(safe_cell, self._columns)])

    def write(self, batch: pa.RecordBatch, verdicts: Verdicts) -> None:
        """Write the refused rows of a batch."""
        refused = np.flatnonzero(~verdicts.accepted)
        rows = batch.select(self._columns).take(pa.array(refused))
        cells = [column.to_pylist() for column in rows.columns]
        for place, row in enumerate(refused):
            self._writer.writerow([verdicts.reason(int(row)), *(safe_cell(column[place]) for column in cells)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def safe_cell(value: object) -> str:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = ";".join("" if one is None else str(one) for one in value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _create(path: Path) -> IO[str]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        msg = f"{path} exists already; remove it or name another file for the refused rows"
        raise InputError(msg) from None
    except OSError:
        msg = f"{path} cannot be made; check that its folder exists and can be written to"
        raise InputError(msg) from None
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
