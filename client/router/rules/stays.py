"""Stays that cannot be: in two beds at once, or in bed without any treatment."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Limit

from client.router.rules.event import Events, Field
from client.router.rules.finding import RuleText, Severity
from client.router.rules.rule import INPATIENT, NO_HITS, Hits, Kinds, Rule, Seen, hits_of_pairs, hits_where, is_stay
from common.claim import FEE_CATEGORIES

Mask = npt.NDArray[np.bool_]

_FEN = 100
_CARE = ("03", "04", "05", "06", "08", "09", "10", "11")
_CARE_COLUMNS = [place for place, category in enumerate(FEE_CATEGORIES) if category in _CARE]


class OverlappingStays(Rule):
    """Two stays of one person at the same time. Discharged and admitted again on one day is no overlap.

    Attributes:
        inpatient: Kinds of visit that are stays.
        tolerated_days: Days in common that are not held against anybody.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R03",
        severity=Severity.HIGH,
        name="住院时间重叠",
        english_name="overlapping stays",
        content="同一参保人的两次住院时间重叠",
        english_content="the insured person was in hospital for another claim at the same time",
        behaviour="虚假住院",
        english_behaviour="false stay",
    )

    kind: Literal["overlapping_stays"] = "overlapping_stays"
    hard: bool = True
    inpatient: Kinds = INPATIENT
    tolerated_days: Annotated[int, Limit(ge=0, le=366)] = 0

    def find(self, seen: Seen) -> Hits:
        """Both claims of a pair, if both are in the batch."""
        if not len(seen.others.rows):
            return NO_HITS
        own, other = seen.events[seen.others.rows], seen.others.events
        same_person = (own[:, Field.PERSON] == other[:, Field.PERSON]) & (own[:, Field.CLAIM] != other[:, Field.CLAIM])
        stays = is_stay(own, self.inpatient) & is_stay(other, self.inpatient)
        stays &= (own[:, Field.TOTAL] > 0) & (other[:, Field.TOTAL] > 0)
        return hits_of_pairs(seen, same_person & stays & self._overlap(own, other))

    def _overlap(self, own: Events, other: Events) -> Mask:
        begun = other[:, Field.DISCHARGED] - own[:, Field.ADMITTED]
        left = own[:, Field.DISCHARGED] - other[:, Field.ADMITTED]
        overlap: Mask = (begun > self.tolerated_days) & (left > self.tolerated_days)
        return overlap


class StayWithoutTreatment(Rule):
    """A stay of days with hardly any examination, laboratory, treatment, operation, material or drug fee: 挂床.

    Attributes:
        inpatient: Kinds of visit that are stays.
        least_days: Shorter stays are not looked at.
        least_yuan_a_day: Fees for care that a stay must reach, per day. Bed, nursing and consultation are no care.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R06",
        severity=Severity.HIGH,
        name="疑似挂床住院",
        english_name="stay without treatment",
        content="住院期间几乎没有检查、化验、治疗、手术、材料或药品费用",
        english_content="hardly any fee for examination, laboratory, treatment, operation, materials or drugs during "
        "the whole stay",
        behaviour="挂床住院",
        english_behaviour="a bed on paper only",
    )

    kind: Literal["stay_without_treatment"] = "stay_without_treatment"
    inpatient: Kinds = INPATIENT
    least_days: Annotated[int, Limit(ge=1, le=366)] = 3
    least_yuan_a_day: Annotated[int, Limit(ge=0, le=10**6)] = 10

    def find(self, seen: Seen) -> Hits:
        """Stays whose fees are known and too low."""
        table = seen.claims.table
        care = table.fees[:, _CARE_COLUMNS].sum(axis=1)
        fees_known = (table.fees != 0).any(axis=1) & (table.total > 0)
        long = table.stay_days >= self.least_days
        idle = care < self.least_yuan_a_day * _FEN * table.stay_days.astype(np.int64)
        found = seen.inpatient(self.inpatient) & fees_known & long & idle
        return hits_where(seen, found, _evidence(table.stay_days[found].tolist(), care[found].tolist()))


def _evidence(days: list[int], care: list[int]) -> list[str]:
    return [f"stay_days={stay};care_yuan={fen / _FEN:.2f}" for stay, fen in zip(days, care, strict=True)]
