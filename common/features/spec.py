"""The feature specification: a public list of stateless blocks, part of every plan.

A row is the blocks one after another. Each block is a vector no longer than 1, scaled by the square root of its
share; shares are per mille of the squared length and add up to at most 1000, so every row lies in the unit ball
by construction. That bound *is* the sensitivity. Nothing here is ever fitted on data.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from common.claim import FEE_CATEGORIES
from common.codes import CODE_SYSTEMS, Level
from common.columns import ATTRIBUTES

PER_MILLE = 1000
MAX_FEATURES = 4096

Share = Annotated[int, Field(ge=1, le=PER_MILLE)]
Buckets = Annotated[int, Field(ge=1, le=1024)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CodeLevel(_Part):
    """One level of a code tree: chapters one-hot, deeper levels as a signed hash of the prefix.

    Attributes:
        level: Chapter, block or category of the code system.
        share: Weight within its list of levels, relative to the others.
        buckets: Coordinates of the hash; chapters take one each and need none.
        nonzeros: How many coordinates one prefix touches; more make collisions milder (sparse
            Johnson-Lindenstrauss; Kane and Nelson, "Sparser Johnson-Lindenstrauss Transforms", SODA 2012).
    """

    level: Annotated[Level, Field(strict=False)]
    share: Share
    buckets: Buckets = 16
    nonzeros: Annotated[int, Field(ge=1, le=16)] = 4

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.buckets % self.nonzeros:
            msg = "buckets must be a multiple of nonzeros"
            raise ValueError(msg)
        return self


Levels = Annotated[tuple[CodeLevel, ...], Field(min_length=1, max_length=3, strict=False)]


class CodesBlock(_Part):
    """Diagnosis and operation, in the order a grouper asks: organ system first, then what was done.

    The outline of the diagnosis always counts. The rest of the block's share describes the operation where there
    is one and the diagnosis in more detail where there is none, as a diagnosis-related grouping splits a chapter
    into operated and not operated claims. ``benchmarks/features.py`` measures what this gains.

    Attributes:
        outline_share: Per mille of the block for the diagnosis outline.
        others_share: Per mille of a vector's length for the mean of the other diagnoses (or operations).
    """

    kind: Literal["codes"] = "codes"
    share: Share
    diagnosis_system: str
    operation_system: str
    outline_share: Annotated[int, Field(ge=1, le=PER_MILLE - 1)]
    others_share: Annotated[int, Field(ge=0, le=500)]
    outline: Levels
    detail: Levels
    operation: Levels

    @model_validator(mode="after")
    def _knows_its_systems(self) -> Self:
        for name in (self.diagnosis_system, self.operation_system):
            if name not in CODE_SYSTEMS:
                msg = f"unknown code system {name!r}; known: {', '.join(CODE_SYSTEMS)}"
                raise ValueError(msg)
        return self


class FeesBlock(_Part):
    """Square roots of the shares of the fourteen fee categories: the Hellinger geometry of the fee structure."""

    kind: Literal["fees"] = "fees"
    share: Share


class NumberBlock(_Part):
    """One number on a logarithmic scale, from -1 at ``lower`` to 1 at ``upper``, clipped.

    Attributes:
        lower: Fen or days; a public constant.
        upper: Fen or days; a public constant.
        missing: Where a claim without the number stands: at the lower end (no stay is a stay of no days) or in the
            middle (an unknown age).
    """

    kind: Literal["number"] = "number"
    share: Share
    field: Literal["total", "stay_days", "age_days"]
    lower: Annotated[int, Field(ge=0)]
    upper: Annotated[int, Field(ge=1, le=10**12)]
    missing: Literal["lower", "middle"] = "middle"

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.lower >= self.upper:
            msg = "lower must be below upper"
            raise ValueError(msg)
        return self


class AttributeBlock(_Part):
    """A one-hot of listed values of one attribute; with no values listed, whether it is given at all."""

    kind: Literal["attribute"] = "attribute"
    share: Share
    field: str
    values: Annotated[tuple[str, ...], Field(max_length=256, strict=False)] = ()

    @model_validator(mode="after")
    def _knows_its_field(self) -> Self:
        if self.field not in ATTRIBUTES:
            msg = f"unknown attribute {self.field!r}; known: {', '.join(ATTRIBUTES)}"
            raise ValueError(msg)
        if len(set(self.values)) != len(self.values):
            msg = "an attribute's values must differ"
            raise ValueError(msg)
        return self


class TextBlock(_Part):
    """Signed hash of the character 2- and 3-grams of the free text. Off unless a plan lists it."""

    kind: Literal["text"] = "text"
    share: Share
    buckets: Buckets = 32


Block = Annotated[CodesBlock | FeesBlock | NumberBlock | AttributeBlock | TextBlock, Field(discriminator="kind")]
NamedText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]


class FeatureSpec(_Part):
    """The blocks of a row, in order.

    Guarantees:
        * The blocks' shares add up to at most 1000 per mille, so no row is longer than 1.
        * It is a value: equal specifications give equal rows on every machine.
    """

    name: NamedText
    blocks: Annotated[tuple[Block, ...], Field(min_length=1, max_length=64, strict=False)]

    @model_validator(mode="after")
    def _stays_in_the_unit_ball(self) -> Self:
        if sum(block.share for block in self.blocks) > PER_MILLE:
            msg = f"the shares of all blocks may add up to at most {PER_MILLE} per mille"
            raise ValueError(msg)
        if self.n_features > MAX_FEATURES:
            msg = f"at most {MAX_FEATURES} features"
            raise ValueError(msg)
        return self

    @property
    def n_features(self) -> int:
        """Length of a row."""
        return sum(width(block) for block in self.blocks)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its one spelling (JSON, sorted keys, no blanks), hexadecimal."""
        held = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(held.encode()).hexdigest()

    def offsets(self) -> tuple[int, ...]:
        """First coordinate of each block."""
        starts = [0]
        for block in self.blocks[:-1]:
            starts.append(starts[-1] + width(block))
        return tuple(starts)


def width(block: CodesBlock | FeesBlock | NumberBlock | AttributeBlock | TextBlock) -> int:
    """How many coordinates a block takes."""
    match block:
        case CodesBlock():
            return (
                levels_width(block.outline, block.diagnosis_system)
                + levels_width(block.detail, block.diagnosis_system)
                + levels_width(block.operation, block.operation_system)
            )
        case FeesBlock():
            return len(FEE_CATEGORIES)
        case AttributeBlock():
            return max(1, len(block.values))
        case TextBlock():
            return block.buckets
        case NumberBlock():
            return 1


def levels_width(levels: tuple[CodeLevel, ...], system: str) -> int:
    """How many coordinates a list of levels takes under a code system."""
    chapters = CODE_SYSTEMS[system].n_chapters
    return sum(chapters if level.level is Level.CHAPTER else level.buckets for level in levels)
