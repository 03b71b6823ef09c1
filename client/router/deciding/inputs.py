"""What a decision is made from besides the row, as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from common.columns import MISSING, CodeColumn

DRAWS = 1_000_000
"""A claim's draw for spot checks is below this."""

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Of ``n`` claims.

    Attributes:
        total: int64 ``(n,)``, fen.
        stay_days: int64 ``(n,)``, ``MISSING`` where not given.
        fees: int64 ``(n, 14)``, fen.
        diagnoses: Main diagnosis.
        operations: Main operation.
        refused: bool ``(n,)``, whether the insured person refused automated decisions.
        draws: int64 ``(n,)``, for spot checks.
    """

    total: Integers
    stay_days: Integers
    fees: npt.NDArray[np.int64]
    diagnoses: CodeColumn
    operations: CodeColumn
    refused: Flags
    draws: Integers

    def select(self, rows: npt.NDArray[np.intp]) -> Columns:
        """Some of the claims, in the order given."""
        return Columns(
            total=self.total[rows],
            stay_days=self.stay_days[rows],
            fees=self.fees[rows],
            diagnoses=self.diagnoses.select(rows),
            operations=self.operations.select(rows),
            refused=self.refused[rows],
            draws=self.draws[rows],
        )


def columns_of(claims: RoutedClaims, lot: bytes) -> Columns:
    """The columns of some claims.

    Args:
        claims: At least one.
        lot: The bureau's secret for spot checks: nobody outside can tell which claims will be looked at.
    """
    table = claims.table
    return Columns(
        total=table.total,
        stay_days=table.stay_days.astype(np.int64),
        fees=table.fees,
        diagnoses=table.diagnoses[0],
        operations=table.operations[0] if table.operations else no_codes(len(table)),
        refused=claims.refused_automation,
        draws=draws_of(claims.claim_keys, lot),
    )


def no_codes(n: int) -> CodeColumn:
    """A column in which no claim has a code."""
    return CodeColumn(indices=np.full(n, MISSING, np.int32), values=())


def draws_of(claim_keys: Sequence[str], lot: bytes) -> Integers:
    """One draw a claim, from its key: asked again, the same."""
    start = hashlib.sha256(lot).digest()
    drawn = b"".join([hashlib.sha256(start + key.encode()).digest()[:8] for key in claim_keys])
    return (np.frombuffer(drawn, "<u8") % DRAWS).astype(np.int64)


def shares_of_providers(claims: RoutedClaims, nearest: Integers, shares: Mapping[tuple[int, str], int]) -> Integers:
    """Of each claim's cluster the share of its provider, per mille, int64 ``(n,)``; 0 where no card names it."""
    found = np.zeros(len(claims), np.int64)
    providers = claims.table.attributes.get("fixmedins_code")
    if providers is None or not shares:
        return found
    numbers = {value: place for place, value in enumerate(providers.values)}
    for (cluster, provider), share in shares.items():
        if provider in numbers:
            found[(nearest == cluster) & (providers.indices == numbers[provider])] = share
    return found
