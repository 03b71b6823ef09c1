"""A small model with everything a router decides with, from random claims; made once."""

from functools import cache

import numpy as np

from client.router.claims import RoutedClaims, routed_claims
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.carding import local_cards
from client.router.deciding.deciding import decide
from client.router.deciding.decisions import Decisions
from client.router.deciding.distance import locate
from client.router.deciding.fitting import Reviewed, fit_calibration
from client.router.deciding.inputs import columns_of
from client.router.deciding.model import RoutingModel
from client.router.deciding.observing import observe
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.scoring import MILLION, score
from client.router.registers import Registers
from client.router.rules.evaluate import Findings, evaluate
from client.router.rules.history import History
from client.router.rules.table import default_rules
from common.claim import Claim
from common.columns import tabulate
from common.costs import costs_of, sum_costs
from common.features.default import default_spec
from common.features.rows import Featuriser
from common.kernel import e_step, row_norms
from common.model import Model, Provenance, model_of
from common.plan import Plan, Protection
from common.rounds import Outcome
from common.summary import Summary
from tests.common.claims import random_claims

NOW = 1_760_000_000
LOT = bytes(range(32))
K = 6
PLAN = Plan(features=default_spec(), n_clusters=K, protection=Protection.NONE, smallest_cluster=1)
POLICY = RouterPolicy(min_confidence=0.7, largest_risk_share=0.9, high_risk_share=0.8, spot_check_share=0.1)


@cache
def claims(n: int = 1500, seed: int = 1) -> tuple[Claim, ...]:
    return tuple(random_claims(n, seed))


@cache
def routed(n: int = 1500, seed: int = 1) -> RoutedClaims:
    held = claims(n, seed)
    refused = {claim.psn_key for claim in held[::40]}
    return routed_claims(held, [hash_of(claim.psn_key) for claim in held], refused)


def hash_of(key: str) -> int:
    return int(key.split("-")[1]) + 1


@cache
def rows(n: int = 1500, seed: int = 1) -> np.ndarray:
    return Featuriser(PLAN.features).rows(tabulate(claims(n, seed)))


@cache
def model() -> Model:
    held, table = rows(), tabulate(claims())
    norms = row_norms(held)
    centroids = np.rint(held[:K].astype(np.float64) * (1 << 20)).astype(np.int64)
    for _ in range(5):
        step = e_step(held, norms, centroids)
        centroids = step.sums // np.maximum(step.counts, 1)[:, None]
    step = e_step(held, norms, centroids)
    costs = sum_costs(costs_of(table.total, PLAN.cost_cap_yuan), step.labels, K)
    summary = Summary(counts=step.counts, sums=step.sums, squares=step.squares, costs=costs)
    provenance = Provenance(session="00" * 16, rounds=5, cohort=("east", "north"), version="0.1.0")
    return model_of(PLAN, Outcome(centroids=centroids, summary=summary, rounds=5), provenance)


@cache
def routing_model() -> RoutingModel:
    return RoutingModel.of(model(), version=3, expires=NOW + 1000)


@cache
def artefacts(policy: RouterPolicy = POLICY) -> Artefacts:
    """With habits, cards and a calibration on verdicts that mostly follow the score."""
    held, chosen = routed(), routing_model()
    places = locate(rows(), chosen)
    habits = observe(held.table, places.nearest, chosen, NOW)
    scores = score(columns_of(held, LOT), places.nearest, places.square, chosen, habits).scores / MILLION
    routine = np.random.default_rng(2).random(len(scores)) < 0.5 + scores
    cards = local_cards(
        chosen,
        policy,
        reviewed=places.nearest,
        adverse=~routine,
        recent=places.nearest,
        providers=held.table.attributes["fixmedins_code"],
        made_at=NOW,
    )
    reviewed = Reviewed(scores=scores, routine=routine)
    calibration = fit_calibration(
        reviewed, scores, policy, model_sha256=chosen.sha256, habits_sha256=habits.sha256, now=NOW
    )
    return Artefacts(model=chosen, policy=policy, cards=cards, habits=habits, calibration=calibration, lot=LOT)


@cache
def found(n: int = 1500, seed: int = 1) -> Findings:
    return evaluate(default_rules(), routed(n, seed), History(days=400), Registers())


@cache
def decisions(n: int = 1500, seed: int = 1) -> Decisions:
    return decide(routed(n, seed), rows(n, seed), found(n, seed), artefacts(), NOW)
