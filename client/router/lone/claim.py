"""A single claim in the terms of the columns of a batch: codes as features compare them, fen, seconds, days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from common.claim import FEE_CATEGORIES, Claim
from common.columns import (
    ATTRIBUTES,
    MISSING,
    CodeColumn,
    age_days_of,
    main_first,
    main_operation_first,
    normalise_code,
    stay_days_of,
)

_CATEGORIES = {category: place for place, category in enumerate(FEE_CATEGORIES)}
_NO_FEES = [0] * len(FEE_CATEGORIES)
_FEN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneClaim:
    """What ``routed_claims`` says of one claim, without arrays.

    Attributes:
        claim: As it was read.
        person_id: Pseudonym of the insured person, below ``2**64``.
        refused_automation: The insured person refused decisions made by a machine alone.
        diagnoses: Normalised, the main one first.
        operations: Likewise.
        attributes: Normalised codes in the order of ``ATTRIBUTES``; None where not given.
        text: The normalised free text; None where not given.
        fees: Fen in each fee category.
        total: Fen. So are ``fund``, ``person`` and ``hospital``, ``MISSING`` where not given.
        fund: What the fund pays.
        person: What the person pays.
        hospital: What the hospital bears.
        stay_days: ``MISSING`` where not given; so is ``age_days``.
        age_days: Of the person.
        admitted: Seconds as in ``RoutedClaims``; so are ``discharged`` and ``settled``.
        discharged: Likewise.
        settled: Likewise.
        referred: Another encounter referred the person here, or this one refers elsewhere.
    """

    claim: Claim
    person_id: int
    refused_automation: bool
    diagnoses: tuple[str, ...]
    operations: tuple[str, ...]
    attributes: tuple[str | None, ...]
    text: str | None
    fees: Sequence[int]
    total: int
    fund: int
    person: int
    hospital: int
    stay_days: int
    age_days: int
    admitted: int
    discharged: int
    settled: int
    referred: bool


PROVIDER = ATTRIBUTES.index("fixmedins_code")
"""Places of codes among the attributes."""

VISIT = ATTRIBUTES.index("med_type")
SEX = ATTRIBUTES.index("gend")
REGION = ATTRIBUTES.index("insu_admdvs")
TCM = ATTRIBUTES.index("tcm_dise_code")


def lone_claim(claim: Claim, person_id: int, *, refused: bool) -> LoneClaim:
    """A claim that comes alone.

    Args:
        claim: As it was read.
        person_id: Pseudonym of the insured person.
        refused: Whether that person refused automated decisions.
    """
    return LoneClaim(
        claim=claim,
        person_id=person_id,
        refused_automation=refused,
        diagnoses=tuple(map(normalise_code, main_first(claim.diseinfo))),
        operations=tuple(map(normalise_code, main_operation_first(claim.oprninfo))),
        attributes=tuple([_code(getattr(claim, name)) for name in ATTRIBUTES]),
        text=_code(claim.dscr_text),
        fees=_fees(claim),
        total=int(claim.medfee_sumamt * _FEN),
        fund=_fen(claim.fund_pay_sumamt),
        person=_fen(claim.psn_part_amt),
        hospital=_fen(claim.hosp_part_amt),
        stay_days=stay_days_of(claim),
        age_days=age_days_of(claim),
        admitted=_seconds(claim.adm_time),
        discharged=_seconds(claim.dscg_time),
        settled=_seconds(claim.setl_time),
        referred=bool(claim.refl_old_mdtrt_id or claim.reflin_medins_no),
    )


def column_of_one(code: str | None) -> CodeColumn:
    """A normalised code as the column of a batch of one."""
    if code is None:
        return CodeColumn(indices=np.array([MISSING], np.int32), values=())
    return CodeColumn(indices=np.array([0], np.int32), values=(code,))


def _code(code: str | None) -> str | None:
    return normalise_code(code) if code else None


def _fees(claim: Claim) -> list[int]:
    fees = _NO_FEES.copy()
    for item in claim.iteminfo:
        fees[_CATEGORIES[item.med_chrgitm_type]] += int(item.amt * _FEN)
    return fees


def _fen(amount: Decimal | None) -> int:
    return MISSING if amount is None else int(amount * _FEN)


def _seconds(time: datetime | None) -> int:
    """As ``client.router.claims`` reads it: the clock of the claim, as if it were UTC."""
    return MISSING if time is None else int(time.replace(tzinfo=UTC, microsecond=0).timestamp())
