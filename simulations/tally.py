"""What a simulation keeps of each claim to describe clusters afterwards: a few small numbers, never sent anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.columns import DAYS_A_YEAR, MISSING, ClaimTable, CodeColumn

Places = npt.NDArray[np.int32]
TRUTH = "drg_code"
"""The attribute that holds a known group, of a generator or a grouper; quality is compared with it, nothing else."""


class Names:
    """Distinct values in order of first appearance, over all batches and bureaus."""

    def __init__(self) -> None:
        """Start empty."""
        self.values: list[str] = []
        self._places: dict[str, int] = {}

    def translate(self, column: CodeColumn) -> Places:
        """The column with indices into these names; missing stays missing."""
        table = [self._place(value) for value in column.values]
        return np.array([*table, MISSING], np.int32)[column.indices]

    def _place(self, value: str) -> int:
        if value not in self._places:
            self._places[value] = len(self.values)
            self.values.append(value)
        return self._places[value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Some claims, row by row as in the rows.

    Attributes:
        diagnosis: Main diagnosis, a place in ``Vocabularies.diagnoses``.
        operation: Main operation, ``MISSING`` for none.
        truth: Known group, ``MISSING`` for none.
        stay_days: ``MISSING`` for none.
        age_years: ``MISSING`` for none.
    """

    diagnosis: Places
    operation: Places
    truth: Places
    stay_days: npt.NDArray[np.int16]
    age_years: npt.NDArray[np.int16]

    def select(self, rows: npt.NDArray[np.intp]) -> Details:
        """Some of the claims."""
        return Details(
            diagnosis=self.diagnosis[rows],
            operation=self.operation[rows],
            truth=self.truth[rows],
            stay_days=self.stay_days[rows],
            age_years=self.age_years[rows],
        )


class Vocabularies:
    """The codes of a run, shared by all bureaus of the simulation."""

    def __init__(self) -> None:
        """Start empty."""
        self.diagnoses, self.operations, self.truths = Names(), Names(), Names()

    def details(self, table: ClaimTable) -> Details:
        """What to keep of a table."""
        n = len(table)
        nothing = np.full(n, MISSING, np.int32)
        truth = table.attributes.get(TRUTH)
        years = np.where(table.age_days >= 0, table.age_days // DAYS_A_YEAR, MISSING)
        return Details(
            diagnosis=self.diagnoses.translate(table.diagnoses[0]),
            operation=self.operations.translate(table.operations[0]) if table.operations else nothing,
            truth=self.truths.translate(truth) if truth is not None else nothing,
            stay_days=table.stay_days.astype(np.int16),
            age_years=years.astype(np.int16),
        )


class Tally:
    """The details of one bureau's claims, in the order of its rows."""

    def __init__(self) -> None:
        """Start empty."""
        self._parts: list[Details] = []

    def append(self, details: Details) -> None:
        """Add the details of the rows that were appended to the bureau's store."""
        self._parts.append(details)

    def pieces(self) -> Iterator[Details]:
        """The details, piece by piece, in order."""
        yield from self._parts

    def column(self, name: str) -> npt.NDArray[np.integer]:
        """One field of all claims, ``(n,)``."""
        parts = [getattr(part, name) for part in self._parts]
        return np.concatenate(parts) if parts else np.zeros(0, np.int32)
