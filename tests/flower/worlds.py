"""Small bureaus of random rows behind stations."""

from collections.abc import Callable

import numpy as np

from client.rowstore import RowStore
from client.station import Station
from common.plan import Plan
from server.session import SessionReport
from simulations.engines import loopback_engine
from simulations.ledgers import granting_policy
from simulations.loopback import Answer
from tests.common.open_run import plan_of
from tests.common.rows import blobs

N_FEATURES, N_ROWS = 6, 300
BUREAUS = ("east", "north", "south", "west")


def small_plan(min_cohort: int = 3) -> Plan:
    return plan_of(N_FEATURES, n_clusters=4, fewest_leaves=8, min_cohort=min_cohort)


def stations_of(plan: Plan, names: tuple[str, ...] = BUREAUS) -> dict[str, Answer]:
    """The same rows for the same names, each time behind fresh stations."""
    return {name: _station(plan, name, place) for place, name in enumerate(names)}


def over_loopback(plan: Plan) -> SessionReport:
    return loopback_engine(1)(stations_of(plan), plan, lambda _: None)


def failing_from(answer: Answer, nth: int) -> Answer:
    """A station that answers until the nth request and then fails, with a claim's value in its text."""
    asked = 0

    def failing(request: bytes) -> bytes:
        nonlocal asked
        asked += 1
        if asked >= nth:
            msg = "NAME=Jane Doe"
            raise ValueError(msg)
        return answer(request)

    return failing


def _station(plan: Plan, name: str, place: int) -> Answer:
    store = RowStore(N_FEATURES, plan.cost_cap_yuan)
    store.append(
        blobs(N_ROWS, N_FEATURES, 4, seed=place),
        np.arange(100, 100 + N_ROWS, dtype=np.int64),
        np.arange(N_ROWS, dtype=np.uint64),
    )
    rows_for: Callable[[Plan], RowStore] = lambda _: store  # noqa: E731
    return Station(name, granting_policy(plan), rows_for).answer
