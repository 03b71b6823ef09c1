"""What the router is asked about: claims as columns, with the dates, the payers and the wishes a decision needs.

A single claim is a batch of one. What a bureau may know besides claims stands in ``client.router.registers``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from common.claim import Claim
from common.columns import MISSING, ClaimTable, tabulate

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedClaims:
    """``n`` validated claims and what a decision needs besides their features. Every array has ``n`` rows.

    Attributes:
        table: The claims; features come from it.
        claim_keys: As the source names them; they stay in the bureau.
        admitted: int64 ``(n,)``, seconds since 1970 of the time on the claim's own clock, read as UTC; ``MISSING``
            where not given. So are ``discharged`` and ``settled``.
        discharged: Likewise.
        settled: Likewise.
        fund_fen: int64 ``(n,)``, what the fund pays; ``MISSING`` where not given. So are the person's and the
            hospital's part.
        person_fen: Likewise.
        hospital_fen: Likewise.
        referred: bool ``(n,)``; another encounter referred the person here, or this one refers elsewhere.
        refused_automation: bool ``(n,)``; the insured person refused decisions made by a machine alone.
    """

    table: ClaimTable
    claim_keys: tuple[str, ...]
    admitted: Integers
    discharged: Integers
    settled: Integers
    fund_fen: Integers
    person_fen: Integers
    hospital_fen: Integers
    referred: Flags
    refused_automation: Flags

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {len(self.table), len(self.claim_keys), *(len(getattr(self, name)) for name in COLUMNS)}
        if len(lengths) != 1:
            msg = "the columns of routed claims differ in length"
            raise ValueError(msg)

    def __len__(self) -> int:
        return len(self.claim_keys)

    @property
    def n(self) -> int:
        """How many claims there are."""
        return len(self.claim_keys)

    def select(self, rows: npt.NDArray[np.intp]) -> RoutedClaims:
        """Some of the claims, in the order given."""
        return RoutedClaims(
            table=self.table.select(rows),
            claim_keys=tuple(self.claim_keys[row] for row in rows.tolist()),
            **{name: getattr(self, name)[rows] for name in COLUMNS},
        )


COLUMNS: tuple[str, ...] = (
    "admitted", "discharged", "settled", "fund_fen", "person_fen", "hospital_fen", "referred", "refused_automation",
)  # fmt: skip
"""The arrays of ``RoutedClaims``."""


def routed_claims(
    claims: Sequence[Claim], person_ids: Sequence[int] | None = None, refused: Collection[str] = ()
) -> RoutedClaims:
    """The columns of some claims; the way a single claim takes.

    Args:
        claims: At least one.
        person_ids: Pseudonyms of the insured persons; zeros if None, and then nothing is known of their earlier claims.
        refused: Person keys (``psn_key``) of those who refused automated decisions.
    """
    return RoutedClaims(
        table=tabulate(claims, person_ids),
        claim_keys=tuple(claim.claim_key for claim in claims),
        admitted=_seconds([claim.adm_time for claim in claims]),
        discharged=_seconds([claim.dscg_time for claim in claims]),
        settled=_seconds([claim.setl_time for claim in claims]),
        fund_fen=_fen([claim.fund_pay_sumamt for claim in claims]),
        person_fen=_fen([claim.psn_part_amt for claim in claims]),
        hospital_fen=_fen([claim.hosp_part_amt for claim in claims]),
        referred=np.array([bool(claim.refl_old_mdtrt_id or claim.reflin_medins_no) for claim in claims], np.bool_),
        refused_automation=np.array([claim.psn_key in refused for claim in claims], np.bool_),
    )


def _seconds(times: Sequence[datetime | None]) -> Integers:
    """Seconds of the wall clock on the claim: its days are the days the hospital wrote down."""
    return np.array([MISSING if time is None else _wall_clock(time) for time in times], np.int64)


def _wall_clock(time: datetime) -> int:
    return int(time.replace(tzinfo=UTC, microsecond=0).timestamp())


def _fen(amounts: Sequence[Decimal | None]) -> Integers:
    return np.array([MISSING if amount is None else int(amount * 100) for amount in amounts], np.int64)
