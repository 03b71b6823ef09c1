"""Care that was billed for somebody who was dead."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field as Limit

from client.router.rules.event import NO_DAY, NOBODY, Field
from client.router.rules.finding import RuleText, Severity
from client.router.rules.rule import INPATIENT, NO_HITS, Hits, Kinds, Register, Rule, Seen, hits_where


class ServiceAfterDeath(Rule):
    """Admitted or discharged after the day of death; where neither day is given, settled after it.

    Settling a stay long after a death is usual and no hit; a visit is settled on its day.

    Attributes:
        tolerated_days: Days after the death on which a discharge, an admission or a visit is not held against anybody.
        settled_days: Days after the death within which a stay without days of care may still be settled.
        inpatient: Kinds of visit that are stays.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R04",
        severity=Severity.CLEAR,
        name="死亡后就医",
        english_name="service after death",
        content="就医日期晚于登记的死亡日期",
        english_content="care is billed for days after the registered day of death",
        behaviour="冒名就医",
        english_behaviour="care in another person's name",
    )
    needs: ClassVar[Register | None] = "deaths"

    kind: Literal["service_after_death"] = "service_after_death"
    hard: bool = True
    tolerated_days: Annotated[int, Limit(ge=0, le=366)] = 1
    settled_days: Annotated[int, Limit(ge=0, le=3660)] = 90
    inpatient: Kinds = INPATIENT

    def find(self, seen: Seen) -> Hits:
        """Claims of dead persons."""
        if seen.registers.deaths is None:
            return NO_HITS
        died, death = seen.registers.deaths.day_of(seen.claims.table.person_id)
        cared = np.maximum(seen.events[:, Field.ADMITTED], seen.events[:, Field.DISCHARGED])
        settled = seen.events[:, Field.SETTLED]
        late = np.where(seen.inpatient(self.inpatient), self.settled_days, self.tolerated_days)
        last = np.where(cared != NO_DAY, cared - self.tolerated_days, settled - late)
        known = seen.events[:, Field.PERSON] != NOBODY
        found = known & died & (last > death) & (seen.claims.table.total > 0)
        days = np.where(cared != NO_DAY, cared, settled) - death
        return hits_where(seen, found, [f"days_after_death={late}" for late in days[found].tolist()])
