"""Drugs that were dispensed again while the person still had enough of them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Limit

from client.router.registers import DrugItems
from client.router.rules.event import Field
from client.router.rules.finding import RuleText, Severity, quoted
from client.router.rules.rule import NO_HITS, Hits, Register, Rule, Seen
from common.claim import FEE_CATEGORIES

_DRUGS = [place for place, category in enumerate(FEE_CATEGORIES) if category in {"09", "10", "11"}]


class RepeatedDrugs(Rule):
    """A drug of this claim that another claim's supply still covered for more days than a refill in time would.

    Attributes:
        early_days: Days of supply that may be left when a drug is dispensed again.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R07",
        severity=Severity.HIGH,
        name="重复开药",
        english_name="repeated drugs",
        content="同一药品在上次配药的用药天数尚未用完时再次开具",
        english_content="the same drug was dispensed again while the supply of another claim was far from used up",
        behaviour="超量开药",
        english_behaviour="more drugs than needed",
    )
    needs: ClassVar[Register | None] = "drug_items"

    kind: Literal["repeated_drugs"] = "repeated_drugs"
    early_days: Annotated[int, Limit(ge=0, le=366)] = 7

    def find(self, seen: Seen) -> Hits:
        """Claims with at least one such drug; the evidence names the one with the most days left."""
        items = seen.registers.drug_items
        if items is None:
            return NO_HITS
        worst = items.worst_of(seen.events[:, Field.CLAIM])
        held = np.append(items.held_days, 0)[worst]  # -1 reads the 0 at the end
        rows = np.flatnonzero(held > self.early_days)
        fees = seen.claims.table.fees[rows][:, _DRUGS].sum(axis=1)
        return Hits(rows=rows, amounts=np.maximum(fees, 0), evidence=_evidence(items, worst[rows]))


def _evidence(items: DrugItems, places: npt.NDArray[np.int64]) -> tuple[str, ...]:
    drugs, held = items.drug[places].tolist(), items.held_days[places].tolist()
    return tuple(f"drug={quoted(items.codes[drug])};days_left={days}" for drug, days in zip(drugs, held, strict=True))
