"""Claims of somebody who has more of them than can be compared: what was not looked at is said, not passed over."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from client.router.rules.finding import RuleText, Severity
from client.router.rules.history import MOST_OTHERS
from client.router.rules.rule import Hits, Rule, Seen, whole_amounts


class CrowdedClaims(Rule):
    """So many claims of the insured person lie around this one that it was compared with the newest of them alone.

    Exact copies are found among all of them (``client.router.rules.history``).
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R11",
        severity=Severity.LIGHT,
        name="结算过于密集",
        english_name="crowded claims",
        content="同一参保人在相近日期的结算过多，未能与全部结算逐一比对，需人工查看",
        english_content="the insured person has so many claims around the same days that not all of them were "
        "compared with this one; somebody should look",
        behaviour="频繁结算",
        english_behaviour="unusually frequent claims",
    )

    kind: Literal["crowded_claims"] = "crowded_claims"

    def find(self, seen: Seen) -> Hits:
        """The claims that were not compared with everything."""
        rows = np.asarray(seen.others.crowded, np.intp)
        evidence = (f"claims_compared={MOST_OTHERS}",) * len(rows)
        return Hits(rows=rows, amounts=whole_amounts(seen, rows), evidence=evidence)
