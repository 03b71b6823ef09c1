"""The feature specifications that the ablation compares, made of the product's own blocks."""

from __future__ import annotations

from collections.abc import Iterator

from common.codes import Level
from common.features.default import default_spec
from common.features.spec import (
    Block,
    CodeLevel,
    CodesBlock,
    FeatureSpec,
    FeesBlock,
    NumberBlock,
    levels_width,
)

Levels = tuple[CodeLevel, ...]
Variant = tuple[str, FeatureSpec, slice]
"""A name, a specification, and coordinates to blank: what a specification alone cannot say."""

NOTHING = slice(0, 0)
SPLITS = ((550, 100, 100), (350, 250, 150), (200, 300, 250), (150, 200, 400), (50, 400, 300))
"""Other ways to split what codes, fees and the amount have together."""


def code_variants() -> Iterator[Variant]:
    """Code features alone: the default's, and what else they could be."""
    chapter, block, category = _level(Level.CHAPTER), _level(Level.BLOCK), _level(Level.CATEGORY)
    yield "as the default: gated, outline 300", _codes(300, (chapter,), (block,), (chapter, block)), NOTHING
    for share in (150, 500, 700):
        yield f"gated, outline {share}", _codes(share, (chapter,), (block,), (chapter, block)), NOTHING
    yield from _ungated("ungated, chapter and block", (chapter, block))
    yield from _ungated("ungated, chapters only", (chapter,))
    yield from _ungated("ungated, chapter, block and category", (chapter, block, category))
    yield "chapters only", _codes(999, (chapter,), (chapter,), (chapter,)), NOTHING
    yield "gated, operation by chapter only", _codes(300, (chapter,), (block,), (chapter,)), NOTHING
    yield "gated, detail by category", _codes(300, (chapter,), (category,), (chapter, block)), NOTHING
    yield "gated, all by category, too", _codes(300, (chapter,), (block, category), (chapter, block, category)), NOTHING
    for buckets, nonzeros in ((16, 1), (32, 4), (32, 1), (128, 4), (128, 1)):
        hashed = _level(Level.BLOCK, buckets, nonzeros)
        spec = _codes(300, (chapter,), (hashed,), (chapter, hashed))
        yield f"gated, {buckets} buckets, {nonzeros} nonzero", spec, NOTHING


def block_variants(diagnosis_system: str, operation_system: str) -> Iterator[tuple[str, FeatureSpec]]:
    """The default, each block left out, and other shares."""
    default = default_spec(diagnosis_system, operation_system)
    yield "default", default
    for left_out in default.blocks:
        kept = tuple(block for block in default.blocks if block is not left_out)
        yield f"without {_name(left_out)}", FeatureSpec(name="ablation", blocks=kept)
    for codes, fees, total in SPLITS:
        shares = {"codes": codes, "fees": fees, "total": total}
        yield f"codes {codes}, fees {fees}, total {total}", _shares(default, shares)
    yield "ages from 0 days instead of 1 year", _ages_from(default, 0)


def _codes(outline_share: int, outline: Levels, detail: Levels, operation: Levels) -> FeatureSpec:
    block = CodesBlock(
        share=1000,
        diagnosis_system="icd10",
        operation_system="icd9cm3",
        outline_share=outline_share,
        others_share=0,
        outline=outline,
        detail=detail,
        operation=operation,
    )
    return FeatureSpec(name="codes", blocks=(block,))


def _ungated(name: str, levels: Levels) -> Iterator[Variant]:
    """Diagnosis and operation always take half each: the detail, which would fill in, is blanked."""
    start = levels_width(levels, "icd10")
    yield name, _codes(500, levels, (_level(Level.CHAPTER),), levels), slice(start, start + 22)


def _level(level: Level, buckets: int = 16, nonzeros: int = 4) -> CodeLevel:
    return CodeLevel(level=level, share=500, buckets=buckets, nonzeros=nonzeros)


def _name(block: Block) -> str:
    if isinstance(block, CodesBlock | FeesBlock):
        return block.kind
    return getattr(block, "field", block.kind)


def _shares(spec: FeatureSpec, shares: dict[str, int]) -> FeatureSpec:
    blocks = tuple(block.model_copy(update={"share": shares.get(_name(block), block.share)}) for block in spec.blocks)
    return FeatureSpec(name="ablation", blocks=blocks)


def _ages_from(spec: FeatureSpec, days: int) -> FeatureSpec:
    lower = {True: {"lower": days}, False: {}}
    blocks = tuple(
        block.model_copy(update=lower[isinstance(block, NumberBlock) and block.field == "age_days"])
        for block in spec.blocks
    )
    return FeatureSpec(name="ablation", blocks=blocks)
