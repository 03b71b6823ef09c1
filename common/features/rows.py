"""The composer of features: a claim table in, rows on the grid inside the unit ball out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np
import numpy.typing as npt

from common.columns import MISSING, ClaimTable, CodeColumn, normalise_code
from common.features import kernel
from common.features.channels import Channel, CodeChannel, FeeChannel, NumberChannel, code_ids
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
from common.features.vectors import Sparse, Vocabulary, code_vector, text_vector

TILE = 1024
"""Claims that are worked on at once: their rows stay in the second-level cache."""

JUST_INSIDE = 1.0 - 2.0**-40
"""Keeps float64 rounding from lifting a row out of the unit ball."""

Rows = npt.NDArray[np.float32]


class Featuriser:
    """Turns claims into rows under one specification.

    Guarantees:
        * Every row lies on the grid (``common.grid``) and inside the unit ball, in exact arithmetic.
        * A claim's row depends on that claim and the specification alone: not on its neighbours, the batch, or
          which claims came before; a table of one claim gives the same bits as a table of millions.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        """Prepare the blocks of a specification; vectors of codes are made as codes appear."""
        self.spec = spec
        self._vocabularies: dict[str, Vocabulary] = {}

    def rows(self, table: ClaimTable) -> Rows:
        """The rows of some claims, float32 ``(n_claims, n_features)``, C-contiguous."""
        channels = [
            channel
            for block, offset in zip(self.spec.blocks, self.spec.offsets(), strict=True)
            for channel in self._channels(block, offset, table)
        ]
        rows = np.empty((len(table), self.spec.n_features), np.float32)
        for start in range(0, len(table), TILE):
            part = slice(start, start + TILE)
            rows[part] = 0.0
            for channel in channels:
                channel.write_to(rows[part], part)
        return rows

    def _channels(self, block: Block, offset: int, table: ClaimTable) -> list[Channel]:
        weight = sqrt(block.share / PER_MILLE) * JUST_INSIDE
        match block:
            case CodesBlock():
                return self._code_channels(block, offset, table, weight)
            case FeesBlock():
                return [FeeChannel(fees=table.fees, offset=offset, weight=weight)]
            case NumberBlock():
                return [_number_channel(block, offset, table, weight)]
            case AttributeBlock():
                column = table.attributes.get(block.field)
                return self._plain_channel(f"attribute {offset}", column, _attribute_vectors(block, offset), weight)
            case TextBlock():
                buckets = block.buckets
                return self._plain_channel(
                    f"text {offset}", table.text, lambda text: text_vector(text, buckets, offset), weight
                )

    def _code_channels(self, block: CodesBlock, offset: int, table: ClaimTable, weight: float) -> list[Channel]:
        """Three channels: the outline always, then the operation or else the diagnosis in detail."""
        detail_at = offset + levels_width(block.outline, block.diagnosis_system)
        operation_at = detail_at + levels_width(block.detail, block.diagnosis_system)
        outline_weight = weight * sqrt(block.outline_share / PER_MILLE)
        rest_weight = weight * sqrt(1 - block.outline_share / PER_MILLE)
        operated = _any_given(table.operations, len(table))
        plan = (
            (table.diagnoses, block.diagnosis_system, block.outline, offset, kernel.ALWAYS, outline_weight),
            (table.diagnoses, block.diagnosis_system, block.detail, detail_at, kernel.IF_NOT_OPERATED, rest_weight),
            (table.operations, block.operation_system, block.operation, operation_at, kernel.IF_OPERATED, rest_weight),
        )
        channels: list[Channel] = []
        for columns, system, levels, start, condition, channel_weight in plan:
            vocabulary = self._vocabulary(f"codes {start}", partial(code_vector, system, levels, start), columns)
            channels.append(
                CodeChannel(
                    ids=code_ids(columns, vocabulary, len(table)),
                    operated=operated,
                    condition=condition,
                    vectors=vocabulary.packed(),
                    weight=channel_weight,
                    others_share=block.others_share / PER_MILLE,
                )
            )
        return channels

    def _plain_channel(
        self, name: str, column: CodeColumn | None, vector_of: Callable[[str], Sparse], weight: float
    ) -> list[Channel]:
        if column is None:
            return []
        vocabulary = self._vocabulary(name, vector_of, (column,))
        n_claims = len(column.indices)
        return [
            CodeChannel(
                ids=code_ids((column,), vocabulary, n_claims),
                operated=np.zeros(n_claims, np.bool_),
                condition=kernel.ALWAYS,
                vectors=vocabulary.packed(),
                weight=weight,
                others_share=0.0,
            )
        ]

    def _vocabulary(self, name: str, vector_of: Callable[[str], Sparse], columns: tuple[CodeColumn, ...]) -> Vocabulary:
        known = self._vocabularies.get(name)
        if known is None or known.is_full(sum(len(column.values) for column in columns)):
            known = self._vocabularies[name] = Vocabulary(vector_of)
        return known


def _number_channel(block: NumberBlock, offset: int, table: ClaimTable, weight: float) -> NumberChannel:
    numbers = np.asarray(getattr(table, block.field), np.int64)
    if block.missing == "lower":
        numbers = np.maximum(numbers, 0)
    return NumberChannel(numbers=numbers, offset=offset, weight=weight, lower=block.lower, upper=block.upper)


def _attribute_vectors(block: AttributeBlock, offset: int) -> Callable[[str], Sparse]:
    """One-hot over the listed values (compared as normalised codes); with none listed, presence."""
    if not block.values:
        return lambda _: [(offset, 1.0)]
    places = {normalise_code(value): offset + place for place, value in enumerate(block.values)}
    return lambda value: [(places[value], 1.0)] if value in places else []


def _any_given(columns: tuple[CodeColumn, ...], n_claims: int) -> npt.NDArray[np.bool_]:
    given = np.zeros(n_claims, np.bool_)
    for column in columns:
        given |= column.indices != MISSING
    return given
