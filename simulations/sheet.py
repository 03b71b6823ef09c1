"""Claims as a file holds them, with columns that can be written to by what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.mapping import PAYMENTS, ClaimMapping

Column = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """Columns of claims that can be written to; what was not written stays as it stood."""

    claims: pa.Table
    mapping: ClaimMapping
    written: dict[str, Column] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        if name not in self.written:
            self.written[name] = _values(self.claims[name])
        return self.written[name]

    def named(self, claim_field: str) -> Column:
        """The column of a claim field."""
        return self[self.mapping.fields[claim_field]]

    @property
    def operation(self) -> Column:
        """The main operations."""
        return self[str(self.mapping.operations.main if self.mapping.operations else None)]

    @property
    def total(self) -> Floats:
        """The amounts, as they stand now."""
        return self.named("medfee_sumamt").astype(np.float64)

    @property
    def parts(self) -> list[Column]:
        """The fee columns."""
        fees = self.mapping.fees
        return [] if fees is None else [self[name] for names in fees.parts.values() for name in names]

    def fees(self, rows: Places) -> Floats:
        """What some claims have in each fee column, ``(n_parts, n)``."""
        held = [column[rows] for column in self.parts]
        return np.array(held, np.float64).reshape(len(held), len(rows))

    def charge(self, rows: Places, fees: Floats, totals: Floats) -> None:
        """Give claims new fees and a new total; payments follow in proportion, and everything adds up."""
        old = self.total[rows]
        for column, fee in zip(self.parts, fees, strict=True):
            column[rows] = np.round(fee, 2)
        remains = self.mapping.fees is None or self.mapping.fees.remainder is not None
        total = np.round(totals if remains else self.fees(rows).sum(axis=0), 2)
        self.named("medfee_sumamt")[rows] = total
        for name in set(PAYMENTS) & set(self.mapping.fields):
            self.named(name)[rows] = np.round(self.named(name)[rows].astype(np.float64) * (total / old), 2)
        if {"fund_pay_sumamt", "psn_part_amt"} <= set(self.mapping.fields):
            others = {"psn_part_amt", "hosp_part_amt"} & set(self.mapping.fields)
            borne = sum(self.named(name)[rows].astype(np.float64) for name in others)
            self.named("fund_pay_sumamt")[rows] = np.round(total - borne, 2)

    def table(self) -> pa.Table:
        """All columns, in their own types."""
        claims = self.claims
        for name, column in self.written.items():
            place, kind = claims.schema.get_field_index(name), claims.schema.field(name).type
            kept = pa.array(column, from_pandas=True)
            kept = kept.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else kept.cast(kind, safe=False)
            claims = claims.set_column(place, name, kept)
        return claims


def _values(column: pa.ChunkedArray) -> Column:
    """The values of a column, to be written to; None, NaN or NaT where there is none.

    Codes are decoded first: Arrow turns the missing ones of an encoded column into some other code.
    """
    coded = pa.types.is_dictionary(column.type)
    return np.array((column.cast(pa.string()) if coded else column).to_numpy())
