"""Diagnoses, and operations: several columns and lists of codes as a few columns without gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.mapping import CodeColumns
from client.claims.parsing.codes import CodeReader, Indices, compact
from client.claims.parsing.parsed import Rows, wrong_type
from client.claims.reasons import Mask, Reason, Verdicts
from common.columns import MISSING, CodeColumn

MOST_CODES = 64

Matrix = npt.NDArray[np.int32]
"""Indices ``(places, n)``: first all first codes, then all second ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    """The codes of a batch.

    Attributes:
        matrix: Indices into ``values``; the main code first, no gaps.
        values: The codes, normalised.
        has_main: The rows whose main code is known.
    """

    matrix: Matrix
    values: list[str]
    has_main: Mask

    def columns(self, rows: Rows, *, at_least: int) -> tuple[CodeColumn, ...]:
        """The columns of some rows, as many as these rows need."""
        chosen = self.matrix[:, rows]
        occupied = np.flatnonzero((chosen >= 0).any(axis=1)) if chosen.size else np.zeros(0, np.int64)
        width = max(at_least, int(occupied[-1]) + 1 if len(occupied) else 0)
        empty = np.full(chosen.shape[1], MISSING, np.int32)
        places = [chosen[place] if place < len(chosen) else empty for place in range(width)]
        return tuple(compact(indices, self.values) for indices in places)


class CodeListReader:
    """Reads what a ``CodeColumns`` of the mapping names, as far as it is in the file."""

    def __init__(self, named: CodeColumns, present: frozenset[str], reader: CodeReader) -> None:
        """Read those of ``named`` that are ``present``, through one reader: their codes share one numbering."""
        self._main = named.main if named.main in present else None
        self._others = tuple(name for name in named.others if name in present)
        self._list = named.list if named.list in present else None
        self._leads = named.main is None
        self._reader = reader

    def read(self, batch: pa.RecordBatch, verdicts: Verdicts) -> CodeLists:
        """The codes of a batch; faults go to the verdict."""
        self._reader.start_batch()
        n_rows = batch.num_rows
        rows = [self._column(name, batch, verdicts) for name in (self._main, *self._others) if name is not None]
        if self._list is not None:
            rows += self._list_rows(batch.column(self._list), verdicts)
        matrix = np.vstack(rows) if rows else np.full((0, n_rows), MISSING, np.int32)
        given = matrix >= 0
        counts = given.sum(axis=0)
        if counts.size and counts.max() > MOST_CODES:
            verdicts.blame(Reason.TOO_MANY_CODES, counts > MOST_CODES)
        known = counts == 1
        if self._leads:
            known = counts > 0
        elif self._main is not None:
            known |= given[0]
        return CodeLists(matrix=_without_gaps(matrix, given), values=self._reader.values, has_main=known)

    def _column(self, name: str, batch: pa.RecordBatch, verdicts: Verdicts) -> Indices:
        codes = self._reader.read(name, batch.column(name))
        for reason, rows in codes.faults:
            verdicts.blame(reason, rows)
        return codes.indices

    def _list_rows(self, column: pa.Array, verdicts: Verdicts) -> list[Indices]:
        """One array per place in the list."""
        if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
            raise wrong_type("lists of codes", column.type)
        lengths = np.asarray(pc.list_value_length(column).fill_null(0)).astype(np.int64)
        flat = column.flatten()
        codes = self._reader.read(str(self._list), flat)
        row_of = np.repeat(np.arange(len(lengths)), lengths)
        for reason, entries in codes.faults:
            verdicts.blame(reason, np.bincount(row_of[entries], minlength=len(lengths)) > 0)
        if not len(lengths) or lengths.max() == 0:
            return []
        if lengths.max() > MOST_CODES:
            verdicts.blame(Reason.TOO_MANY_CODES, lengths > MOST_CODES)
        place = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        fits = place < MOST_CODES
        matrix = np.full((min(int(lengths.max()), MOST_CODES), len(lengths)), MISSING, np.int32)
        matrix[place[fits], row_of[fits]] = codes.indices[fits]
        return list(matrix)


def _without_gaps(matrix: Matrix, given: npt.NDArray[np.bool_]) -> Matrix:
    """Move the codes of each row to the front, in their order; most rows have no gap and stay as they are."""
    gappy = np.flatnonzero((given[1:] & ~given[:-1]).any(axis=0)) if len(matrix) > 1 else np.zeros(0, np.int64)
    if len(gappy):
        order = np.argsort(~given[:, gappy], axis=0, kind="stable")
        matrix[:, gappy] = np.take_along_axis(matrix[:, gappy], order, axis=0)
    return matrix
