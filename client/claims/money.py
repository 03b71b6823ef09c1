"""The amounts of a batch: total, fee categories, who pays, and whether they add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.mapping import PAYMENTS, ClaimMapping, Fees
from client.claims.parsing.numbers import parse_fen
from client.claims.parsing.parsed import Parsed
from client.claims.reasons import Mask, Reason, Verdicts
from common.claim import AMOUNT_TOLERANCE, FEE_CATEGORIES

Fen = npt.NDArray[np.int64]

TOLERANCE_FEN = int(AMOUNT_TOLERANCE * 100)
_PLACES = {category: place for place, category in enumerate(FEE_CATEGORIES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Amounts of a batch, in fen.

    Attributes:
        total: int64 ``(n,)``.
        fees: int64 ``(n, 14)``.
        paid: Each of ``PAYMENTS`` that the file has.
    """

    total: Fen
    fees: Fen
    paid: Mapping[str, Parsed]


def read_total(batch: pa.RecordBatch, mapping: ClaimMapping) -> Parsed:
    """The total amounts alone."""
    return parse_fen(batch.column(mapping.fields["medfee_sumamt"]))


def read_money(batch: pa.RecordBatch, mapping: ClaimMapping, refund: Mask, verdicts: Verdicts) -> Money:
    """Read all amounts and check them; faults go to the verdict.

    Args:
        batch: The rows.
        mapping: What their columns mean.
        refund: The rows whose refund flag is set; only these may be negative.
        verdicts: Takes what is wrong.
    """
    total = read_total(batch, mapping)
    total.report(verdicts)
    if total.missing.any():
        verdicts.blame(Reason.MISSING_AMOUNT, total.missing)
    negative = (total.values < 0) & ~refund
    if negative.any():
        verdicts.blame(Reason.NEGATIVE_AMOUNT, negative)
    fees = _read_fees(batch, mapping.fees, total.values, verdicts) if mapping.fees else None
    paid = _read_payment(batch, mapping, total.values, verdicts)
    empty = np.zeros((batch.num_rows, len(FEE_CATEGORIES)), np.int64)
    return Money(total=total.values, fees=empty if fees is None else fees, paid=paid)


def _read_fees(batch: pa.RecordBatch, fees: Fees, total: Fen, verdicts: Verdicts) -> Fen:
    """Fen by category. Where no part is given there is nothing to add up."""
    table = np.zeros((len(FEE_CATEGORIES), batch.num_rows), np.int64)
    given = np.full(batch.num_rows, fees.remainder is not None)
    for category, columns in fees.parts.items():
        for name in (name for name in columns if name in batch.schema.names):
            part = parse_fen(batch.column(name))
            part.report(verdicts)
            table[_PLACES[category]] += part.values
            given |= ~part.missing
    rest = total - table.sum(axis=0)
    if fees.remainder is not None:
        left = np.where(total < 0, np.minimum(rest, 0), np.maximum(rest, 0))
        table[_PLACES[fees.remainder]] = left
        rest -= left
    off = given & (np.abs(rest) > TOLERANCE_FEN)
    if off.any():
        verdicts.blame(Reason.FEES_DO_NOT_ADD_UP, off)
    return np.ascontiguousarray(table.T)


def _read_payment(batch: pa.RecordBatch, mapping: ClaimMapping, total: Fen, verdicts: Verdicts) -> Mapping[str, Parsed]:
    """Who pays; fund, person and hospital parts make the total, where the first two are given."""
    paid: dict[str, Parsed] = {}
    for name in PAYMENTS:
        column = mapping.fields.get(name)
        if column in batch.schema.names:
            paid[name] = parse_fen(batch.column(column))
            paid[name].report(verdicts)
    fund, person, hospital = (paid.get(name) for name in ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt"))
    if fund is None or person is None:
        return paid
    parts = fund.values + person.values + (hospital.values if hospital is not None else 0)
    off = ~fund.missing & ~person.missing & (np.abs(parts - total) > TOLERANCE_FEN)
    if off.any():
        verdicts.blame(Reason.PAYMENT_DOES_NOT_ADD_UP, off)
    return paid
