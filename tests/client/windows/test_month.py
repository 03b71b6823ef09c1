"""A stream of 30 days: what ledger, book and odometer say is what the accountant says, to the last digit."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from client.ledger.chain import Chain
from client.ledger.ledger import inspect
from client.ledger.spending import Limit
from client.ledger.statement import state
from client.releasing import rho_within
from client.windows.odometer import read_odometer
from common.accounting.charges import rdp_epsilon
from common.private.budget import allotment
from simulations.ledgers import in_memory
from tests.client.ledger.releases import Clock
from tests.client.windows.streaming import QUARTER, Streaming, streaming, window_plan, words

A_DAY = 96


@contextmanager
def stream_of(days: int) -> Iterator[tuple[Streaming, Counter[int]]]:
    """A window every 15 minutes, each with two new claims: of a person who always comes, and of one of 50 others.

    Beside the station, how many windows each person was in.
    """
    with tempfile.TemporaryDirectory(dir=in_memory()) as place:
        clock = Clock()
        north = streaming(Path(place) / "ledger", window_plan(1, clock.now), clock)
        inside: Counter[int] = Counter()
        for number in range(1, days * A_DAY + 1):
            clock.now += QUARTER
            keys = north.claims.add([0, 1 + number % 50], clock.now - 1)
            words(north.tick(window_plan(number, clock.now), number))
            inside.update(int(north.claims.persons[key]) for key in north.entered(number) & set(keys))
        yield north, inside
        north.stop()


def check(days: int) -> None:
    plan = window_plan(1, 0)
    assert plan.privacy is not None
    rho = sum(allotment(plan.privacy, plan.max_leaves).calibration.costs)
    with stream_of(days) as (north, inside):
        chain, most = inspect(north.directory), _most(north)
        _check_ledger(north, chain, days * A_DAY, rho)
        spent = north.book.spent_by_persons(np.arange(51, dtype=np.uint64), north.clock.now)
        assert spent.tolist() == [rho * inside[person] for person in range(51)]
        assert inside[0] == min(days * A_DAY, most // rho), "until that is spent, and not once more"
        _check_odometer(north, chain, inside, rho)


def _most(north: Streaming) -> int:
    return rho_within(north.policy.epsilon_per_year_of_windows, north.policy.delta)


def _check_ledger(north: Streaming, chain: Chain, windows: int, rho: int) -> None:
    spending, now = chain.book.spending, north.clock.now
    limits = north.policy.limits(rho_within)
    assert spending.windows_year(now) == spending.total == windows * rho
    assert spending.year(now) == min(windows * rho, _most(north)) <= limits.year - limits.session, (
        "a run beside the stream still fits"
    )
    told = state(chain, now=now, delta=north.policy.delta, epsilon_of=float, limits=limits)
    assert [one.windows for one in told.streams] == [windows]
    assert [room.spent for room in told.room if room.limit is Limit.WINDOWS_PER_DAY] == [A_DAY]
    assert not [room for room in told.room if room.limit is Limit.DATA_VERSION]


def _check_odometer(north: Streaming, chain: Chain, inside: Counter[int], rho: int) -> None:
    delta = north.policy.delta
    found = read_odometer(north.directory, chain, north.clock.now, lambda one: rdp_epsilon((one,), delta))
    assert found is not None
    persons, claims = found.spent
    assert persons.largest == rdp_epsilon((rho * inside[0],), delta)
    assert persons.largest <= north.policy.epsilon_per_year
    assert claims.largest == rdp_epsilon((rho,), delta), "each claim was in one window"
    assert found.windows == found.answered == len(north.book.windows)
    assert found.claims == inside.total()


def test_a_day_of_windows_is_accounted_for_to_the_last_digit() -> None:
    check(1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_thirty_days_of_windows_are_accounted_for_to_the_last_digit() -> None:
    check(30)
