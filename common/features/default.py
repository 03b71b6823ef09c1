"""The feature specification a plan has unless it brings its own.

Shares were chosen by ``benchmarks/features.py``: agreement with the CHS-DRG 1.1 tables for the codes, explained
log cost on real inpatient claims and recovered groups on generated ones for the rest. The amount's range is that of
a bill up to the usual cost cap; ages begin at one year, below which the diagnoses tell newborns apart.
"""

from __future__ import annotations

from common.codes import Level
from common.features.spec import AttributeBlock, CodeLevel, CodesBlock, FeatureSpec, FeesBlock, NumberBlock


def default_spec(diagnosis_system: str = "icd10", operation_system: str = "icd9cm3") -> FeatureSpec:
    """Codes, fee structure, amount, stay, age and kind of visit.

    Args:
        diagnosis_system: A name in ``common.codes.CODE_SYSTEMS``.
        operation_system: Likewise.

    Raises:
        pydantic.ValidationError: If a code system is unknown.
    """
    chapter = CodeLevel(level=Level.CHAPTER, share=500)
    block = CodeLevel(level=Level.BLOCK, share=500)
    return FeatureSpec(
        name=f"default-{diagnosis_system}-{operation_system}",
        blocks=(
            CodesBlock(
                share=100,
                diagnosis_system=diagnosis_system,
                operation_system=operation_system,
                outline_share=300,
                others_share=200,
                outline=(chapter,),
                detail=(block,),
                operation=(chapter, block),
            ),
            FeesBlock(share=350),
            NumberBlock(field="total", share=300, lower=2_000, upper=20_000_000),
            NumberBlock(field="stay_days", share=40, lower=0, upper=90, missing="lower"),
            NumberBlock(field="age_days", share=100, lower=365, upper=36_500),
            AttributeBlock(field="tcm_dise_code", share=80),
            AttributeBlock(field="med_type", share=30, values=("11", "14", "21", "41")),
        ),
    )
