"""How often the router was wrong, as far as people have looked: lanes against verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from client.router.deciding.lanes import Lane
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
    def routine(self) -> int:
        """Reviewed claims that were confirmed as routine."""
        return self.verdicts.get(Verdict.ROUTINE, 0)

    @property
    def share_routine(self) -> float | None:
        """Of the reviewed ones; None without any."""
        return self.routine / self.reviewed if self.reviewed else None

    @property
    def share_wrong(self) -> float | None:
        """Reviewed claims that the lane misjudged: improper ones that passed, routine ones that were stopped.

        None without any, and for HUMAN: to send a claim to a person is no judgement of it.
        """
        routine = self.share_routine
        if routine is None or self.lane == Lane.HUMAN:
            return None
        return 1 - routine if self.lane == Lane.FAST else routine


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
