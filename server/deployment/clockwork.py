"""The schedule in the registry: every tick that has come is ordered, or closed with the reason why it was not run."""

from __future__ import annotations

from server.deployment.schedule import Schedule, due
from server.registry.ticking import Ticking


def account_for(schedule: Schedule, ticking: Ticking, now: int) -> int:
    """Account for all ticks up to now; of several the newest is run, the others were missed.

    Guarantees:
        * Every tick since this schedule was first seen is one row, whatever the service did meanwhile; beyond a
          thousand in a row the oldest are one number.
        * A clock that was put back makes no tick come twice.

    Returns:
        How many ticks have come.
    """
    reached = ticking.reached(schedule.spelled, now)
    if now <= reached:
        return 0
    found = due(schedule, reached, now)
    ticking.account(found.ticks, now, now, found.uncounted)
    return len(found.ticks) + found.uncounted
