"""Code systems: how a diagnosis or procedure code divides into chapter, block and category.

Everything here is public knowledge about the code books themselves; nothing is learned from claims.

References:
    WHO, "ICD-10", volume 1, list of chapters; CMS, "ICD-9-CM", volumes 1 and 3, tables of contents;
    Ministry of Health of Brazil, "SIGTAP", structure of the ten-digit code (group, subgroup, form).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum

_ICD10_STARTS = (
    "A00", "C00", "D50", "E00", "F00", "G00", "H00", "H60", "I00", "J00", "K00", "L00",
    "M00", "N00", "O00", "P00", "Q00", "R00", "S00", "U00", "V00", "Z00",
)  # fmt: skip
_ICD9_STARTS = (
    "001", "140", "240", "280", "290", "320", "390", "460", "520", "580", "630", "680",
    "710", "740", "760", "780", "800", "E00", "V01",
)  # fmt: skip
_ICD9_PROCEDURE_STARTS = (
    "00", "01", "06", "08", "17", "18", "21", "30", "35", "40", "42", "55", "60", "65", "72", "76", "85", "87",
)  # fmt: skip
_SIGTAP_STARTS = ("01", "02", "03", "04", "05", "06", "07", "08")


class Level(StrEnum):
    """How far down the tree of a code system a feature looks."""

    CHAPTER = "chapter"
    BLOCK = "block"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSystem:
    """A code book.

    Attributes:
        name: What mappings and plans call it.
        chapter_starts: First code of every chapter, ascending.
        block_length: Characters that name a block.
        category_length: Characters that name a category.
    """

    name: str
    chapter_starts: tuple[str, ...]
    block_length: int
    category_length: int

    @property
    def n_chapters(self) -> int:
        """How many chapters the book has."""
        return len(self.chapter_starts)

    def chapter(self, code: str) -> int | None:
        """The chapter (from 0) that a normalised code lies in, or None before the first chapter."""
        place = bisect_right(self.chapter_starts, code[: len(self.chapter_starts[0])]) - 1
        return place if place >= 0 and code else None

    def prefix(self, code: str, level: Level) -> str:
        """The part of a normalised code that names its block or category.

        Raises:
            ValueError: For ``Level.CHAPTER``, which is a range and has no prefix.
        """
        if level is Level.CHAPTER:
            msg = "a chapter is a range of codes, not a prefix"
            raise ValueError(msg)
        return code[: self.block_length if level is Level.BLOCK else self.category_length]


CODE_SYSTEMS: dict[str, CodeSystem] = {
    system.name: system
    for system in (
        CodeSystem(name="icd10", chapter_starts=_ICD10_STARTS, block_length=2, category_length=3),
        CodeSystem(name="icd9cm", chapter_starts=_ICD9_STARTS, block_length=2, category_length=3),
        CodeSystem(name="icd9cm3", chapter_starts=_ICD9_PROCEDURE_STARTS, block_length=2, category_length=4),
        CodeSystem(name="sigtap", chapter_starts=_SIGTAP_STARTS, block_length=4, category_length=6),
    )
}
