"""A bureau that goes through its claims in time: it decides, reviews, and learns from what it reviewed.

Habits, calibration and cards are renewed every twentieth of its claims. Calibration takes the scores of reviewed claims
as they were decided then: the habits of that time had not seen them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.routing_data import BureauData
from client.router.deciding.artefacts import LOT_BYTES, Artefacts
from client.router.deciding.carding import local_cards
from client.router.deciding.cards import ClusterCards
from client.router.deciding.deciding import decide
from client.router.deciding.distance import Places
from client.router.deciding.fitting import Reviewed, fit_calibration
from client.router.deciding.model import RoutingModel
from client.router.deciding.observing import observe
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.scoring import MILLION
from client.router.rules.evaluate import Findings

PIECES, RENEWED_EVERY = 100, 5
"""A bureau's claims come in so many pieces; artefacts are renewed every few."""

FIRST = 20
"""The piece before which habits are first observed; from there on claims are scored, and some are reviewed."""

CALIBRATED_ON = (1_000, 4)
"""A calibration rests on the last so many claims, or on the last one in so many if these are more."""

SAMPLE, LOT = 0.02, 1
"""Share of claims that are reviewed by lot, and the number of the stream that draws it."""

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Piece = tuple[Rows, Findings]
Decided = tuple[npt.NDArray[np.int32], npt.NDArray[np.str_], Floats, Floats]
"""Reasons, lanes, confidences and scores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Office:
    """A bureau that learns from its own claims.

    Attributes:
        scores: As decided; NaN before.
        reviewed: Whom people have looked at because of the score, or by lot. What rules found teaches no score.
    """

    bureau: BureauData
    model: RoutingModel
    policy: RouterPolicy
    places: Places
    found: Flags
    routine: Flags
    lot: Flags
    scores: Floats
    reviewed: Flags

    def renew(self, begun: int) -> Artefacts:
        """Habits of all claims so far, calibration of the last reviews, cards of all reviews."""
        before = np.arange(begun)
        habits = observe(self.bureau.claims.table.select(before), self.places.nearest[before], self.model, now=0)
        last = slice(max(0, begun - max(CALIBRATED_ON[0], len(self.found) // CALIBRATED_ON[1])), begun)
        scores, chosen = self.scores[last], self.reviewed[last]
        calibration = fit_calibration(
            Reviewed(scores=scores[chosen], routine=self.routine[last][chosen]),
            scores[~np.isnan(scores)],
            self.policy,
            model_sha256=self.model.sha256,
            habits_sha256=habits.sha256,
            now=0,
        )
        return Artefacts(
            model=self.model,
            policy=self.policy,
            cards=self._cards(before[last]),
            habits=habits,
            calibration=calibration,
            lot=bytes(LOT_BYTES),
        )

    def review(self, rows: Rows, scores: Floats, artefacts: Artefacts) -> None:
        """People look at what falls behind the FAST share, and at a lot; at everything while nothing is calibrated."""
        self.scores[rows] = scores
        calibration = artefacts.calibration
        sent = np.ones(len(rows), np.bool_) if calibration is None else scores < calibration.fast_score
        self.reviewed[rows] = (sent | self.lot[rows]) & ~self.found[rows]

    def _cards(self, recent: Rows) -> ClusterCards:
        return local_cards(
            self.model,
            self.policy,
            reviewed=self.places.nearest[self.reviewed],
            adverse=~self.routine[self.reviewed],
            recent=self.places.nearest[recent],
            providers=self.bureau.claims.table.attributes["fixmedins_code"].select(recent),
            made_at=0,
        )


def office_of(
    bureau: BureauData,
    model: RoutingModel,
    policy: RouterPolicy,
    places: Places,
    *,
    found: Flags,
    routine: Flags,
    seed: int,
) -> Office:
    """A bureau that has reviewed nothing yet."""
    n = len(found)
    return Office(
        bureau=bureau,
        model=model,
        policy=policy,
        places=places,
        found=found,
        routine=routine,
        lot=np.random.default_rng([seed, n, LOT]).random(n) < SAMPLE,
        scores=np.full(n, np.nan),
        reviewed=np.zeros(n, np.bool_),
    )


def through_time(office: Office, pieces: Sequence[Piece]) -> Decided:
    """What was decided about the later half."""
    judged: list[Decided] = []
    for number in range(FIRST, PIECES):
        rows, findings = pieces[number]
        if number % RENEWED_EVERY == 0:
            artefacts = office.renew(int(rows[0]))
        decided = _decided(office.bureau, rows, findings, artefacts)
        office.review(rows, decided[-1], artefacts)
        if number >= PIECES // 2:
            judged.append(decided)
    words, lanes, confidence, scores = (np.concatenate(parts) for parts in zip(*judged, strict=True))
    return words, lanes, confidence, scores


def _decided(bureau: BureauData, rows: Rows, findings: Findings, artefacts: Artefacts) -> Decided:
    """Reasons, lanes, confidences and scores of a piece."""
    decisions = decide(bureau.claims.select(rows), bureau.rows[rows], findings, artefacts, now=0)
    scores = decisions.weighed.scores.scores / MILLION
    calibration = artefacts.calibration
    confidence = np.full(len(rows), np.nan) if calibration is None else calibration.confidences(scores)
    return decisions.weighed.words, np.array(decisions.lanes(), np.str_), confidence, scores
