"""The schedule in the registry: every tick that has come is ordered, or closed with the reason why it was not run."""

from __future__ import annotations

import logging

from server.deployment.logs import say
from server.deployment.office import Office
from server.deployment.schedule import Schedule, due
from server.registry.registry import Registry
from server.registry.ticking import Ticking


def confirm_clock(office: Office) -> None:
    """Say that what the registry holds of later than now was written while this machine's clock ran ahead."""
    office.registry.ticking.confirm_clock(newest_time(office.registry))


def newest_time(registry: Registry) -> int:
    """The newest time that anything in the registry carries; 0 if there is nothing."""
    newest = registry.models.newest()
    return max(registry.runs.latest_time(), newest.issued if newest else 0)


def account_for(schedule: Schedule, ticking: Ticking, now: int) -> int:
    """Account for all ticks up to now; of several the newest is run, the others were missed.

    Guarantees:
        * Every tick since this schedule was first seen is one row, whatever the service did meanwhile; beyond a
          thousand in a row the oldest are one number.
        * A clock that was put back makes no tick come twice.
        * A clock that ran ahead ends nothing: if what is accounted for lies more than a tick ahead, the schedule begins
          anew from now, and says so.

    Returns:
        How many ticks have come.
    """
    reached = ticking.reached(schedule.spelled, now)
    if now <= reached:
        following = schedule.next_tick(now)
        if following is not None and reached > following:
            ticking.begin_anew(reached, now)
            say("the clock went back: the schedule begins anew", level=logging.WARNING, reached=reached, now=now)
        return 0
    found = due(schedule, reached, now)
    ticking.account(found.ticks, now, now, found.uncounted)
    return len(found.ticks) + found.uncounted
