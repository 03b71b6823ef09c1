"""All checks, in the order in which an operator would mend things."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Iterator

from common.errors import FedclaimsError, InputError
from server.deployment.configuration import load_configuration
from server.deployment.doctor import asking, keeping, neighbours, reaching, streaming
from server.deployment.doctor.findings import Finding, fault, trying
from server.deployment.opening import now
from server.deployment.place import Place, is_running


def insist_owner(place: Place) -> None:
    """Nothing, if this process's user owns the directory, or there is none.

    Raises:
        InputError: If somebody else does; the text says how to go on as that user.
    """
    try:
        owner = place.root.stat().st_uid
    except OSError:
        return
    if owner != os.geteuid():
        name = _name_of(owner)
        msg = f"{place.root} belongs to {name}: run it as {name}: sudo -u {shlex.quote(name)} fedclaims-coordinator ..."
        raise InputError(msg)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def examine(place: Place, *, starting: bool = False, webhook: bool = False) -> Iterator[Finding]:
    """What every check finds. Nothing is changed but the memory of the newest roster.

    Args:
        place: The coordinator's directory.
        starting: Whether a service is about to start: then what only a running one can have is not looked at.
        webhook: Whether to ask the stream's webhook, too.
    """
    mend, moment = "mend what it names, or restore the file", now()
    try:
        configuration = load_configuration(place.configuration)
    except FedclaimsError as error:
        yield fault("configuration", str(error), "mend coordinator.toml")
        return
    yield from keeping.user()
    yield from trying("rights", lambda: keeping.rights(place, configuration), mend)
    yield from trying("registry", lambda: keeping.registry(place, configuration, moment), "mend [registry]")
    yield from trying("disk", lambda: keeping.disk(place), mend)
    yield from trying("roster", lambda: asking.roster(place, configuration, moment), "see `roster show`")
    yield from trying("plan", lambda: asking.plan(place, moment), "mend plan.toml")
    yield from trying("stream", lambda: streaming.stream(place, configuration, moment), "mend [stream], or its plan")
    yield from trying("certificates", lambda: keeping.certificates(place, configuration), "`certificate renew`")
    if starting:
        return
    if webhook:
        yield from trying("webhook", lambda: streaming.webhook(place, configuration, moment), "mend [stream]")
    yield from trying("bundle", lambda: asking.bundle(place, configuration), "start the service once")
    yield from asking.links(place)
    yield from neighbours.users(configuration)
    yield from reaching.host(configuration)
    yield from reaching.superlink(place, configuration, running=is_running(place))
    yield from trying("proxy's list", lambda: neighbours.reloaded(place, configuration), "`certificate renew`")
    yield from trying("proxy", lambda: reaching.proxy(place, configuration), "see `fedclaims-coordinator proxy nginx`")
