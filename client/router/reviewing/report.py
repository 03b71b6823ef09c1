"""How often the router was wrong, as far as people have looked: lanes against verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from client.router.store.decisions import LANES
from client.router.store.store import Store
from client.router.store.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneReport:
    """One lane.

    Attributes:
        lane: Its name.
        decided: Claims that went there.
        verdicts: What reviewers found, by verdict.
    """

    lane: str
    decided: int
    verdicts: Mapping[Verdict, int]

    @property
    def reviewed(self) -> int:
        """Claims of this lane with a verdict."""
        return sum(self.verdicts.values())

    @property
    def wrong(self) -> int:
        """Reviewed claims that the lane misjudged: improper ones that passed, or routine ones that did not."""
        routine = self.verdicts.get(Verdict.ROUTINE, 0)
        return self.reviewed - routine if self.lane == LANES[0] else routine

    @property
    def share_wrong(self) -> float | None:
        """Of the reviewed ones; None without any."""
        return self.wrong / self.reviewed if self.reviewed else None


def lane_reports(store: Store) -> tuple[LaneReport, ...]:
    """All lanes, in the order of ``LANES``."""
    counts, found = store.decisions.counts(), store.verdicts.by_lane()
    return tuple(
        LaneReport(
            lane=lane,
            decided=counts[lane],
            verdicts={verdict: found.get((lane, verdict), 0) for verdict in Verdict},
        )
        for lane in LANES
    )
