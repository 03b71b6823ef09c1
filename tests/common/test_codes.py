import pytest

from common.codes import CODE_SYSTEMS, Level
from common.columns import normalise_code

ICD10 = CODE_SYSTEMS["icd10"]


@pytest.mark.parametrize(
    ("code", "chapter"),
    [
        ("A00", 0), ("B99", 0), ("C50.9", 1), ("D48", 1), ("D50", 2), ("E11.900", 3), ("H59", 6), ("H60", 7),
        ("I10.x05", 8), ("J18.9", 9), ("O80.0", 14), ("S72.0", 18), ("T98", 18), ("U07.1", 19), ("V01", 20),
        ("Y98", 20), ("Z51.1", 21),
    ],
)  # fmt: skip
def test_icd10_codes_lie_in_their_chapters(code: str, chapter: int) -> None:
    assert ICD10.chapter(normalise_code(code)) == chapter


@pytest.mark.parametrize(
    ("system", "code", "chapter"),
    [("icd9cm", "0389", 0), ("icd9cm", "25000", 2), ("icd9cm", "V5875", 18), ("icd9cm", "E8889", 17),
     ("icd9cm3", "0066", 0), ("icd9cm3", "3607", 8), ("icd9cm3", "9929", 17), ("sigtap", "0310010039", 2)],
)  # fmt: skip
def test_other_code_books_have_their_own_chapters(system: str, code: str, chapter: int) -> None:
    assert CODE_SYSTEMS[system].chapter(code) == chapter


def test_a_code_before_the_first_chapter_has_none() -> None:
    assert ICD10.chapter("0") is None
    assert ICD10.chapter("") is None


def test_there_are_twenty_two_icd10_chapters() -> None:
    assert ICD10.n_chapters == 22


def test_dotted_and_undotted_spellings_meet() -> None:
    assert normalise_code(" i10.X05 ") == normalise_code("I10x05") == "I10X05"


def test_blocks_and_categories_are_prefixes() -> None:
    assert ICD10.prefix("I10X05", Level.BLOCK) == "I1"
    assert ICD10.prefix("I10X05", Level.CATEGORY) == "I10"
    assert CODE_SYSTEMS["sigtap"].prefix("0310010039", Level.BLOCK) == "0310"
    with pytest.raises(ValueError, match="range"):
        ICD10.prefix("I10", Level.CHAPTER)
