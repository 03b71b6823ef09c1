"""Claims that were decided before: the same one again, one that is nearly the same, and one that was corrected."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Limit

from client.router.rules.digest import NOTHING
from client.router.rules.event import UNKNOWN, Events, Field, first_days, last_days, one_of
from client.router.rules.finding import RuleText, Severity
from client.router.rules.history import NEAR_DAYS
from client.router.rules.rule import INPATIENT, NO_HITS, Hits, Kinds, Rule, Seen, hits_of_pairs, is_stay

Mask = npt.NDArray[np.bool_]
Days = Annotated[int, Limit(ge=0, le=NEAR_DAYS)]

_PER_MILLE = 1000
_FEN = 100


class DuplicateClaim(Rule):
    """Two claims that agree in person, institution, dates, main diagnosis and total, or one key for two persons.

    The same claim key again for the same person is a correction (``CorrectedClaim``) or a refusal, and no second bill.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R01",
        severity=Severity.HIGH,
        name="重复结算",
        english_name="duplicate claim",
        content="与另一位参保人的结算单号相同，或与另一笔的参保人、定点医疗机构、日期、主要诊断和总费用都相同",
        english_content="has the claim key of another person's claim, or agrees with another one in insured person, "
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
        same_key, same_person = _equal(own, other, Field.CLAIM), _equal(own, other, Field.PERSON)
        return hits_of_pairs(seen, charged & np.where(same_key, ~same_person, same_care(own, other)))


class CorrectedClaim(Rule):
    """A claim key that was decided before, with another content: it takes the earlier decision's place.

    Somebody who refuses automated decisions, or takes that back, sends the same claim again; then nothing is held
    against it.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R10",
        severity=Severity.LIGHT,
        name="更正结算",
        english_name="corrected claim",
        content="该结算单号此前已有决定，本次内容有更正，以本次为准，需人工核对更正之处",
        english_content="a claim with this key was decided before; its content was corrected, this version takes the "
        "place of the earlier one, and somebody should check what changed",
        behaviour="更正结算",
        english_behaviour="corrected settlement",
    )

    kind: Literal["corrected_claim"] = "corrected_claim"

    def find(self, seen: Seen) -> Hits:
        """Claims whose key and person are known with another content; both, if both are in the batch."""
        if not len(seen.others.rows):
            return NO_HITS
        own, other = seen.events[seen.others.rows], seen.others.events
        refused = seen.claims.refused_automation[seen.others.rows]
        again = _equal(own, other, Field.CLAIM) & _equal(own, other, Field.PERSON)
        told = (own[:, Field.CARE] != UNKNOWN) & (other[:, Field.CARE] != UNKNOWN)
        same = np.where(told, _equal(own, other, Field.CARE), refused & _agrees(own, other))
        return hits_of_pairs(seen, again & ~same)


class NearDuplicateClaim(Rule):
    """Nearly the same claim: person, institution and diagnosis category agree, dates and total almost.

    An institution that one of the two does not name counts as the same one; so an exact copy without it is found here,
    however cheap it is.

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
        content="与同一参保人在同一（或未注明的）定点医疗机构的另一笔结算诊断类目相同，日期和总费用几乎相同",
        english_content="nearly repeats another claim of the same insured person at the same institution, or at one "
        "that is not named: the same category of diagnosis, and almost the same date and total amount",
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
        alike = _equal(own, other, Field.PERSON) & (_equal(own, other, Field.INSTITUTION) | _unnamed(own, other))
        alike &= _equal(own, other, Field.CATEGORY) & ~_equal(own, other, Field.CLAIM)
        copies = _unnamed(own, other) & _same_bill(own, other) & (own[:, Field.TOTAL] > 0)
        return hits_of_pairs(seen, alike & (copies | self._near(own, other)) & ~same_care(own, other))

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
    return _same_bill(own, other) & _equal(own, other, Field.INSTITUTION)


def _same_bill(own: Events, other: Events) -> Mask:
    """The same but for the institution."""
    same = _equal(own, other, Field.PERSON) & _equal(own, other, Field.DIAGNOSIS) & _equal(own, other, Field.TOTAL)
    same &= (first_days(own) == first_days(other)) & (last_days(own) == last_days(other))
    return same


def _unnamed(own: Events, other: Events) -> Mask:
    """Pairs of which one names its institution and the other does not."""
    unnamed: Mask = (own[:, Field.INSTITUTION] == NOTHING) != (other[:, Field.INSTITUTION] == NOTHING)
    return unnamed


def _agrees(own: Events, other: Events) -> Mask:
    """Pairs of which everything that was always remembered agrees, but for the day of the decision."""
    fields = [field for field in Field if field not in {Field.REMEMBERED, Field.CARE}]
    agrees: Mask = (own[:, fields] == other[:, fields]).all(axis=1)
    return agrees


def _equal(own: Events, other: Events, field: Field) -> Mask:
    return np.equal(own[:, field], other[:, field])
