"""How past claims were decided: what is counted by cluster, and from which words of a claim's ``outcome``."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from common.columns import MISSING, ClaimTable, normalise_code


class ClaimOutcome(IntEnum):
    """A claim's place in the counts; claims that nobody has decided yet are not counted."""

    UNDECIDED = -1
    APPROVED = 0
    REDUCED = 1
    DENIED = 2
    FRAUD = 3


DECIDED = tuple(outcome for outcome in ClaimOutcome if outcome is not ClaimOutcome.UNDECIDED)
NO_PROVIDER = 0

_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3

Codes = npt.NDArray[np.int8]
ProviderIds = npt.NDArray[np.uint64]


def outcomes_of(table: ClaimTable) -> Codes:
    """The outcome of each claim, int8 ``(n,)``; words other than those of ``ClaimOutcome`` count as undecided."""
    names = {normalise_code(outcome.name): int(outcome) for outcome in DECIDED}
    undecided = int(ClaimOutcome.UNDECIDED)
    found = [names.get(value, undecided) for value in _values(table, "outcome")]
    return np.array([*found, undecided], np.int8)[_indices(table, "outcome")]


def providers_of(table: ClaimTable) -> ProviderIds:
    """A number for each claim's provider, uint64 ``(n,)``: equal for equal codes, in every batch; it never leaves.

    References:
        Fowler, Noll and Vo, FNV-1a, 64 bits.
    """
    found = [_fnv(value) for value in _values(table, "fixmedins_code")]
    return np.array([*found, NO_PROVIDER], np.uint64)[_indices(table, "fixmedins_code")]


def _values(table: ClaimTable, field: str) -> tuple[str, ...]:
    column = table.attributes.get(field)
    return () if column is None else column.values


def _indices(table: ClaimTable, field: str) -> npt.NDArray[np.int32]:
    """Places in the values; ``MISSING`` is the last place, which is the missing one's."""
    column = table.attributes.get(field)
    return np.full(len(table), MISSING, np.int32) if column is None else column.indices


def _fnv(text: str) -> int:
    found = _FNV_OFFSET
    for byte in text.encode():
        found = (found ^ byte) * _FNV_PRIME % 2**64
    return found or 1
