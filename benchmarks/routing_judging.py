"""What the router decides about each bureau's later claims, and what other methods say of the same ones.

A bureau knows the model, its policy and its own earlier claims, and goes through time with them (``routing_office``);
rules see one hundredth of its claims at once. The earlier half only teaches; the later half is judged. The model itself
comes from all claims, the later ones too: it knows no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest

from benchmarks.routing_data import BureauData, Kinds
from benchmarks.routing_office import PIECES, RENEWED_EVERY, Piece, office_of, through_time
from client.router.claims import RoutedClaims
from client.router.deciding.distance import Places, locate
from client.router.deciding.lanes import BIT, Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from client.router.registers import Registers
from client.router.rules.evaluate import evaluate
from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.rules.rule import Assigned, Rule
from client.router.rules.table import rules_from
from client.router.rules.usual import usual_fee_shares
from common.model import Model

LONG_AGO = 100_000
"""Days that a benchmark's history remembers: all."""

STAYS = ("MEDICAL", "SURGERY", "OBSTETRICS", "PEDIATRICS", "PSYCHIATRY", "CHRONIC", "PHTHISIOLOGY", "REHABILITATION")
"""Kinds of visit of SIH/SUS that are stays."""

RULES: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "sih": {
        "near_duplicate_claim": {"inpatient": STAYS},
        "overlapping_stays": {"inpatient": STAYS},
        "stay_without_treatment": {"enabled": False},
        "unusual_fee_share": {"enabled": False},
    },
    "world": {},
}
"""By data: SIH/SUS has its own kinds of visit, and fees that are not itemised; all else is as shipped."""

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

LANES_OFF = BIT[Reason.OUTSIDE_FAST_SHARE] | BIT[Reason.SPOT_CHECK]
"""Reasons that a curve over FAST shares leaves aside."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A bureau's later claims. Every array has one entry a claim; larger scores are more routine.

    Attributes:
        name: Of the bureau.
        kinds: What was planted.
        routine: What a reviewer would say.
        clusters: The nearest.
        found: Whether a rule found something.
        words: The router's reasons.
        lanes: Its lanes.
        confidence: Calibrated; NaN without a calibration.
        scores: By name of the method.
    """

    name: str
    kinds: Kinds
    routine: Flags
    clusters: Integers
    found: Flags
    words: npt.NDArray[np.int32]
    lanes: npt.NDArray[np.str_]
    confidence: Floats
    scores: Mapping[str, Floats]

    @property
    def eligible(self) -> Flags:
        """Whether nothing but the score's rank and the lot speaks against FAST."""
        return np.asarray((self.words & ~np.int32(LANES_OFF)) == 0)


ROUTER, ALONE, FOREST = "score", "model alone", "IsolationForest"


def policy_for(data: str) -> RouterPolicy:
    """As shipped, but for the rules' parameters and, in SIH/SUS, regions with one or two hospitals."""
    concentrated = {"max_provider_share": 1.0} if data == "sih" else {}
    return RouterPolicy.model_validate({"rules": RULES[data], **concentrated})


def judge(bureau: BureauData, model: Model, policy: RouterPolicy, routine: Flags, seed: int) -> Judged:
    """Go through a bureau's claims in time."""
    routing, usual = RoutingModel.of(model), usual_fee_shares(model)
    places = locate(bureau.rows, routing)
    pieces = list(_evaluated(bureau, rules_from(policy.rules), places, usual))
    found = np.concatenate([findings.any for _, findings in pieces])
    office = office_of(bureau, routing, policy, places, found=found, routine=routine, seed=seed)
    words, lanes, confidence, scores = through_time(office, pieces)
    later = np.arange(pieces[PIECES // 2][0][0], len(found))
    far = places.square[later] / routing.mean_squares[places.nearest[later]]
    return Judged(
        name=bureau.name,
        kinds=bureau.kinds[later],
        routine=routine[later],
        clusters=places.nearest[later],
        found=found[later],
        words=words,
        lanes=lanes,
        confidence=confidence,
        scores={
            ROUTER: scores,
            ALONE: np.nan_to_num(-far, nan=-np.inf),
            FOREST: _forest(bureau, [rows for rows, _ in pieces], seed),
        },
    )


def _forest(bureau: BureauData, pieces: Sequence[Rows], seed: int) -> Floats:
    """An isolation forest over the same rows, renewed as often as the router's habits are."""
    scores = []
    for number in range(PIECES // 2, PIECES, RENEWED_EVERY):
        asked = np.concatenate(pieces[number : number + RENEWED_EVERY])
        forest = IsolationForest(random_state=seed).fit(bureau.rows[: asked[0]])
        scores.append(forest.score_samples(bureau.rows[asked]))
    return np.concatenate(scores)


def _evaluated(bureau: BureauData, rules: Sequence[Rule], places: Places, usual: Floats | None) -> Iterator[Piece]:
    """What rules find, piece by piece."""
    history, registers = History(LONG_AGO), Registers(requested_operations=_requested(bureau.claims))
    for rows in np.array_split(np.arange(len(bureau.claims)), PIECES):
        claims = bureau.claims.select(rows)
        assigned = None if usual is None else Assigned(cluster=places.nearest[rows].astype(np.int32), usual=usual)
        yield rows, evaluate(rules, claims, history, registers, assigned=assigned)
        history.remember(events_of(claims, 0))


def _requested(claims: RoutedClaims) -> Mapping[str, frozenset[str]]:
    """What was asked for stands, in SIH/SUS, beside what was billed; nothing is known of other claims."""
    if len(claims.table.operations) != 2:
        return {}
    asked = claims.table.operations[1]
    return {
        key: frozenset([asked.values[index]])
        for key, index in zip(claims.claim_keys, asked.indices.tolist(), strict=True)
        if index >= 0
    }
