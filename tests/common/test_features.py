import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.claim import FEE_CATEGORIES
from common.codes import Level
from common.columns import tabulate
from common.features.default import default_spec
from common.features.kernel import natural_log
from common.features.rows import Featuriser
from common.features.spec import (
    AttributeBlock,
    CodeLevel,
    CodesBlock,
    FeatureSpec,
    FeesBlock,
    NumberBlock,
    TextBlock,
)
from common.grid import GRID_UNITS
from tests.common.claims import random_claims

CLAIMS = random_claims(400, seed=1)
CHAPTER, BLOCK = CodeLevel(level=Level.CHAPTER, share=1), CodeLevel(level=Level.BLOCK, share=1)
FULL = FeatureSpec(
    name="full",
    blocks=(
        CodesBlock(
            share=400,
            diagnosis_system="icd10",
            operation_system="icd9cm3",
            outline_share=300,
            others_share=250,
            outline=(CHAPTER,),
            detail=(BLOCK, CodeLevel(level=Level.CATEGORY, share=1, buckets=32)),
            operation=(CHAPTER, BLOCK),
        ),
        FeesBlock(share=200),
        NumberBlock(field="total", share=100, lower=0, upper=10**8),
        NumberBlock(field="stay_days", share=100, lower=0, upper=90, missing="lower"),
        NumberBlock(field="age_days", share=100, lower=0, upper=36_500),
        AttributeBlock(field="med_type", share=50, values=("11", "21")),
        TextBlock(share=50, buckets=16),
    ),
)


def rows(spec: FeatureSpec = FULL, claims: list = CLAIMS) -> np.ndarray:
    return Featuriser(spec).rows(tabulate(claims))


def one_block(block: object, claims: list = CLAIMS) -> np.ndarray:
    return rows(FeatureSpec.model_validate({"name": "one", "blocks": (block,)}), claims)


@pytest.mark.parametrize("spec", [FULL, default_spec(), default_spec("icd10", "sigtap")], ids=lambda spec: spec.name)
def test_every_row_lies_on_the_grid_and_inside_the_unit_ball(spec: FeatureSpec) -> None:
    units = rows(spec).astype(np.float64) * GRID_UNITS
    assert np.array_equal(units, np.rint(units))
    lengths = (units.astype(np.int64) ** 2).sum(axis=1)
    assert lengths.max() <= GRID_UNITS**2
    assert lengths.max() > 0.6 * GRID_UNITS**2, "the ball should be used"


@pytest.mark.parametrize("spec", [FULL, default_spec()], ids=lambda spec: spec.name)
def test_a_claim_alone_gives_the_same_bits_as_among_others(spec: FeatureSpec) -> None:
    together = rows(spec)
    featuriser = Featuriser(spec)
    alone = np.concatenate([featuriser.rows(tabulate([claim])) for claim in CLAIMS])
    assert alone.tobytes() == together.tobytes()
    backwards = Featuriser(spec).rows(tabulate(CLAIMS[::-1]))
    assert backwards[::-1].tobytes() == together.tobytes()


def test_rows_are_the_same_on_every_machine() -> None:
    found = hashlib.sha256(rows(FULL, random_claims(50, seed=9)).tobytes()).hexdigest()
    assert found == "336914db0ec835c2adefaaa6c02030326e2f31bb57933fdc1367418c7d580547"


def test_fees_are_roots_of_shares_by_hand() -> None:
    claim = CLAIMS[0].model_copy(
        update={
            "iteminfo": tuple(
                CLAIMS[0].iteminfo[0].model_copy(update={"med_chrgitm_type": k, "amt": a})
                for k, a in (("01", 64), ("09", 36))
            )
        }
    )
    row = one_block(FeesBlock(share=1000), [claim])[0]
    assert row[[0, 8]] == pytest.approx([0.8, 0.6], abs=2e-6)
    assert np.count_nonzero(row) == 2
    assert len(row) == len(FEE_CATEGORIES)


@pytest.mark.parametrize(
    ("stay", "expected"), [(0, -1.0), (90, 1.0), (1_000, 1.0), (None, -1.0), (8, 2 * math.log(9) / math.log(91) - 1)]
)
def test_numbers_run_from_minus_one_to_one_on_a_logarithmic_scale(stay: int | None, expected: float) -> None:
    claim = CLAIMS[0].model_copy(update={"act_ipt_days": stay, "adm_time": None, "dscg_time": None})
    block = NumberBlock(field="stay_days", share=1000, lower=0, upper=90, missing="lower")
    assert one_block(block, [claim])[0, 0] == pytest.approx(expected, abs=2e-6)


def test_an_unknown_age_stands_in_the_middle() -> None:
    claim = CLAIMS[0].model_copy(update={"age": None, "nwb_age": None})
    assert one_block(NumberBlock(field="age_days", share=1000, lower=0, upper=36_500), [claim])[0, 0] == 0.0


