"""Claims that were paid before: the same one again, and one that is nearly the same."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Limit

from client.router.rules.event import Events, Field, first_days, last_days, one_of
from client.router.rules.finding import RuleText, Severity
from client.router.rules.history import NEAR_DAYS
from client.router.rules.rule import INPATIENT, NO_HITS, Hits, Kinds, Rule, Seen, hits_of_pairs, is_stay

Mask = npt.NDArray[np.bool_]
Days = Annotated[int, Limit(ge=0, le=NEAR_DAYS)]

_PER_MILLE = 1000
_FEN = 100


class DuplicateClaim(Rule):
    """The same claim key twice, or two claims that agree in person, institution, dates, main diagnosis and total."""

    text: ClassVar[RuleText] = RuleText(
        rule_id="R01",
        severity=Severity.HIGH,
        name="重复结算",
        english_name="duplicate claim",
        content="与另一笔结算单号相同，或与另一笔的参保人、定点医疗机构、日期、主要诊断和总费用都相同",
        english_content="has the claim key of another claim, or agrees with another one in insured person, "
        "institution, dates, main diagnosis and total amount",
        behaviour="重复收费",
        english_behaviour="billed twice",
    )

    kind: Literal["duplicate_claim"] = "duplicate_claim"
    hard: bool = True

    def find(self, seen: Seen) -> Hits:
        """Both claims of a pair, if both are in the batch."""
        if not len(seen.others.rows):
            return NO_HITS
        own, other = seen.events[seen.others.rows], seen.others.events
        charged = (own[:, Field.TOTAL] > 0) & (other[:, Field.TOTAL] > 0)
        return hits_of_pairs(seen, charged & (_equal(own, other, Field.CLAIM) | same_care(own, other)))


class NearDuplicateClaim(Rule):
    """Nearly the same claim: person, institution and diagnosis category agree, dates and total almost.

    A stay is looked for over a longer time than a visit: admitted again for the same diagnosis and operation at the
    same price within 15 days is what supervision of split and repeated stays asks about. Courses that repeat by
    nature (dialysis, chemotherapy, radiotherapy) are left out of that.

    Attributes:
        within_days: Largest distance between the days on which care began.
        stay_within_days: The same for two stays with the same main operation, or both without one.
        courses: Categories of main diagnosis to which ``stay_within_days`` does not apply.
        within_per_mille: Largest difference of the totals, per mille of the larger one.
        least_yuan: Cheaper claims are not looked at.
        inpatient: Kinds of visit that are stays.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R02",
        severity=Severity.HIGH,
        name="疑似重复结算",
        english_name="near-duplicate claim",
        content="与同一参保人在同一定点医疗机构的另一笔结算诊断类目相同，日期和总费用几乎相同",
        english_content="nearly repeats another claim of the same insured person at the same institution: the same "
        "category of diagnosis, and almost the same date and total amount",
        behaviour="重复收费",
        english_behaviour="billed twice",
    )

    kind: Literal["near_duplicate_claim"] = "near_duplicate_claim"
    within_days: Days = 1
    stay_within_days: Days = NEAR_DAYS
    courses: Annotated[tuple[str, ...], Limit(max_length=64, strict=False)] = ("Z49", "Z51")
    within_per_mille: Annotated[int, Limit(ge=0, le=_PER_MILLE)] = 50
    least_yuan: Annotated[int, Limit(ge=0, le=10**9)] = 100
    inpatient: Kinds = INPATIENT

    def find(self, seen: Seen) -> Hits:
        """Both claims of a pair, if both are in the batch."""
        if not len(seen.others.rows):
            return NO_HITS
        own, other = seen.events[seen.others.rows], seen.others.events
        alike = _equal(own, other, Field.PERSON) & _equal(own, other, Field.INSTITUTION)
        alike &= _equal(own, other, Field.CATEGORY) & ~_equal(own, other, Field.CLAIM)
        return hits_of_pairs(seen, alike & self._near(own, other) & ~same_care(own, other))

    def _near(self, own: Events, other: Events) -> Mask:
        within = np.where(self._stays(own, other), max(self.within_days, self.stay_within_days), self.within_days)
        close = np.abs(first_days(own) - first_days(other)) <= within
        total, other_total = own[:, Field.TOTAL], other[:, Field.TOTAL]
        costly = np.minimum(total, other_total) >= max(self.least_yuan * _FEN, 1)
        apart = np.abs(total - other_total) * _PER_MILLE
        near: Mask = close & costly & (apart <= np.maximum(total, other_total) * self.within_per_mille)
        return near

    def _stays(self, own: Events, other: Events) -> Mask:
        """Pairs of stays with the same main operation, or both without, that are no courses."""
        stays = is_stay(own, self.inpatient) & is_stay(other, self.inpatient)
        return stays & _equal(own, other, Field.OPERATION) & ~one_of(own[:, Field.CATEGORY], self.courses)


def same_care(own: Events, other: Events) -> Mask:
    """Pairs that agree in person, institution, first and last day, main diagnosis and total.

    An institution that neither claim names is the same one: the source then has no institutions.
    """
    same = _equal(own, other, Field.PERSON) & _equal(own, other, Field.INSTITUTION)
    same &= _equal(own, other, Field.DIAGNOSIS) & _equal(own, other, Field.TOTAL)
    same &= (first_days(own) == first_days(other)) & (last_days(own) == last_days(other))
    return same


def _equal(own: Events, other: Events, field: Field) -> Mask:
    return np.equal(own[:, field], other[:, field])
