"""Whether a window is worth asking about, and the plan that asks.

Too few claims are not asked about: they stay with the bureaus, and pool into the next window.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil, sqrt

from common.accounting.feasibility import REFUSE_BELOW, WARN_BELOW
from common.errors import PlanError
from common.grid import GRID_UNITS
from common.plan import Plan
from common.private.feasible import feasibility
from common.stream.state import StreamState
from common.stream.window import Window

RESEED_AT = 12.0
"""Deviations that late inertia must add up to beyond the slow mean before clusters are looked for from scratch."""

MOST_UNITS = 1 << 33


class Pace(StrEnum):
    """What to do at a tick."""

    SEED = "seed"
    GO_ON = "go on"
    POOL = "pool"


def expected_claims(state: StreamState, number: int) -> float:
    """Claims that have come since the last window of a state, at the pace of late windows."""
    return state.watch.claims / GRID_UNITS * max(number - state.window, 1)


def memory_gain(memory: int) -> float:
    """How many times as far claims outweigh noise, because earlier windows are remembered.

    Noise in a faded mean has ``(1 - kept) / (1 + kept)`` of the variance of one window's.
    """
    kept = memory / 1000
    return sqrt((1.0 + kept) / (1.0 - kept))


def going_on(base: Plan, window: Window) -> Plan:
    """The plan of one round that asks about a window and goes on from its state.

    Args:
        base: What was agreed on for the stream: features, protection, terms; as for a run that looks for clusters.
        window: With a state.

    Raises:
        PlanError: If the base protects nobody, or the window has no state.
    """
    state = window.goes_on
    if base.privacy is None or state is None:
        raise PlanError("a stream goes on under a protected plan, from what was believed before")
    expected = ceil(expected_claims(state, window.number) * memory_gain(window.memory))
    division = base.privacy.division.model_dump() | {"polish_rounds": 0, "outcomes": 0}
    privacy = base.privacy.model_dump() | {
        "division": division,
        "expected_units": min(max(expected, 1), MOST_UNITS),
    }
    changes = {"privacy": privacy, "n_clusters": len(state.clusters), "window": window.model_dump()}
    return Plan.model_validate(base.model_dump() | changes)


def seeding(base: Plan, window: Window, claims: float) -> Plan:
    """The plan of a run that looks for clusters in the claims of a window, of which there are about so many."""
    if base.privacy is None:
        raise PlanError("a stream begins under a protected plan")
    privacy = base.privacy.model_dump() | {"expected_units": min(max(int(claims), 1), MOST_UNITS)}
    return Plan.model_validate(base.model_dump() | {"privacy": privacy, "window": window.model_dump()})


def pace_of(plan: Plan, n_bureaus: int) -> Pace:
    """Whether a window's plan is worth its claims, or they had better pool into the next.

    A run that looks for clusters needs the index to be 18; one that goes on needs 5, with its memory counted.
    """
    looks = plan.goes_on is None
    enough = feasibility(plan, n_bureaus).phi >= (WARN_BELOW if looks else REFUSE_BELOW)
    if not enough:
        return Pace.POOL
    return Pace.SEED if looks else Pace.GO_ON


def wants_reseeding(state: StreamState) -> bool:
    """Whether so much has changed that following it is no use."""
    return state.watch.drift / 1000.0 > RESEED_AT
