"""What a router needs to know of a claim besides its table: keys, dates, and who pays which part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.batch import CheckedBatch
from client.claims.mapping import REFERRALS
from client.claims.parsing.parsed import Parsed, Rows
from client.claims.reasons import Mask
from common.columns import MISSING

MICROSECONDS_A_SECOND = 1_000_000

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """Of ``n`` claims, in the order of their table. They stay in the bureau.

    Attributes:
        claim_keys: As the source names the claims; the parts of a composite key are joined.
        admitted: Unix seconds; local times are taken for UTC; ``MISSING`` where not given, as in all that follow.
        discharged: The same.
        settled: The same.
        fund_fen: What the fund pays.
        person_fen: What the person pays.
        hospital_fen: What the hospital bears.
        referred: Whether another encounter referred the person here, or this one refers elsewhere.
    """

    claim_keys: tuple[str, ...]
    admitted: Integers
    discharged: Integers
    settled: Integers
    fund_fen: Integers
    person_fen: Integers
    hospital_fen: Integers
    referred: npt.NDArray[np.bool_]


def particulars_of(checked: CheckedBatch, rows: Rows, *, netted: Mask) -> Particulars:
    """The particulars of some rows of a batch.

    Guarantees:
        * Where a refund was taken off a claim, the parts of its amount are ``MISSING``: they are of the amount before.

    Args:
        checked: The batch.
        rows: Which of its rows became claims.
        netted: Over all rows of the batch: those from which something was refunded.
    """
    dates, paid, n_rows = checked.stays.dates, checked.money.paid, len(checked.age_days)
    text = checked.names.claim.text
    referred = np.zeros(n_rows, np.bool_)
    for name in REFERRALS:
        if name in checked.codes:
            referred |= checked.codes[name][0] != MISSING
    return Particulars(
        claim_keys=tuple((text if isinstance(rows, slice) else text.take(pa.array(rows))).to_pylist()),
        admitted=_seconds(dates, "adm_time", n_rows)[rows],
        discharged=_seconds(dates, "dscg_time", n_rows)[rows],
        settled=_seconds(dates, "setl_time", n_rows)[rows],
        fund_fen=_fen(paid, "fund_pay_sumamt", netted)[rows],
        person_fen=_fen(paid, "psn_part_amt", netted)[rows],
        hospital_fen=_fen(paid, "hosp_part_amt", netted)[rows],
        referred=referred[rows],
    )


def _seconds(dates: Mapping[str, Parsed], name: str, n_rows: int) -> Integers:
    if name not in dates:
        return np.full(n_rows, MISSING, np.int64)
    return np.where(dates[name].missing, MISSING, dates[name].values // MICROSECONDS_A_SECOND)


def _fen(paid: Mapping[str, Parsed], name: str, netted: Mask) -> Integers:
    if name not in paid:
        return np.full(len(netted), MISSING, np.int64)
    return np.where(paid[name].missing | netted, MISSING, paid[name].values)
