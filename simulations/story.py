"""What a simulated run has to tell: the figures, the clusters seen from inside, and what left each bureau.

A simulation plays all bureaus, so it may look into them; ``ClusterCard`` and ``BureauStory`` hold what no coordinator
would ever see. The report says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.model import Model
from server.session import RoundReport

FLOOR = 11
"""Counts from 1 to 10, and means of so few claims, are not shown.

References:
    Centers for Medicare and Medicaid Services, "Cell Size Suppression Policy".
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShare:
    """A code, how many claims of the cluster have it as their main one, and its name where one is known."""

    code: str
    count: int
    name_en: str = ""
    name_zh: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCard:
    """One cluster, seen from inside the bureaus.

    Attributes:
        cluster: From 0, largest first, as in the model.
        count: Claims.
        released_count: As the model publishes it: noisy where the plan adds noise, None below the floor.
        diagnoses: Leading main diagnoses that occur at least ``FLOOR`` times, most frequent first.
        operations: Likewise; claims without an operation are not among them.
        operated_share: Share of claims with an operation.
        fee_shares: Mean share of each fee category, in the order of ``FEE_CATEGORIES``; adds up to at most 1.
        mean_cost: Yuan, capped as the plan says.
        cost_cv: Standard deviation over mean of it; None without costs.
        mean_stay_days: Of claims with a stay; None with fewer than ``FLOOR`` of them.
        mean_age_years: Of claims with an age; None with fewer than ``FLOOR`` of them.
        truth: The true group most claims belong to, and its share of the cluster; None without a known truth.
        bureau_counts: Claims of each bureau, in the order of ``Story.bureaus``.
    """

    cluster: int
    count: int
    released_count: int | None
    diagnoses: tuple[CodeShare, ...]
    operations: tuple[CodeShare, ...]
    operated_share: float
    fee_shares: tuple[float, ...]
    mean_cost: float
    cost_cv: float | None
    mean_stay_days: float | None
    mean_age_years: float | None
    truth: CodeShare | None
    bureau_counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauStory:
    """One bureau of the simulation.

    Attributes:
        name: As in the messages.
        name_en: For people.
        name_zh: For people.
        n_claims: Accepted claims.
        bytes_up: All bytes that left it.
        lost: Whether it was lost on the way.
    """

    name: str
    name_en: str
    name_zh: str
    n_claims: int
    bytes_up: int
    lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything the report shows.

    Attributes:
        result: The fields of ``result.json``.
        model: What came out.
        rounds: Each round, in order.
        bureaus: Largest first.
        cards: One a cluster, in the model's order.
        rejected: Rows that were not accepted, by reason, all bureaus together.
    """

    result: dict[str, object]
    model: Model
    rounds: tuple[RoundReport, ...]
    bureaus: tuple[BureauStory, ...]
    cards: tuple[ClusterCard, ...]
    rejected: dict[str, int]
