"""All checks, in the order in which an engineer would mend things."""

from __future__ import annotations

import time
from collections.abc import Iterator

from client.deployment.configuration import Configuration
from client.deployment.doctor import asking, keeping, surroundings
from client.deployment.doctor.findings import Finding, trying
from client.deployment.place import Place
from common.plan import Plan


def examine(place: Place, configuration: Configuration, plan: Plan | None = None) -> Iterator[Finding]:
    """What every check finds. Nothing is changed but the memory of the newest roster, and no claim is read.

    Args:
        place: The station's directory.
        configuration: Of the station.
        plan: Whether the station would take part in it, too.
    """
    now = int(time.time())
    mend = "mend what it names, or restore the file"
    yield from keeping.user()
    yield from trying("rights", lambda: keeping.rights(place), mend)
    yield from keeping.keys(place, configuration)
    yield from trying("ledger", lambda: keeping.ledger(place, configuration, now), mend)
    yield from trying("claim book", lambda: keeping.book(place), mend)
    yield from trying("policy", lambda: asking.policy(place), "mend policy.toml")
    yield from trying("roster", lambda: keeping.roster(place, now), "get the roster that counts from the coordinator")
    yield from trying(
        "claims",
        lambda: asking.claims(place, configuration),
        "mend the source, the mapping, or [claims] in station.toml",
    )
    yield from trying("socket", lambda: surroundings.socket(place, configuration), mend)
    yield from trying("disk", lambda: surroundings.disk(place), mend)
    yield from trying("memory", lambda: surroundings.memory(configuration), mend)
    if plan is not None:
        yield from trying("plan", lambda: asking.plan_fits(place, configuration, plan, now), mend)
