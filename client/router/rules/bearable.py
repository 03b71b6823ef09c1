"""Which diagnoses a person of a sex and an age can have: a table over ICD-10 categories.

Ranges are inclusive, ages in completed years. What is left out conflicts with nothing: C50 and N60-N64 (breast), which
both sexes have, and P95 (fetal death), which stands on the mother's bill as often as on no bill at all.

References:
    WHO, "ICD-10", volume 1, chapters II, XIV, XV, XVI, XVII; CMS, "Definitions of Medicare Code Edits": sex conflict,
    and age conflict (newborn 0, maternity 9 to 64 years). A year is added to the newborn's here, and to the mother's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from common.claim import MAX_AGE_YEARS

MALE, FEMALE = "1", "2"
"""``gend`` of the settlement list; 0 and 9 are unknown."""

_CATEGORY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who can have a range of diagnoses.

    Attributes:
        first: First category of the range; ``last`` the last one.
        last: Likewise.
        sex: ``MALE`` or ``FEMALE``, None for both.
        youngest: Completed years; ``oldest`` likewise.
        oldest: Likewise.
    """

    first: str
    last: str
    sex: str | None = None
    youngest: int = 0
    oldest: int = MAX_AGE_YEARS


BEARERS: tuple[Bearer, ...] = (
    # female organs: neoplasms, inflammation and other disorders
    Bearer(first="C51", last="C58", sex=FEMALE),
    Bearer(first="D06", last="D06", sex=FEMALE),
    Bearer(first="D25", last="D28", sex=FEMALE),
    Bearer(first="D39", last="D39", sex=FEMALE),
    Bearer(first="E28", last="E28", sex=FEMALE),
    Bearer(first="N70", last="N77", sex=FEMALE),
    Bearer(first="N80", last="N98", sex=FEMALE),
    Bearer(first="Q50", last="Q52", sex=FEMALE),
    # pregnancy, childbirth and the puerperium; supervision and outcome on the mother's bill
    Bearer(first="O00", last="O99", sex=FEMALE, youngest=9, oldest=65),
    Bearer(first="Z33", last="Z37", sex=FEMALE, youngest=9, oldest=65),
    Bearer(first="Z39", last="Z39", sex=FEMALE, youngest=9, oldest=65),
    Bearer(first="F53", last="F53", sex=FEMALE, youngest=9, oldest=65),
    # male organs
    Bearer(first="C60", last="C63", sex=MALE),
    Bearer(first="D29", last="D29", sex=MALE),
    Bearer(first="D40", last="D40", sex=MALE),
    Bearer(first="E29", last="E29", sex=MALE),
    Bearer(first="N40", last="N51", sex=MALE),
    Bearer(first="Q53", last="Q55", sex=MALE),
    # conditions of the newborn, and a live birth on the child's own bill
    Bearer(first="P00", last="P94", oldest=1),
    Bearer(first="P96", last="P96", oldest=1),
    Bearer(first="Z38", last="Z38", oldest=1),
    # disorders that begin with age
    Bearer(first="H25", last="H25", youngest=15),
)
"""All ranges; no two overlap."""


@lru_cache(maxsize=65_536)
def bearer_of(code: str) -> Bearer | None:
    """Who can have a diagnosis (a normalised ICD-10 code), None if anybody can."""
    category = code[:_CATEGORY]
    found = (bearer for bearer in BEARERS if bearer.first <= category <= bearer.last)
    return next(found, None) if len(category) == _CATEGORY else None
