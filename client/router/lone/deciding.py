"""Deciding about a single claim: where it lies, what rules say, and its record.

Guarantees:
    * The very record that the claim gets in a batch of one, byte for byte. A test holds both against each other on
      tens of thousands of claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.claims import SECONDS_A_DAY, RoutedClaims, routed_claims
from client.router.concentration import Concentration
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.distance import locate
from client.router.deciding.inputs import draws_of
from client.router.deciding.lanes import lane_of, reasons_of
from client.router.deciding.lone_row import LoneRow
from client.router.lone.claim import PROVIDER, LoneClaim
from client.router.lone.event import event_of
from client.router.lone.record import Made, RecordWriter
from client.router.lone.sparing import Glance, Sparing
from client.router.lone.tags import lone_tags
from client.router.lone.weighing import Place, Said, Weigher
from client.router.registers import Registers
from client.router.rules.evaluate import evaluate
from client.router.rules.event import Events
from client.router.rules.finding import Finding
from client.router.rules.history import History
from client.router.rules.rule import Assigned, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneDecision:
    """A decision about one claim.

    Attributes:
        decision_id: Its identity.
        record: In its one spelling.
        lane: Where the claim goes.
        reasons: What decided first, then what else applies.
        confidence: Calibrated; None without a calibration.
        cluster: The nearest.
        events: int64 ``(1, EVENT_WIDTH)``, what rules are to remember.
    """

    decision_id: str
    record: bytes
    lane: str
    reasons: tuple[str, ...]
    confidence: float | None
    cluster: int
    events: Events


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a router knows besides claim, history and registers.

    Attributes:
        asked: What is answered; None if no router asks.
        concentration: Of providers; without it the cards say their shares.
        clock_behind: Whether the clock is behind what was decided before.
    """

    asked: bytes | None = None
    concentration: Concentration | None = None
    clock_behind: bool = False


NO_ROUTER = Setting()


class LoneBench:
    """What single claims are decided with, prepared once; for one thread at a time."""

    def __init__(self, artefacts: Artefacts, rules: Sequence[Rule], usual: npt.NDArray[np.float64] | None) -> None:
        """Prepare everything that does not depend on the claim."""
        self._artefacts, self._usual = artefacts, usual
        self._row = LoneRow(artefacts.model.features).row
        self._sparing = Sparing(rules, usual)
        self._weigher, self._writer = Weigher(artefacts), RecordWriter(artefacts)
        self._shares = artefacts.shares_of_providers

    def decide(
        self, lone: LoneClaim, history: History, registers: Registers, now: int, setting: Setting = NO_ROUTER
    ) -> LoneDecision:
        """Decide about a claim; nothing is remembered."""
        row, event = self._row(lone.claim), event_of(lone, now // SECONDS_A_DAY)
        places, events = locate(row, self._artefacts.model), np.array([event], np.int64)
        place, others = Place.of(places), history.others(events)
        glance = Glance(
            lone=lone,
            event=event,
            alone=not len(others.rows) and not len(others.crowded),
            cluster=place.nearest,
            registers=registers,
        )
        left = self._sparing.left(glance)
        found, hard = self._found(left, glance, events, history) if left else ((), False)
        said = Said(
            found=bool(found),
            hard=hard,
            provider_share=self._share(place.nearest, lone.attributes[PROVIDER], setting.concentration),
            draw=int(draws_of([lone.claim.claim_key], self._artefacts.lot)[0]),
            clock_behind=setting.clock_behind,
        )
        weighed = self._weigher.weigh(lone, place, said, now)
        asked = None if setting.asked is None else setting.asked.hex()
        tags = lone_tags(lone, events, history)
        decision_id, record = self._writer.write(
            Made(lone=lone, row=row, place=place, said=said, weighed=weighed, findings=found, tags=tags, asked=asked),
            now,
        )
        reasons = reasons_of(weighed.word)
        return LoneDecision(
            decision_id=decision_id,
            record=record,
            lane=str(lane_of(reasons)),
            reasons=tuple(map(str, reasons)),
            confidence=weighed.confidence,
            cluster=place.nearest,
            events=events,
        )

    def _share(self, cluster: int, provider: str | None, concentration: Concentration | None) -> int:
        if concentration is None:
            return self._shares.get((cluster, provider or ""), 0)
        return concentration.share(cluster, provider)

    def _found(
        self, rules: Sequence[Rule], glance: Glance, events: Events, history: History
    ) -> tuple[tuple[Finding, ...], bool]:
        """What some rules find in a batch of one, and whether one of these stops claims."""
        assigned = None
        if self._usual is not None:
            assigned = Assigned(cluster=np.array([glance.cluster], np.int32), usual=self._usual)
        claims = batch_of_one(glance.lone)
        found = evaluate(rules, claims, history, glance.registers, events=events, assigned=assigned)
        return found.of(0), bool(found.hard[0])


def batch_of_one(lone: LoneClaim) -> RoutedClaims:
    """The columns of a single claim."""
    refused = [lone.claim.psn_key] if lone.refused_automation else []
    return routed_claims([lone.claim], [lone.person_id], refused)
