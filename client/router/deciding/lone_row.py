"""The row of one claim, in microseconds: the way of a claim that comes alone.

Guarantees:
    * Exactly the bits of ``common.features.rows.Featuriser``: the same additions and multiplications of float64 in the
      same order, and the same compiled logarithm. A test holds both against each other on tens of thousands of claims.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import sqrt
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES, Claim
from common.columns import MISSING, age_days_of, main_first, main_operation_first, normalise_code, stay_days_of
from common.features.kernel import GRID_STEP, natural_log
from common.features.rows import JUST_INSIDE
from common.features.spec import (
    PER_MILLE,
    AttributeBlock,
    Block,
    CodesBlock,
    FeatureSpec,
    FeesBlock,
    NumberBlock,
    TextBlock,
    levels_width,
)
from common.features.vectors import Sparse, code_vector, text_vector
from common.grid import GRID_UNITS

KEPT_VALUES = 1 << 14
"""Values whose vectors are kept, per block."""

Rows = npt.NDArray[np.float32]
Cells: TypeAlias = "memoryview[float]"
Writer = Callable[[Claim, Cells], None]

_CATEGORIES = {category: place for place, category in enumerate(FEE_CATEGORIES)}


class LoneRow:
    """Turns single claims into rows under one specification."""

    def __init__(self, spec: FeatureSpec) -> None:
        """Prepare the blocks of a specification."""
        self.n_features = spec.n_features
        self._writers = tuple(_writer(block, start) for block, start in zip(spec.blocks, spec.offsets(), strict=True))

    def row(self, claim: Claim) -> Rows:
        """The claim's row, float32 ``(1, n_features)``."""
        row = np.zeros((1, self.n_features), np.float32)
        cells = cast("Cells", row[0].data)
        for write in self._writers:
            write(claim, cells)
        return row


def _writer(block: Block, offset: int) -> Writer:
    weight = sqrt(block.share / PER_MILLE) * JUST_INSIDE
    match block:
        case CodesBlock():
            return _codes_writer(block, offset, weight)
        case FeesBlock():
            return _fees_writer(offset, weight)
        case NumberBlock():
            return _number_writer(block, offset, weight)
        case AttributeBlock():
            return _attribute_writer(block, offset, weight)
        case TextBlock():
            return _text_writer(block, offset, weight)


def _codes_writer(block: CodesBlock, offset: int, weight: float) -> Writer:
    """The outline always, then the operation or else the diagnosis in detail."""
    detail_at = offset + levels_width(block.outline, block.diagnosis_system)
    operation_at = detail_at + levels_width(block.detail, block.diagnosis_system)
    rest_weight = weight * sqrt(1 - block.outline_share / PER_MILLE)
    outline_weight = weight * sqrt(block.outline_share / PER_MILLE)
    others_share = block.others_share / PER_MILLE

    outline = _mixed(
        lambda code: code_vector(block.diagnosis_system, block.outline, offset, code), outline_weight, others_share
    )
    detail = _mixed(
        lambda code: code_vector(block.diagnosis_system, block.detail, detail_at, code), rest_weight, others_share
    )
    operation = _mixed(
        lambda code: code_vector(block.operation_system, block.operation, operation_at, code), rest_weight, others_share
    )

    def write(claim: Claim, cells: Cells) -> None:
        diagnoses = tuple(main_first(claim.diseinfo))
        for place, value in outline(diagnoses):
            cells[place] = value
        operations = tuple(main_operation_first(claim.oprninfo))
        for place, value in operation(operations) if operations else detail(diagnoses):
            cells[place] = value

    return write


def _mixed(
    vector_of: Callable[[str], Sparse], weight: float, others_share: float
) -> Callable[[tuple[str, ...]], Sequence[tuple[int, float]]]:
    """From codes, the main one first, to settled coordinates: as ``kernel.add_codes`` and ``kernel.settle_codes``."""

    @lru_cache(KEPT_VALUES)
    def vector(code: str) -> Sparse:
        return vector_of(normalise_code(code))

    @lru_cache(KEPT_VALUES)
    def mixed(codes: tuple[str, ...]) -> tuple[tuple[int, float], ...]:
        raw: dict[int, float] = {}
        main_weight = weight * (1.0 - others_share) if len(codes) > 1 else weight
        for place, size in vector(codes[0]):
            raw[place] = raw.get(place, 0.0) + main_weight * size
        for code in codes[1:]:
            for place, size in vector(code):
                raw[place] = raw.get(place, 0.0) + weight * others_share / (len(codes) - 1) * size
        return tuple((place, _settled(value)) for place, value in raw.items())

    return mixed


def _fees_writer(offset: int, weight: float) -> Writer:
    def write(claim: Claim, cells: Cells) -> None:
        fees: dict[int, int] = {}
        for item in claim.iteminfo:
            place = _CATEGORIES[item.med_chrgitm_type]
            fees[place] = fees.get(place, 0) + int(item.amt * 100)
        total = sum(fen for fen in fees.values() if fen > 0)
        for place, fen in fees.items():
            if fen > 0:
                cells[offset + place] = int(weight * sqrt(fen / total) * GRID_UNITS) * GRID_STEP  # as ``_settled``

    return write


def _number_writer(block: NumberBlock, offset: int, weight: float) -> Writer:
    number_of = _NUMBERS[block.field]
    low = natural_log(1.0 + block.lower)
    width = natural_log(1.0 + block.upper) - low

    @lru_cache(KEPT_VALUES)
    def cell(number: int) -> float:
        part = (natural_log(1.0 + number) - low) / width
        return _settled(weight * (2.0 * min(max(part, 0.0), 1.0) - 1.0))

    def write(claim: Claim, cells: Cells) -> None:
        number = number_of(claim)
        if block.missing == "lower":
            number = max(number, 0)
        if number >= 0:
            cells[offset] = cell(number)

    return write


def _total(claim: Claim) -> int:
    return int(claim.medfee_sumamt * 100)


_NUMBERS: dict[str, Callable[[Claim], int]] = {
    "total": _total,
    "stay_days": stay_days_of,
    "age_days": age_days_of,
}


def _attribute_writer(block: AttributeBlock, offset: int, weight: float) -> Writer:
    settled = _settled(weight * 1.0)
    places = {normalise_code(value): offset + place for place, value in enumerate(block.values)}

    def write(claim: Claim, cells: Cells) -> None:
        value = getattr(claim, block.field)
        place = (places.get(normalise_code(value), MISSING) if places else offset) if value else MISSING
        if place != MISSING:
            cells[place] = settled

    return write


def _text_writer(block: TextBlock, offset: int, weight: float) -> Writer:
    def write(claim: Claim, cells: Cells) -> None:
        if claim.dscr_text:
            for place, size in text_vector(normalise_code(claim.dscr_text), block.buckets, offset):
                cells[place] = _settled(0.0 + weight * size)

    return write


def _settled(value: float) -> float:
    """As ``kernel.settle``, in float64: a number of the grid, which float32 holds exactly."""
    return math.trunc(value * GRID_UNITS) * GRID_STEP
