"""A block of claims as Arrow columns, named and coded as in the wide settlement list ``nhsa_4101_wide``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from common.claim import FEE_CATEGORIES
from simulations.world.block import Block
from simulations.world.local import Shared, hospital_codes
from simulations.world.people import NUMBER_SPAN, Integers
from simulations.world.pictures import MAX_DIAGNOSES, MAX_OPERATIONS
from simulations.world.tables import ADMISSION_WAYS, DISCHARGE_WAYS, LEVELS

INSURANCES = ("390", "310")
"""Residents, employees."""

SEXES = ("2", "1")
"""Female, male."""

REFUND_FLAGS = ("0", "1")
REFUND_FLAG = "refd_setl_flag"

FEN = 100.0
"""Fen in a yuan. A quotient by it is the float nearest to the decimal number, so that amounts are exact to the fen."""

_DIGITS = 10_000
_STEPS = 4
"""A key has 16 digits, four at a step: six of the region's code and ten of the number within it."""

_NUMERALS = np.array([f"{number:04d}".encode() for number in range(_DIGITS)]).view(np.uint32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column is made.

    Attributes:
        type: Its Arrow type, the same in every batch.
        make: The column of a block.
    """

    type: pa.DataType
    make: Callable[[Block], pa.Array]


def columns(shared: Shared) -> dict[str, Column]:
    """Every column of a world by name, in the order of the settlement list."""
    return {
        **_whose(shared),
        **_encounter(),
        "age": _number(lambda block: block.people.age),
        "nwb_age": _number(lambda block: block.people.newborn_days),
        "gend": _coded(SEXES, lambda block: block.people.male),
        **_clinical(shared),
        **{f"amt_{category}": _fee(place) for place, category in enumerate(FEE_CATEGORIES)},
        **AMOUNTS,
        REFUND_FLAG: _coded(REFUND_FLAGS, lambda block: np.zeros(len(block))),
        "drg_code": _coded([group.id for group in shared.groups], lambda block: block.people.group),
    }


def amount_names() -> frozenset[str]:
    """Names of the columns that a refund turns negative."""
    return frozenset({f"amt_{category}" for category in FEE_CATEGORIES} | AMOUNTS.keys())


def _whose(shared: Shared) -> dict[str, Column]:
    """Keys, and codes of the hospital, the region and the insurance."""
    first = int(shared.regions[0].code) * NUMBER_SPAN
    hospitals = np.cumsum([0, *(sum(region.hospitals) for region in shared.regions)])
    kinds = tuple(dict.fromkeys(group.med_type for group in shared.groups))
    kind = np.array([kinds.index(group.med_type) for group in shared.groups])
    return {
        "setl_id": _key(lambda block: first + block.local.region.index * NUMBER_SPAN + block.serial),
        "psn_no": _key(lambda block: first + block.people.person),
        "fixmedins_code": _coded(
            hospital_codes(shared.regions), lambda block: hospitals[block.local.region.index] + block.people.hospital
        ),
        "insu_admdvs": _coded(
            [region.code for region in shared.regions], lambda block: np.full(len(block), block.local.region.index)
        ),
        "med_type": _coded(kinds, lambda block: kind.take(block.people.group)),
        "insutype": _coded(INSURANCES, lambda block: block.people.employee),
        "hosp_lv": _coded(LEVELS, lambda block: block.people.level),
    }


def _encounter() -> dict[str, Column]:
    """Times, and the ways in and out; all but the settlement are of stays only."""
    return {
        "adm_way": _coded(ADMISSION_WAYS, lambda block: np.where(block.stays.inpatient, block.stays.admission, -1)),
        "dscg_way": _coded(DISCHARGE_WAYS, lambda block: np.where(block.stays.inpatient, block.stays.discharge, -1)),
        "adm_time": _time(lambda block: np.where(block.stays.inpatient, block.stays.admitted, -1)),
        "dscg_time": _time(lambda block: np.where(block.stays.inpatient, block.stays.discharged, -1)),
        "setl_time": _time(lambda block: block.stays.settled),
        "act_ipt_days": _number(lambda block: np.where(block.stays.inpatient, block.stays.days, -1)),
    }


def _clinical(shared: Shared) -> dict[str, Column]:
    """Diagnoses and operations, the main one first, and the diagnosis of Chinese medicine."""
    diagnoses = _numbered("diag_code", MAX_DIAGNOSES)
    operations = _numbered("oprn_oprt_code", MAX_OPERATIONS)
    return {
        **{name: _picture(shared.words.diagnoses, place) for place, name in enumerate(diagnoses)},
        **{name: _picture(shared.words.operations, MAX_DIAGNOSES + place) for place, name in enumerate(operations)},
        "tcm_dise_code": _picture(shared.words.tcm, MAX_DIAGNOSES + MAX_OPERATIONS),
    }


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}_{number}" for number in range(2, count + 1))]


def _coded(values: Sequence[str], places: Callable[[Block], npt.NDArray[np.generic]]) -> Column:
    """A dictionary-encoded column; places below zero are missing."""
    dictionary = pa.array(values, pa.string())

    def make(block: Block) -> pa.Array:
        return pa.DictionaryArray.from_arrays(_optional(places(block).astype(np.int32)), dictionary, safe=False)

    return Column(type=pa.dictionary(pa.int32(), pa.string()), make=make)


def _picture(values: Sequence[str], row: int) -> Column:
    return _coded(values, lambda block: block.pictures[row])


def _number(values: Callable[[Block], npt.NDArray[np.signedinteger]]) -> Column:
    """Whole numbers; those below zero are missing."""
    return Column(type=pa.int32(), make=lambda block: _optional(values(block).astype(np.int32)))


def _time(seconds: Callable[[Block], Integers]) -> Column:
    """Points in time to the second; those below zero are missing."""
    stamp = pa.timestamp("s")
    return Column(type=stamp, make=lambda block: _optional(seconds(block)).view(stamp))


def _amount(fen: Callable[[Block], npt.NDArray[np.floating]]) -> Column:
    """Yuan."""
    return Column(type=pa.float64(), make=lambda block: pa.array(fen(block) / np.float64(FEN)))


def _fee(place: int) -> Column:
    return _amount(lambda block: block.money.fees[place])


def _key(numbers: Callable[[Block], Integers]) -> Column:
    """Numbers of 16 digits, as text."""

    def make(block: Block) -> pa.Array:
        rest = numbers(block)
        text = np.empty((len(rest), _STEPS), np.uint32)
        for step in reversed(range(_STEPS)):
            ahead = rest // _DIGITS
            text[:, step] = _NUMERALS.take(rest - ahead * _DIGITS)
            rest = ahead
        ends = np.arange(len(text) + 1, dtype=np.int32) * np.int32(text.itemsize * _STEPS)
        return pa.StringArray.from_buffers(len(text), pa.py_buffer(ends), pa.py_buffer(text))

    return Column(type=pa.string(), make=make)


def _optional(values: npt.NDArray[np.signedinteger]) -> pa.Array:
    """Whole numbers, missing where they are below zero."""
    missing = values < 0
    return pa.array(values, mask=missing) if missing.any() else pa.array(values)


AMOUNTS = {
    "medfee_sumamt": _amount(lambda block: block.money.total),
    "hifp_pay": _amount(lambda block: block.money.pooled),
    "fund_pay_sumamt": _amount(lambda block: block.money.fund),
    "psn_part_amt": _amount(lambda block: block.money.person),
    "acct_pay": _amount(lambda block: block.money.account),
    "psn_cash_pay": _amount(lambda block: block.money.cash),
    "hosp_part_amt": _amount(lambda block: block.money.hospital_part),
}
