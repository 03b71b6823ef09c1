"""Attacks that a station answers with a code: each is tried against the rule that stops it, and where there is none.

References:
    Threat model of the protocol, section 4.1: rounds of one bureau, replays, crafted centroids, burnt budgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from client.policy import Policy
from common.grid import GRID_UNITS
from common.messages import RefusalCode
from common.plan import Phase, Plan
from common.private.budget import LEAST_COST
from common.private.question import Question
from simulations.attacks.attacker import StationRefusedError, asking, attacker_of, whole_budget
from simulations.attacks.outcome import RefusalOutcome
from simulations.attacks.victims import BUREAU, COHORT, Victims, noisy_plan, open_plan, policy_for, seeded

OTHER = "west"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request.

    Attributes:
        question: What is asked.
        cohort: Who is said to be asked.
        number: Of the round.
        attempt: Of the round.
    """

    question: Question
    cohort: tuple[str, ...] = COHORT
    number: int = 1
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a coordinator asks of a station.

    Attributes:
        plan: Of the session.
        policy: Of the bureau.
        asks: One after another, until one is refused.
        sessions: Whether each is asked in a session of its own.
    """

    plan: Plan
    policy: Policy
    asks: Sequence[Ask]
    sessions: bool = False

    def play(self, victims: Victims) -> tuple[RefusalCode | None, int]:
        """The code of the first request that is refused, and how many were answered before."""
        store, answered = victims.store(), 0
        with attacker_of(self.plan, seeded(5), self.policy) as attacker:
            session = attacker.session(store)
            try:
                for ask in self.asks:
                    session.ask(ask.question, cohort=ask.cohort, number=ask.number, attempt=ask.attempt)
                    answered += 1
                    session = attacker.session(store) if self.sessions else session
            except StationRefusedError as refused:
                return refused.code, answered
        return None, answered


def lone_bureau(victims: Victims) -> RefusalOutcome:
    """Ask a cohort of one bureau, whose sum is its summary; the plan would allow it, the policy does not."""
    plan = open_plan(min_cohort=1)
    lax = Scene(plan=plan, policy=policy_for(plan), asks=[Ask(question=_around(plan), cohort=(BUREAU,))])
    return _tried("a cohort of one bureau", victims, replace(lax, policy=policy_for(plan, min_cohort=3)), lax)


def shrunk_cohort(victims: Victims) -> RefusalOutcome:
    """Declare all other bureaus lost, round by round, until one is left."""
    plan = open_plan(min_cohort=1)
    cohorts = enumerate((COHORT, COHORT[:2], (BUREAU,)), 1)
    asks = [Ask(question=_around(plan), cohort=cohort, number=number) for number, cohort in cohorts]
    lax = Scene(plan=plan, policy=policy_for(plan), asks=asks)
    return _tried("a cohort that shrinks to one", victims, replace(lax, policy=policy_for(plan, min_cohort=2)), lax)


def grown_cohort(victims: Victims) -> RefusalOutcome:
    """Ask with and without a bureau, and with it again: the sums of both cohorts differ by its summary.

    The rule holds within a session; a session for each cohort goes round it, and costs a budget each where there is
    one.
    """
    plan = open_plan()
    cohorts = enumerate(((*COHORT, OTHER), COHORT, (*COHORT, OTHER)), 1)
    asks = [Ask(question=_around(plan), cohort=cohort, number=number) for number, cohort in cohorts]
    rule = Scene(plan=plan, policy=policy_for(plan), asks=asks)
    return _tried("a cohort that grows again", victims, rule, replace(rule, sessions=True))


def second_answer(victims: Victims) -> RefusalOutcome:
    """Ask the same round again with other centroids; without protection a later attempt may."""
    plan = noisy_plan()
    asks = [Ask(question=_around(plan, at, 4), attempt=attempt) for attempt, at in enumerate((0.0, 0.03), 1)]
    return _tried("another question in the same round", victims, *_with_and_without(plan, asks))


def too_many_rounds(victims: Victims) -> RefusalOutcome:
    """Ask on after the session's budget is spent, to average the noise away; without protection nothing is spent."""
    plan = noisy_plan()
    questions = [_around(plan, part=8)] * 8 + [replace(_around(plan), cost=LEAST_COST)]
    asks = [Ask(question=question, number=number) for number, question in enumerate(questions, 1)]
    return _tried("more rounds than the budget", victims, *_with_and_without(plan, asks))


def too_many_sessions(victims: Victims) -> RefusalOutcome:
    """Ask the same in session after session, each within its budget, until that of the data version is spent."""
    plan = noisy_plan()
    rule, lax = _with_and_without(plan, [Ask(question=_around(plan))] * 100)
    usual = Policy(protections=frozenset({plan.protection}))
    return _tried(
        "more sessions than the budget",
        victims,
        replace(rule, policy=usual, sessions=True),
        replace(lax, sessions=True),
    )


def out_of_range(victims: Victims) -> list[RefusalOutcome]:
    """Radii that would take a bound out of force, and centroids out of range; within range they are answered."""
    plan = noisy_plan()
    nowhere = np.zeros((1, plan.features.n_features), np.int64)
    crafted = {
        "a radius of zero": (nowhere, 0),
        "a negative radius": (nowhere, -GRID_UNITS),
        "a radius beyond the ball": (nowhere, 2 * GRID_UNITS + 1),
        "a centroid out of reach": (nowhere + GRID_UNITS, GRID_UNITS),
        "a centroid that overflows": (nowhere + 2**62, GRID_UNITS),
    }
    lax = Scene(plan=plan, policy=policy_for(plan), asks=[Ask(question=_around(plan))])
    return [
        _tried(name, victims, replace(lax, asks=[Ask(question=_crafted(plan, centroids, radius))]), lax)
        for name, (centroids, radius) in crafted.items()
    ]


def _around(plan: Plan, at: float = 0.0, part: int = 1) -> Question:
    """A proper question for one part of a session's budget."""
    return asking(np.full(plan.features.n_features, at), 1.0, whole_budget(plan) // part, Phase.LLOYD)


def _crafted(plan: Plan, centroids: npt.NDArray[np.int64], radius: int) -> Question:
    return replace(_around(plan), centroids=centroids, radii=np.array([radius], np.int64))


def _with_and_without(plan: Plan, asks: Sequence[Ask]) -> tuple[Scene, Scene]:
    """The same requests under noise, and without protection."""
    lax = open_plan()
    return (
        Scene(plan=plan, policy=policy_for(plan), asks=asks),
        Scene(plan=lax, policy=policy_for(lax), asks=asks),
    )


def _tried(name: str, victims: Victims, rule: Scene, lax: Scene) -> RefusalOutcome:
    code, answered = rule.play(victims)
    without_rule, _ = lax.play(victims)
    return RefusalOutcome(name=name, answered=answered, code=code, without_rule=without_rule)
