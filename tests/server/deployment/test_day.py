"""A virtual day of 15-minute ticks with bureaus that come and go: every tick is accounted for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from common.consortium.publishing import insist_follows
from server.deployment.clockwork import account_for
from server.deployment.schedule import schedule_of
from server.deployment.watching import Watch
from server.registry.run import Run, State
from server.registry.ticking import MISSED, STILL_GOING_ON
from tests.server.deployment.coordinators import QUICK
from tests.server.deployment.rehearsed import InProcess, Rehearsed, rehearsed

QUARTER, DAY = 900, 86_400
PLAN = QUICK.replace("epsilon = 10.0", "epsilon = 2.0").replace("20000", "20000000")
LONG = 60
"""The tick whose run takes longer than until the next one."""

DOWN = range(40, 44)
"""Ticks in which the service does not run."""


def absent_at(tick: int, names: tuple[str, ...]) -> set[str]:
    """One bureau flaps all day; another one is gone with it every tenth time: then too few are left."""
    return {names[0]} if tick % 2 else ({names[1], names[2]} if tick % 10 == 0 else set())


def expected(tick: int, names: tuple[str, ...]) -> tuple[State, str, set[str]]:
    """What becomes of a tick: its state, a part of its reason, and its cohort."""
    there = set(names) - absent_at(tick, names)
    if tick in DOWN or tick == LONG + 1:
        return State.ABANDONED, MISSED if tick in DOWN else STILL_GOING_ON, set()
    return (State.DONE, "", there) if len(there) > 2 else (State.FAILED, "2 bureaus take part", there)


def live_through(day: Rehearsed, start: int) -> None:
    """A day of the service's looks, one a tick; one run takes so long that the next tick finds it."""
    schedule = schedule_of(every=QUARTER, at=(), days=(), timezone="UTC")
    ticking = day.office.registry.ticking

    def takes_long(run: Run) -> None:
        if run.tick == start + LONG * QUARTER:
            day.clock.now += QUARTER + 60
            account_for(schedule, ticking, day.clock.now)

    watch = Watch(day.office, InProcess(day, takes_long))
    account_for(schedule, ticking, start)
    for tick in range(1, DAY // QUARTER + 1):
        day.clock.now = max(day.clock.now, start + tick * QUARTER)
        if tick not in DOWN:
            day.transport.absent = absent_at(tick, day.names)
            account_for(schedule, ticking, day.clock.now)
            watch.look()


@pytest.mark.slow
def test_every_tick_of_a_day_is_done_or_has_a_reason_and_its_cohort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rehearsed(tmp_path, monkeypatch, PLAN, n_bureaus=4, n_claims=1200) as day:
        start = day.clock.now = day.clock.now // QUARTER * QUARTER
        live_through(day, start)
        registry, names = day.office.registry, day.names
        runs = {((run.tick or 0) - start) // QUARTER: run for run in registry.runs.newest(1000)}
        published = [one.publication for one in reversed(registry.models.all())]
    assert sorted(runs) == list(range(1, 97))
    for tick, run in runs.items():
        state, reason, cohort = expected(tick, names)
        assert (tick, run.state, set(run.cohort)) == (tick, state, cohort), run.reason
        assert reason in run.reason
        assert bool(run.reason) is (state is not State.DONE)
        assert state is not State.DONE or set(run.heads) == cohort
    n_done = sum(run.state is State.DONE for run in runs.values())
    assert [one.version for one in published] == list(range(1, n_done + 1))
    for before, after in pairwise(published):
        insist_follows(after, before)
