"""The feasibility index: whether a budget is worth spending on so many clusters, before any of it is spent.

References:
    Thresholds are measured on 13 data sets: from 18 on inertia rises by a few per cent, below 12 by up to a third,
    and below 5 the noise decides where clusters are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from common.accounting.guarantee import Language

REFUSE_BELOW = 5.0
WARN_BELOW = 18.0


class Verdict(StrEnum):
    """What to do with a plan."""

    REFUSE = "refuse"
    WARN = "warn"
    FINE = "fine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """The index ``phi = N * mu / (m * K * sqrt(d))`` and what it is made of.

    Attributes:
        n_claims: N, claims of all bureaus together, or insured persons where each weighs as much as one claim; a
            public or an estimated number.
        mu: Gaussian privacy of the whole run.
        claims_per_person: m, by how many unit sensitivities one protected unit may move the sums; 1 for a claim, and
            for a person whose claims are weighted to one.
        n_clusters: K.
        n_features: d.
        counts_persons: Whether N is a number of insured persons.
    """

    n_claims: int
    mu: float
    claims_per_person: int
    n_clusters: int
    n_features: int
    counts_persons: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not a plan.

        Raises:
            ValueError: If a part is not positive; no claims at all are allowed.
        """
        parts = (self.mu, self.claims_per_person, self.n_clusters, self.n_features)
        if self.n_claims < 0 or not min(parts) > 0:
            msg = "claims per person, clusters, features and mu must be positive"
            raise ValueError(msg)

    @property
    def phi(self) -> float:
        """The index: how far claims outweigh noise."""
        return self.n_claims * self.mu / (self.claims_per_person * self.n_clusters * math.sqrt(self.n_features))

    @property
    def verdict(self) -> Verdict:
        """Refuse below 5, warn below 18."""
        if self.phi < REFUSE_BELOW:
            return Verdict.REFUSE
        return Verdict.WARN if self.phi < WARN_BELOW else Verdict.FINE

    def sentence(self, language: Language) -> str:
        """The verdict, and each change that alone would bring the index to 18."""
        verdict = _VERDICTS[language][self.verdict].format(phi=math.floor(self.phi * 10) / 10)
        if self.verdict is Verdict.FINE:
            return verdict
        texts = _CHANGES[language]
        return verdict + texts["joint"].join(self._changes(texts)) + texts["end"]

    def _changes(self, texts: dict[str, str]) -> list[str]:
        """Each change that is possible at all."""
        weight = self.claims_per_person * math.sqrt(self.n_features) * WARN_BELOW / self.mu
        changes = [
            texts["claims"].format(
                math.ceil(weight * self.n_clusters), texts["persons" if self.counts_persons else "units"]
            )
        ]
        n_clusters = math.floor(self.n_claims / weight)
        if n_clusters > 0:
            changes.append(texts["clusters"].format(n_clusters))
        if self.n_claims > 0:
            changes.append(texts["epsilon"].format(math.ceil(WARN_BELOW / self.phi * 10) / 10))
        return changes


_VERDICTS = {
    Language.ENGLISH: {
        Verdict.REFUSE: "Feasibility index {phi:g}, below 5: refused, noise would place the clusters. Change one: ",
        Verdict.WARN: "Feasibility index {phi:g}, below 18: clusters will be visibly coarser. To mend it, change one: ",
        Verdict.FINE: "Feasibility index {phi:g}: enough claims for this budget.",
    },
    Language.CHINESE: {
        Verdict.REFUSE: "可行性指数 {phi:g}，低于 5：拒绝运行，聚类位置将由噪声决定。请任选一项调整：",
        Verdict.WARN: "可行性指数 {phi:g}，低于 18：聚类会明显变粗。可任选一项改善：",
        Verdict.FINE: "可行性指数 {phi:g}：结算记录数量足以支撑该隐私预算。",
    },
}
_CHANGES = {
    Language.ENGLISH: {
        "claims": "pool periods or bureaus to {:,} {}",
        "units": "claims",
        "persons": "insured persons",
        "clusters": "ask for {} clusters or fewer",
        "epsilon": "grant about {:g} times the epsilon",
        "joint": "; ",
        "end": ".",
    },
    Language.CHINESE: {
        "claims": "合并更多时段或机构，达到 {:,} {}",
        "units": "条结算记录",
        "persons": "位参保人",
        "clusters": "聚类数减至 {} 个或更少",
        "epsilon": "将 epsilon 提高到约 {:g} 倍",
        "joint": "；",
        "end": "。",
    },
}
