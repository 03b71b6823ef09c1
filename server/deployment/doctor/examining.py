"""All checks, in the order in which an operator would mend things."""

from __future__ import annotations

from collections.abc import Iterator

from common.errors import FedclaimsError
from server.deployment.configuration import load_configuration
from server.deployment.doctor import asking, keeping, reaching
from server.deployment.doctor.findings import Finding, fault, trying
from server.deployment.opening import now
from server.deployment.place import Place, is_running


def examine(place: Place, *, starting: bool = False) -> Iterator[Finding]:
    """What every check finds. Nothing is changed but the memory of the newest roster.

    Args:
        place: The coordinator's directory.
        starting: Whether a service is about to start: then what only a running one can have is not looked at.
    """
    mend, moment = "mend what it names, or restore the file", now()
    try:
        configuration = load_configuration(place.configuration)
    except FedclaimsError as error:
        yield fault("configuration", str(error), "mend coordinator.toml")
        return
    yield from keeping.user()
    yield from trying("rights", lambda: keeping.rights(place), mend)
    yield from trying("registry", lambda: keeping.registry(place, configuration, moment), "mend [registry]")
    yield from trying("disk", lambda: keeping.disk(place), mend)
    yield from trying("roster", lambda: asking.roster(place, configuration, moment), "see `roster show`")
    yield from trying("plan", lambda: asking.plan(place, moment), "mend plan.toml")
    yield from trying("certificates", lambda: keeping.certificates(place, configuration), "`certificate renew`")
    if starting:
        return
    yield from trying("bundle", lambda: asking.bundle(place, configuration), "start the service once")
    yield from reaching.host(configuration)
    yield from reaching.superlink(place, configuration, running=is_running(place))
    yield from trying("proxy", lambda: reaching.proxy(place, configuration), "see `fedclaims-coordinator proxy nginx`")
