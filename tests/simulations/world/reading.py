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
    fields: dict[str, object] = {
        "claim_key": row["setl_id"],
        "psn_key": row["psn_no"],
        "refd_setl_flag": row["refd_setl_flag"] == "1",
        "diseinfo": _listed(row, DIAGNOSES, "diag_code", "maindiag_flag"),
        "oprninfo": _listed(row, OPERATIONS, "oprn_oprt_code", "main_oprn_flag"),
        "iteminfo": [{"med_chrgitm_type": name[-2:], "amt": _yuan(row[name])} for name in FEES if row[name]],
    }
    amounts = {name: _yuan(row[name]) for name in ("medfee_sumamt", *PAYMENTS)}
    return Claim.model_validate(fields | amounts | {name: row[name] for name in PLAIN})


def _listed(row: Mapping[str, Any], names: Sequence[str], code: str, main: str) -> list[dict[str, object]]:
    return [{code: row[name], main: name == code} for name in names if row[name]]


def _yuan(amount: float) -> Decimal:
    return Decimal(repr(amount))
