"""The single-claim path gives the bits of the batch path."""

import numpy as np
import pytest

from client.router.deciding.lone_row import LoneRow
from common.claim import Claim
from common.columns import tabulate
from common.features.default import default_spec
from common.features.rows import Featuriser
from common.features.spec import AttributeBlock, FeatureSpec, FeesBlock, NumberBlock, TextBlock
from tests.common.claims import random_claim, random_claims

CODES, *_ = default_spec().blocks
WITH_TEXT = FeatureSpec(
    name="with-text",
    blocks=(
        CODES.model_copy(update={"share": 300, "others_share": 350}),
        FeesBlock(share=200),
        TextBlock(share=200),
        NumberBlock(share=100, field="stay_days", lower=1, upper=60),
        NumberBlock(share=100, field="age_days", lower=0, upper=40_000, missing="lower"),
        AttributeBlock(share=50, field="gend", values=("1", "2")),
        AttributeBlock(share=50, field="dscg_way"),
    ),
)


def bits(rows: np.ndarray) -> np.ndarray:
    return rows.view(np.uint32)


@pytest.mark.parametrize(("spec", "seed"), [(default_spec(), 1), (WITH_TEXT, 2)])
def test_the_rows_of_20_000_random_claims_have_the_same_bits(spec: FeatureSpec, seed: int) -> None:
    claims, lone = random_claims(20_000, seed), LoneRow(spec)
    rows = Featuriser(spec).rows(tabulate(claims))
    assert (bits(np.concatenate([lone.row(claim) for claim in claims])) == bits(rows)).all()


def test_rows_of_odd_claims_have_the_same_bits() -> None:
    rng = np.random.default_rng(3)
    plain = random_claim(rng, 1).model_dump()
    plain |= {"iteminfo": (), "adm_time": None, "dscg_time": None, "oprninfo": ()}
    odd = [
        {"medfee_sumamt": "0"},
        {"medfee_sumamt": "-12.34", "refd_setl_flag": True},
        {"medfee_sumamt": "999999999999.99"},
        {"diseinfo": ({"diag_code": "."},)},
        {"diseinfo": ({"diag_code": "zzz9"}, {"diag_code": "A00", "maindiag_flag": True}, {"diag_code": "zzz9"})},
        {"oprninfo": ({"oprn_oprt_code": "0"}, {"oprn_oprt_code": "0", "main_oprn_flag": True})},
        {"act_ipt_days": 3660, "age": 130, "nwb_age": None},
        {"act_ipt_days": None, "age": None, "nwb_age": None, "tcm_dise_code": "x"},
        {
            "iteminfo": (
                {"med_chrgitm_type": "01", "amt": "-5"},
                {"med_chrgitm_type": "02", "amt": "7"},
                {"med_chrgitm_type": "02", "amt": "8"},
            ),
            "medfee_sumamt": "10",
        },
        {"dscr_text": " 。", "dscg_way": "1"},
    ]
    for spec in (default_spec(), WITH_TEXT):
        for change in odd:
            claim = Claim.model_validate(plain | change)
            assert (bits(LoneRow(spec).row(claim)) == bits(Featuriser(spec).rows(tabulate([claim])))).all(), change


def test_a_row_does_not_depend_on_the_claims_before_it() -> None:
    claims = random_claims(200, 4)
    used = LoneRow(default_spec())
    for claim in claims:
        used.row(claim)
    for claim in claims:
        assert (bits(used.row(claim)) == bits(LoneRow(default_spec()).row(claim))).all()
