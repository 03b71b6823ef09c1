"""Fees that lie too much in one category: beyond what the bureau declares, or beyond what is usual in the cluster."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field as Limit

from client.router.rules.finding import RuleText, Severity
from client.router.rules.rule import INPATIENT, Assigned, Hits, Kinds, Rule, Seen, whole_amounts
from common.claim import FEE_CATEGORIES

_PER_MILLE = 1000
_FEN = 100
_NONE = _PER_MILLE

Category = Literal["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14"]
PerMille = Annotated[int, Limit(ge=0, le=_PER_MILLE)]

DECLARED: dict[Category, int] = {"03": 700, "04": 700, "08": 750, "09": 850}
"""Declared shares of examination, laboratory, materials and western drugs, for a bureau to change."""


class UnusualFeeShare(Rule):
    """One fee category takes a larger share of a stay's total than the bureau declares, or than is usual.

    Attributes:
        declared: Fee category to the largest share, per mille; categories that are not named have no declared limit.
        margin: Per mille above the usual share of the claim's cluster that are not held against it; 1000 for all.
        least_yuan: Cheaper claims are not looked at.
        inpatient: Kinds of visit that are stays; others are not looked at.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R08",
        severity=Severity.LIGHT,
        name="费用构成异常",
        english_name="unusual fee share",
        content="某一费用类别占总费用的比例超过规定限额或同类病例的通常水平",
        english_content="one fee category takes a larger share of the total than the declared limit, or than is usual "
        "for similar claims",
        behaviour="过度诊疗",
        english_behaviour="more services than needed",
    )

    kind: Literal["unusual_fee_share"] = "unusual_fee_share"
    declared: dict[Category, PerMille] = Limit(default_factory=DECLARED.copy)
    margin: PerMille = 400
    least_yuan: Annotated[int, Limit(ge=0, le=10**9)] = 1000
    inpatient: Kinds = INPATIENT

    def find(self, seen: Seen) -> Hits:
        """Stays beyond a limit; the amount and the evidence are those of the category furthest beyond."""
        fees, total = seen.claims.table.fees, seen.claims.table.total
        limits = self._limits(seen.assigned, len(total))
        excess = fees - -(-limits * np.maximum(total, 0)[:, None] // _PER_MILLE)  # the allowed amount, rounded up
        costly = total >= max(self.least_yuan * _FEN, 1)
        found = costly & seen.inpatient(self.inpatient) & (excess > 0).any(axis=1)
        rows = np.flatnonzero(found)
        worst = excess[rows].argmax(axis=1)
        amounts = np.minimum(excess[rows, worst], whole_amounts(seen, rows))
        return Hits(rows=rows, amounts=amounts, evidence=_evidence(fees[rows, worst], total[rows], limits[rows], worst))

    def _limits(self, assigned: Assigned | None, n_claims: int) -> npt.NDArray[np.int64]:
        """Per mille, int64 ``(n, 14)``: the stricter of what is declared and what is usual plus the margin."""
        declared = np.array([self.declared.get(name, _NONE) for name in FEE_CATEGORIES], np.int64)  # type: ignore[call-overload]
        if assigned is None:
            return np.broadcast_to(declared, (n_claims, len(FEE_CATEGORIES)))
        usual = np.rint(assigned.usual * _PER_MILLE).astype(np.int64) + self.margin
        usual = np.vstack([usual, np.full(len(FEE_CATEGORIES), _NONE)])  # a claim without a cluster reads the last row
        return np.minimum(np.minimum(usual, declared), _NONE)[assigned.cluster]


def _evidence(
    fees: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    limits: npt.NDArray[np.int64],
    worst: npt.NDArray[np.intp],
) -> tuple[str, ...]:
    names = tuple(FEE_CATEGORIES)
    share = (fees * _PER_MILLE // total).tolist()
    allowed = np.take_along_axis(limits, worst[:, None], axis=1)[:, 0].tolist()
    return tuple(
        f"med_chrgitm_type={names[place]};share_per_mille={took};limit_per_mille={most}"
        for place, took, most in zip(worst.tolist(), share, allowed, strict=True)
    )
