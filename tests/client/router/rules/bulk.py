"""Many drawn claims as columns, for laws over whole batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from client.router.claims import SECONDS_A_DAY, RoutedClaims
from common.columns import DAYS_A_YEAR, ClaimTable, CodeColumn

DIAGNOSES = ("I10X05", "O800", "N40", "P070", "C61", "J189", "Z380")
FIRST_DAY = 19_700


def bulk(n_claims: int, seed: int = 0, persons: int | None = None) -> RoutedClaims:
    """Claims of a few persons, institutions, diagnoses and days: many of them meet, and some repeat others."""
    drawn = np.random.default_rng(seed)
    claims = _drawn(drawn, n_claims, seed, persons or n_claims)
    again = np.arange(n_claims)
    again[: n_claims // 10] = drawn.integers(0, n_claims, n_claims // 10)
    repeated = claims.select(again)
    moved = drawn.integers(0, 2, n_claims) * SECONDS_A_DAY
    return replace(
        repeated,
        claim_keys=claims.claim_keys,
        admitted=repeated.admitted + moved,
        discharged=repeated.discharged + moved,
    )


def _drawn(drawn: np.random.Generator, n_claims: int, seed: int, persons: int) -> RoutedClaims:
    day = FIRST_DAY + drawn.integers(0, 300, n_claims)
    stay = drawn.integers(0, 12, n_claims)
    fees = (
        drawn.integers(0, 4, (n_claims, 14)) ** 3
        * (drawn.random((n_claims, 14)) < 0.4)
        * drawn.integers(1_000, 90_000, (n_claims, 1))
    )
    total = fees.sum(axis=1)
    return RoutedClaims(
        table=ClaimTable(
            diagnoses=(_codes(drawn, DIAGNOSES, n_claims), _codes(drawn, DIAGNOSES[:2], n_claims)),
            operations=(_codes(drawn, ("4701", "8154"), n_claims),),
            attributes={
                "gend": _codes(drawn, ("1", "2", "9"), n_claims),
                "med_type": _codes(drawn, ("11", "21"), n_claims),
                "fixmedins_code": _codes(drawn, ("H1", "H2", "H3"), n_claims),
                "tcm_dise_code": _codes(drawn, ("BNP010",), n_claims),
            },
            fees=fees,
            total=total,
            stay_days=stay.astype(np.int32),
            age_days=drawn.integers(-1, 90 * DAYS_A_YEAR, n_claims).astype(np.int32),
            person_id=drawn.integers(0, persons, n_claims).astype(np.uint64),
        ),
        claim_keys=tuple(f"claim {seed} {number}" for number in range(n_claims)),
        admitted=day * SECONDS_A_DAY,
        discharged=(day + stay) * SECONDS_A_DAY,
        settled=(day + stay) * SECONDS_A_DAY,
        fund_fen=total,
        person_fen=np.zeros(n_claims, np.int64),
        hospital_fen=np.zeros(n_claims, np.int64),
        referred=drawn.random(n_claims) < 0.1,
        refused_automation=np.zeros(n_claims, np.bool_),
    )


def _codes(drawn: np.random.Generator, values: tuple[str, ...], n_claims: int) -> CodeColumn:
    return CodeColumn(indices=drawn.integers(-1, len(values), n_claims).astype(np.int32), values=values)
