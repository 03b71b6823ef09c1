"""Random valid claims for tests."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from common.claim import FEE_CATEGORIES, Claim

DIAGNOSES = (
    "I10.x05",
    "E11.900",
    "J18.900",
    "K35.800",
    "O80.000",
    "S72.000",
    "C50.900",
    "Z51.100",
    "U07.100",
    "N18.500",
)
OPERATIONS = ("36.0700", "51.2300", "47.0901", "74.1x00", "81.5100")


def random_claim(rng: np.random.Generator, number: int) -> Claim:
    """A claim with anything that a claim may have or lack."""
    fees = rng.integers(0, 500_000, len(FEE_CATEGORIES)) * (rng.random(len(FEE_CATEGORIES)) < 0.4)
    stay = int(rng.integers(0, 40)) if rng.random() < 0.6 else None
    admitted = datetime(2025, 3, 1) + timedelta(days=int(rng.integers(0, 300)))  # noqa: DTZ001  claims carry local time
    n_diagnoses, n_operations = int(rng.integers(1, 5)), int(rng.integers(0, 3))
    return Claim(
        claim_key=f"claim-{number}",
        psn_key=f"person-{number // 2}",
        setl_time=admitted + timedelta(days=60),
        adm_time=admitted if stay is not None else None,
        dscg_time=None if stay is None else admitted + timedelta(days=stay),
        act_ipt_days=stay if rng.random() < 0.8 else None,
        age=int(rng.integers(0, 100)) if rng.random() < 0.9 else None,
        nwb_age=int(rng.integers(0, 300)) if rng.random() < 0.1 else None,
        gend=str(rng.choice(["1", "2"])),
        med_type=str(rng.choice(["11", "14", "21", "41", "99"])),
        tcm_dise_code="BNP020" if rng.random() < 0.2 else None,
        diseinfo=tuple(
            {"diag_code": str(code), "maindiag_flag": place == 0}
            for place, code in enumerate(rng.choice(DIAGNOSES, n_diagnoses, replace=False))
        ),
        oprninfo=tuple(
            {"oprn_oprt_code": str(code), "main_oprn_flag": place == 0}
            for place, code in enumerate(rng.choice(OPERATIONS, n_operations, replace=False))
        ),
        iteminfo=tuple(
            {"med_chrgitm_type": category, "amt": Decimal(int(fen)) / 100}
            for category, fen in zip(FEE_CATEGORIES, fees, strict=True)
            if fen
        ),
        medfee_sumamt=Decimal(int(fees.sum())) / 100,
        dscr_text="腹腔镜胆囊切除 cholecystectomy" if rng.random() < 0.3 else None,
    )


def random_claims(n: int, seed: int) -> list[Claim]:
    """Some random claims."""
    rng = np.random.default_rng(seed)
    return [random_claim(rng, number) for number in range(n)]
