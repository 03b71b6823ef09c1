"""Reads generated claims the slow way: whole tables, and ``Claim`` objects one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from common.claim import FEE_CATEGORIES, Claim
from simulations.world import BureauClaims, World

PAYMENTS = ("hifp_pay", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt")
PLAIN = (
    "fixmedins_code", "insu_admdvs", "med_type", "insutype", "hosp_lv", "adm_way", "dscg_way", "adm_time", "dscg_time",
    "setl_time", "act_ipt_days", "age", "nwb_age", "gend", "tcm_dise_code", "drg_code",
)  # fmt: skip
FEES = tuple(f"amt_{category}" for category in FEE_CATEGORIES)
DIAGNOSES = ("diag_code", *(f"diag_code_{number}" for number in range(2, 9)))
OPERATIONS = ("oprn_oprt_code", *(f"oprn_oprt_code_{number}" for number in range(2, 5)))


def table(source: World | BureauClaims, columns: Sequence[str] | None = None) -> pa.Table:
    """All claims of a source."""
    return pa.Table.from_batches(source.batches(columns)).combine_chunks()


def places(read: pa.Table, column: str) -> npt.NDArray[np.int64]:
    """A column of codes as places in its dictionary, -1 where there is none."""
    indices = read[column].combine_chunks().indices
    found: npt.NDArray[np.int64] = np.asarray(indices.fill_null(-1)).astype(np.int64)
    return found


def fen(read: pa.Table, column: str) -> npt.NDArray[np.int64]:
    """An amount in whole fen, after a check that it is one to the last digit."""
    yuan = np.asarray(read[column])
    whole = np.rint(yuan * 100)
    assert np.array_equal(whole / 100, yuan), "an amount is not the float nearest to a number of fen"
    found: npt.NDArray[np.int64] = whole.astype(np.int64)
    return found


def claim(row: Mapping[str, Any]) -> Claim:
    """The claim that a row says, or ``ValidationError``."""
    return Claim(
        claim_key=row["setl_id"],
        psn_key=row["psn_no"],
        refd_setl_flag=row["refd_setl_flag"] == "1",
        diseinfo=[{"diag_code": row[name], "maindiag_flag": name == "diag_code"} for name in DIAGNOSES if row[name]],
        oprninfo=[
            {"oprn_oprt_code": row[name], "main_oprn_flag": name == "oprn_oprt_code"}
            for name in OPERATIONS
            if row[name]
        ],
        iteminfo=[{"med_chrgitm_type": name[-2:], "amt": Decimal(repr(row[name]))} for name in FEES if row[name]],
        medfee_sumamt=Decimal(repr(row["medfee_sumamt"])),
        **{name: Decimal(repr(row[name])) for name in PAYMENTS},
        **{name: row[name] for name in PLAIN},
    )
