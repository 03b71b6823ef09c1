"""What a tick asks, or why it keeps the old model. Pure: plan, state and wishes are arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from common.errors import PlanError
from common.pacing import Pace, expected_claims, going_on, pace_of, seeding, wants_reseeding
from common.plan import Plan
from common.stream.state import StreamState
from common.stream.window import Window
from server.registry.stream import Wishes
from server.registry.tick import Moment

PAUSED = "the stream was paused"
MISSED = "missed: the service did not run"
POOLED = "too few claims were expected: they are asked about in a later window"
POOLED_ANEW = "clusters are to be looked for anew: claims pool until there are enough"

MOST_POOLED = 8
"""Windows whose claims may wait until clusters are looked for anew; where that is not enough, the stream goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what a stream goes.

    Attributes:
        stream: Its name.
        base: The plan of a run that looks for clusters.
        n_bureaus: On the roster.
        memory: What earlier windows weigh in the next one, per mille.
        fewest_bureaus: That a new cluster must be seen in.
        reseeds: Whether clusters are looked for anew when drift demands it.
    """

    stream: str
    base: Plan
    n_bureaus: int
    memory: int
    fewest_bureaus: int
    reseeds: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """The old model stays.

    Attributes:
        reason: Why.
    """

    reason: str


def decided(terms: Terms, moment: Moment, state: StreamState | None, wishes: Wishes) -> Plan | Kept:
    """What a tick asks.

    Guarantees:
        * The same terms, moment, state and wishes give the same plan, byte for byte: nothing else is remembered.

    Args:
        terms: Of the stream.
        moment: Of the tick.
        state: After the newest window that was published; None before the first.
        wishes: Of people.

    Raises:
        PlanError: If the base cannot be asked about windows, or does not fit the state.
    """
    if terms.n_bureaus < terms.base.min_cohort:
        return Kept(f"the roster lists {terms.n_bureaus} bureaus, the plan needs {terms.base.min_cohort}")
    try:
        return _decided(terms, moment, None if state is None else pinned(state, wishes.pins), wishes)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]["msg"]
        msg = f"the stream's plan does not go on from its state: {first}"
        raise PlanError(msg) from None


def pinned(state: StreamState, pins: Mapping[int, bool]) -> StreamState:
    """A state with what people wish to be pinned, or no longer; other identities are passed over."""
    clusters = tuple(one.model_copy(update={"pinned": pins.get(one.identity, one.pinned)}) for one in state.clusters)
    return state.model_copy(update={"clusters": clusters})


def looks_anew(terms: Terms, state: StreamState, wishes: Wishes) -> bool:
    """Whether clusters are to be looked for anew, by somebody's wish or because of drift."""
    wished = wishes.reseeds_after is not None and state.seeded <= wishes.reseeds_after
    return wished or (terms.reseeds and wants_reseeding(state))


def _decided(terms: Terms, moment: Moment, state: StreamState | None, wishes: Wishes) -> Plan | Kept:
    if state is None:
        return _if_worth(terms, seeding(terms.base, _window(terms, moment, None), _expected_first(terms.base)))
    if looks_anew(terms, state, wishes):
        anew = _window(terms, moment, state, reseeds=True)
        plan = seeding(terms.base, anew, expected_claims(state, moment.number))
        if pace_of(plan, terms.n_bureaus) is Pace.SEED:
            return plan
        most = seeding(terms.base, anew, expected_claims(state, state.window + MOST_POOLED))
        if pace_of(most, terms.n_bureaus) is Pace.SEED:
            return Kept(POOLED_ANEW)
    return _if_worth(terms, going_on(terms.base, _window(terms, moment, state)))


def _window(terms: Terms, moment: Moment, state: StreamState | None, *, reseeds: bool = False) -> Window:
    return Window(
        stream=terms.stream,
        number=moment.number,
        closes=moment.closes,
        state=state,
        reseeds=reseeds,
        memory=terms.memory,
        fewest_bureaus=terms.fewest_bureaus,
    )


def _if_worth(terms: Terms, plan: Plan) -> Plan | Kept:
    return Kept(POOLED) if pace_of(plan, terms.n_bureaus) is Pace.POOL else plan


def _expected_first(base: Plan) -> float:
    return 0.0 if base.privacy is None else float(base.privacy.expected_units)