def codes_block(**changes: object) -> CodesBlock:
    held = {
        "share": 1000, "diagnosis_system": "icd10", "operation_system": "icd9cm3", "outline_share": 360,
        "others_share": 0, "outline": (CHAPTER,), "detail": (BLOCK,), "operation": (CHAPTER,),
    }  # fmt: skip
    return CodesBlock.model_validate(held | changes)


def test_detail_describes_the_diagnosis_only_where_there_is_no_operation() -> None:
    operated = [claim for claim in CLAIMS if claim.oprninfo]
    untouched = [claim for claim in CLAIMS if not claim.oprninfo]
    outline, detail, operation = slice(0, 22), slice(22, 38), slice(38, 56)
    for claims, full, empty in ((operated, operation, detail), (untouched, detail, operation)):
        found = one_block(codes_block(), claims).astype(np.float64)
        assert (found[:, outline] ** 2).sum(axis=1) == pytest.approx(0.36, abs=1e-5)
        assert (found[:, full] ** 2).sum(axis=1) == pytest.approx(0.64, abs=1e-5)
        assert not found[:, empty].any()


def test_other_diagnoses_move_a_row_by_their_share() -> None:
    alone = CLAIMS[0].model_copy(update={"diseinfo": CLAIMS[0].diseinfo[:1], "oprninfo": ()})
    other = alone.diseinfo[0].model_copy(update={"diag_code": "Z99.900", "maindiag_flag": False})
    several = alone.model_copy(update={"diseinfo": (*alone.diseinfo, other)})
    found = one_block(codes_block(others_share=250), [alone, several]).astype(np.float64)
    assert found[1, 21] == pytest.approx(0.25 * 0.6, abs=2e-6)
    main = np.flatnonzero(found[0, :22])
    assert found[1, main] == pytest.approx(0.75 * found[0, main], abs=2e-6)


def test_claims_of_one_category_meet_and_others_differ() -> None:
    base = CLAIMS[0].model_copy(update={"oprninfo": ()})
    spelled = [
        base.model_copy(
            update={"diseinfo": (base.diseinfo[0].model_copy(update={"diag_code": code, "maindiag_flag": True}),)}
        )
        for code in ("I10.x05", "i10X02", "I63.900", "E11.900")
    ]
    same, also_same, sibling, stranger = one_block(codes_block(), spelled).astype(np.float64)
    assert np.array_equal(same, also_same)
    assert 0 < np.linalg.norm(same - sibling) < np.linalg.norm(same - stranger)


def test_unlisted_attribute_values_add_nothing() -> None:
    claims = [CLAIMS[0].model_copy(update={"med_type": value}) for value in ("11", "21", "77", None)]
    found = one_block(AttributeBlock(share=1000, field="med_type", values=("11", "21")), claims)
    assert np.abs(found).round(4).tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


def test_presence_of_an_attribute_is_one_coordinate() -> None:
    claims = [CLAIMS[0].model_copy(update={"tcm_dise_code": value}) for value in ("BNP020", None)]
    assert one_block(AttributeBlock(share=1000, field="tcm_dise_code"), claims).round(4).tolist() == [[1], [0]]


def test_similar_texts_are_nearer_than_different_ones() -> None:
    texts = ("腹腔镜下胆囊切除术", "腹腔镜胆囊切除术", "经皮冠状动脉支架置入术", None)
    claims = [CLAIMS[0].model_copy(update={"dscr_text": text}) for text in texts]
    one, similar, different, none = one_block(TextBlock(share=1000, buckets=64), claims).astype(np.float64)
    assert np.linalg.norm(one - similar) < 0.8 * np.linalg.norm(one - different)
    assert not none.any()


@given(st.floats(1e-6, 1e15))
def test_the_kernels_logarithm_is_that_of_the_library(value: float) -> None:
    assert natural_log(value) == pytest.approx(math.log(value), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"blocks": (FeesBlock(share=600), TextBlock(share=500))}, "per mille"),
        ({"blocks": ()}, "at least 1"),
        ({"name": "Not A Name"}, "pattern"),
        ({"blocks": (AttributeBlock(field="med_type", share=1, values=tuple(map(str, range(256)))),) * 17}, "features"),
    ],
)
def test_a_specification_that_would_leave_the_ball_or_make_no_sense_is_refused(changes: dict, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        FeatureSpec.model_validate({"name": "x", "blocks": FULL.blocks} | changes)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: AttributeBlock(field="psn_name", share=1), "unknown attribute"),
        (lambda: AttributeBlock(field="med_type", share=1, values=("11", "11")), "differ"),
        (lambda: NumberBlock(field="total", share=1, lower=5, upper=5), "below"),
        (lambda: CodeLevel(level=Level.BLOCK, share=1, buckets=10, nonzeros=4), "multiple"),
        (lambda: codes_block(diagnosis_system="icd11"), "unknown code system"),
    ],
)
def test_blocks_refuse_what_they_do_not_know(make: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        make()  # type: ignore[operator]
