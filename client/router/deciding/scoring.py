"""The raw score: how routine a claim looks beside the bureau's own earlier claims of its kind.

Five numbers say how strange a claim is, each 0 or larger and each a reason that a person understands: its cost, its
stay and its fee structure beside its peers, how rare its operation is with its diagnosis, and how far it lies from its
cluster. The score is ``1 / (1 + S)`` with ``S = max(cost, stay, fees) + rarity / 2 + distance / 2``. What that means as
a probability, only a calibration says.

Guarantees:
    * The same bits on every machine, alone or in a batch: basic arithmetic and a logarithm made of it, in millionths.

The formula was chosen on real inpatient claims with planted anomalies; the model's distances alone let several times as
many of them pass. Margins between clusters, and softmax over them, say nothing about anomalies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from client.router.deciding.habits import ABSENT, Habits, Kinds
from client.router.deciding.inputs import Columns
from client.router.deciding.model import RoutingModel
from common.features.kernel import natural_log

SCORING = "fedclaims/score/1"
PARTS = ("cost", "stay", "fees", "rarity", "distance")
COST, STAY, FEES, RARITY, DISTANCE = range(5)
MILLION = 1_000_000

LEAST_COST_SPREAD = 0.1
LEAST_STAY_SPREAD = 0.2
LEAST_FEE_SPREAD = 0.005
PRIOR_CLAIMS = 5.0
"""How many claims of the bureau's usual mix of operations stand behind every diagnosis."""

NO_RADIUS = 5.0
"""Strangeness of a claim whose cluster released no radius; such a cluster is never FAST."""

MOST = 1e6
"""No part is larger; keeps millionths within int64 whatever a claim says."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Of ``n`` claims.

    Attributes:
        parts: int64 ``(n, 5)``, millionths, in the order of ``PARTS``.
        scores: int64 ``(n,)``, millionths of 1.
        peers: int64 ``(n,)``, the group in the habits that a claim was held against; ``ABSENT`` without any.
    """

    parts: Integers
    scores: Integers
    peers: Integers

    def select(self, rows: npt.NDArray[np.intp]) -> Scores:
        """Of some of the claims."""
        return Scores(parts=self.parts[rows], scores=self.scores[rows], peers=self.peers[rows])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _tail(value, median, spread, least):
    """``log(1 + z**2)``: grows slowly, so that one wild number does not drown the others."""
    square = (value - median) * (value - median) / (spread * spread + least * least)
    return natural_log(1.0 + square)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fee_distance(fees, means):
    """Squared distance between the roots of a claim's fee shares and its peers' mean roots."""
    total = 0.0
    for place in range(len(fees)):
        total += max(fees[place], 0)
    distance = 0.0
    for place in range(len(fees)):
        root = np.sqrt(max(fees[place], 0) / total) if total > 0 else 0.0
        distance += (root - means[place]) * (root - means[place])
    return distance


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _measure(totals, stays, fees, peers, kinds, n_claims, squares, stats, parts):
    """Write the five parts of every claim; ``kinds`` are counts of the pair, the diagnosis and the operation."""
    for claim in range(len(totals)):
        group = peers[claim]
        if group != ABSENT:
            held = stats[group]
            cost = natural_log(max(totals[claim], 1) * 1.0)
            stay = natural_log(1.0 + max(stays[claim], 0))
            parts[claim, COST] = _tail(cost, held[0], held[1], LEAST_COST_SPREAD)
            parts[claim, STAY] = _tail(stay, held[2], held[3], LEAST_STAY_SPREAD)
            far = _fee_distance(fees[claim], held[5:])
            parts[claim, FEES] = natural_log(1.0 + far / (held[4] + LEAST_FEE_SPREAD))
            usual = (kinds[2, claim] + 0.5) / (n_claims + 1.0)
            share = (kinds[0, claim] + PRIOR_CLAIMS * usual) / (kinds[1, claim] + PRIOR_CLAIMS)
            parts[claim, RARITY] = max(-natural_log(share), 0.0)
        square = squares[claim]
        parts[claim, DISTANCE] = natural_log(1.0 + square) if square >= 0.0 else NO_RADIUS


@numba.njit(cache=True, nogil=True)
def _settle(parts, millionths, scores):
    """Parts and scores in millionths."""
    for claim in range(len(parts)):
        for place in range(parts.shape[1]):
            millionths[claim, place] = np.int64(np.rint(min(parts[claim, place], MOST) * MILLION))
        strange = max(parts[claim, COST], parts[claim, STAY], parts[claim, FEES])
        strange += 0.5 * (parts[claim, RARITY] + parts[claim, DISTANCE])
        scores[claim] = np.int64(np.rint(MILLION / (1.0 + strange)))


def score(
    columns: Columns, nearest: Integers, squares: Integers, model: RoutingModel, habits: Habits, *, among: bool = False
) -> Scores:
    """Parts and scores of some claims.

    Args:
        columns: The claims.
        nearest: Their clusters.
        squares: Squared distances to them, units of ``2**-40``.
        model: Whose released radii.
        habits: Of the bureau's own earlier claims; ``no_habits`` if there are none.
        among: Whether these claims are among those the habits were observed on; each is then left out of its counts.
    """
    kinds: Kinds = habits.kinds(columns.diagnoses, columns.operations, nearest, model.kin)
    counts = np.maximum(np.stack((kinds.pair, kinds.diagnosis, kinds.operation)) - among, 0)
    n_claims = max(habits.n_claims - among, 0)
    numbers = columns.total, columns.stay_days, columns.fees
    return measured(numbers, kinds.peers, (counts, n_claims), _ratios(nearest, squares, model), habits.stats)


def measured(
    numbers: tuple[Integers, Integers, Integers],
    peers: Integers,
    counts: tuple[Integers, int],
    ratios: Floats,
    stats: Floats,
) -> Scores:
    """Parts and scores, when everything is looked up.

    Args:
        numbers: Totals, stays and fees of the claims.
        peers: Of each claim the group.
        counts: Of each claim's pair, diagnosis and operation, int64 ``(3, n)``, and of all earlier claims.
        ratios: Squared distances over the clusters' usual ones; -1 where nothing is usual.
        stats: Of the groups.
    """
    parts = np.zeros((len(peers), len(PARTS)))
    _measure(*numbers, peers, *counts, ratios, stats, parts)
    millionths, scores = np.empty(parts.shape, np.int64), np.empty(len(parts), np.int64)
    _settle(parts, millionths, scores)
    return Scores(parts=millionths, scores=scores, peers=peers)


def _ratios(nearest: Integers, squares: Integers, model: RoutingModel) -> Floats:
    """Squared distances over the clusters' released mean squares; -1 where nothing was released."""
    usual = model.mean_squares[nearest]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = squares / float(1 << 40) / usual
    return np.where(usual > 0.0, ratios, -1.0)
