"""Membership by probing: is this person in the data, asked with centroids next to the person's claims?

The coordinator is given all it could wish for: it knows every other claim, and it weighs every word of every answer by
how much the person would change it, which no test of presence beats (Neyman and Pearson). So the rate measured here is
about the best there is, and the guarantee's limit holds for it as for all others.

References:
    Neyman, Pearson, "On the Problem of the Most Efficient Tests of Statistical Hypotheses", Phil. Trans. 231, 1933;
    Homer et al., "Resolving Individuals Contributing Trace Amounts of DNA to Highly Complex Mixtures", PLoS Genetics
    4(8), 2008; Nasr et al., "Adversary Instantiation", IEEE S&P 2021 (audits by the strongest adversary).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from client.rowstore import RowStore
from common.accounting.charges import RHO_UNITS
from common.plan import Phase, Plan
from common.private.question import Question, blocks, counted_on
from simulations.attacks.attacker import Attacker, Floats, Session, asking, attacker_of, whole_budget
from simulations.attacks.outcome import AttackOutcome, Rate, accuracy_limit, gaussian_accuracy_limit
from simulations.attacks.victims import Victims, noisy_plan, open_plan, seeded

BESIDE = 0.05
"""How far from the claim the probe lies; with this as its radius, the claim counts in full in every word it is in."""

ALL_PHASES = (Phase.SEEDING, Phase.RADIUS, Phase.LLOYD, Phase.MEASURE)

FEW = 40
"""Trials without protection, where nothing is left to chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question, and how the person's presence would change its answer.

    Attributes:
        question: What is asked.
        absent: The words without the person.
        change: What the person adds to them.
        variances: Of the noise in each word; ones where there is none.
    """

    question: Question
    absent: Floats
    change: Floats
    variances: Floats

    def score(self, session: Session) -> float:
        """Ask; how much the answer speaks for the person: above zero, presence is the likelier."""
        excess = session.ask(self.question) - self.absent
        return float(((excess - 0.5 * self.change) * self.change / self.variances).sum())


def probing(
    others: Victims,
    person: Victims,
    n_trials: int,
    *,
    plan: Plan | None = None,
    phases: Sequence[Phase] = (Phase.SEEDING,),
) -> AttackOutcome:
    """Decide in each of so many sessions whether a person is in the data; in every other one the person is.

    Args:
        others: Claims of everybody else.
        person: All claims of the person.
        n_trials: Sessions, each with noise of its own.
        plan: With noise; the one of ``noisy_plan`` if None.
        phases: What is asked in a session, which share its budget evenly.
    """
    plan = plan or noisy_plan()
    if plan.privacy is None:
        raise ValueError("the attack is on a plan with noise; the one without is its own twin")
    return AttackOutcome(
        name=f"probe centroids beside a person with {len(person.rows)} claims",
        success="presence decided",
        unprotected=_decided(open_plan(), others, person, FEW, (Phase.SEEDING,)),
        protected=_decided(plan, others, person, n_trials, phases),
        limit=accuracy_limit(plan.privacy.guarantee),
    )


def best_accuracy(plan: Plan) -> float:
    """What the best test of presence reaches on one session of a plan with noise, by what the session costs."""
    return gaussian_accuracy_limit(sqrt(2.0 * whole_budget(plan) / RHO_UNITS))


def _decided(plan: Plan, others: Victims, person: Victims, n_trials: int, phases: Sequence[Phase]) -> Rate:
    absent, present = others.store(), (others + person).store()
    probes = _probes(plan, absent, present, person.rows[0].astype(np.float64), phases)
    right = 0
    with attacker_of(plan, seeded(4)) as attacker:
        for trial in range(n_trials):
            is_present = trial % 2 == 1
            right += _thinks_present(attacker, present if is_present else absent, probes) is is_present
    return Rate(right, n_trials)


def _thinks_present(attacker: Attacker, claims: RowStore, probes: Sequence[Probe]) -> bool:
    session = attacker.session(claims)
    return sum(probe.score(session) for probe in probes) > 0.0


def _probes(plan: Plan, absent: RowStore, present: RowStore, row: Floats, phases: Sequence[Phase]) -> list[Probe]:
    cost = whole_budget(plan) // len(phases)
    beside = row * (1.0 - BESIDE / np.linalg.norm(row))
    return [_probe(plan, asking(beside, BESIDE, cost, phase), absent, present) for phase in phases]


def _probe(plan: Plan, question: Question, absent: RowStore, present: RowStore) -> Probe:
    before, after = (_raw_words(plan, question, store) for store in (absent, present))
    return Probe(question=question, absent=before, change=after - before, variances=_variances(plan, question))


def _raw_words(plan: Plan, question: Question, store: RowStore) -> Floats:
    """What the coordinator expects before noise, from claims it knows."""
    if plan.privacy is None:
        with_costs = question.phase is Phase.MEASURE
        return store.summarise(question.centroids, with_costs=with_costs).to_vector().astype(np.float64)
    return store.answer(question, plan.privacy).astype(np.float64)


def _variances(plan: Plan, question: Question) -> Floats:
    if plan.privacy is None:
        return np.ones(1)
    k, d = question.centroids.shape
    parts = blocks(plan.privacy, question.phase, k, d, question.cost)
    return np.concatenate([np.full(part.n_words, float(part.variance) / counted_on(plan)) for part in parts])
