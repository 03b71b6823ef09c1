"""Delivering a published version: at the end of its run, or later to bureaus that have not confirmed it."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable

from common.consortium.publishing import SignedPublication
from common.consortium.roster import Role
from common.errors import EngineError, FedclaimsError, InputError
from common.messages import Published
from server.consortium.holding import Holding
from server.deployment.logs import say
from server.deployment.office import Office
from server.deployment.place import is_running
from server.registry.models import Delivery, Kept
from server.session import deliver
from server.transport import Transport

_LOG = logging.getLogger(__name__)

CODE_BYTES, LOOK_S = 16, 0.5
CLAIM_S = 180
"""Beyond the time for nodes and replies; a process needs some seconds to begin."""

CONFIRMED = "received"
"""What a node says that holds the version now."""

Connect = Callable[[frozenset[str]], Transport]
"""A transport to the nodes of these bureaus."""


def bring(office: Office, transport: Transport, signed: SignedPublication, model: bytes) -> dict[str, str]:
    """Bring a published model to every bureau that a transport reaches; who does not get it can be brought it again.

    Returns:
        What each node said.
    """
    publication, confirmed = signed.publication, set[str]()
    message = Published(
        session=bytes.fromhex(publication.session),
        fingerprint=publication.plan_fingerprint,
        publication=signed.to_json(),
        model=model,
    )
    said = deliver(message, transport, confirmed.add)
    office.registry.models.note_confirmed(publication.version, confirmed)
    office.registry.models.note_delivery(publication.version)
    say("model delivered", version=publication.version, **Counter(said.values()))
    return said


def missing(office: Office, version: int) -> list[str]:
    """The bureaus of the roster that have not confirmed a version.

    Raises:
        InputError: If there is no such version.
        RosterError: If no roster counts now.
    """
    _published(office, version)
    bureaus = {member.name for member in Holding(office.place.consortium).roster(office.clock()).of_role(Role.BUREAU)}
    return sorted(bureaus - office.registry.models.confirmed(version))


def order_delivery(office: Office, version: int, launch: Callable[[str], object]) -> str:
    """Have a version brought to the bureaus that have not confirmed it.

    Args:
        office: Of the coordinator.
        version: That was published.
        launch: Starts a process for an order's code.

    Returns:
        The order's code.

    Raises:
        InputError: If there is no such version.
        EngineError: If no service runs, or a run is under way, or the process cannot be started.
    """
    _published(office, version)
    if not is_running(office.place):
        msg = "bureaus are reached through the service, which does not run: fedclaims-coordinator start"
        raise EngineError(msg)
    run = office.registry.runs.under_way()
    if run is not None:
        msg = f"run {run.number} is under way: deliver when it is closed"
        raise EngineError(msg)
    code = secrets.token_hex(CODE_BYTES)
    office.registry.models.order_delivery(code, version)
    launch(code)
    return code


def delivered(office: Office, code: str, connect: Connect) -> bool:
    """Do the delivery that was ordered under a code, and leave its outcome in the registry; raises nothing.

    Guarantees:
        * An order is taken once; a code that none was ordered under does nothing.
        * Nobody is asked who has confirmed the version already.

    Returns:
        Whether the code was that of a delivery.
    """
    models = office.registry.models
    try:
        order = models.take_delivery(code)
        if order is None:
            return False
        models.end_delivery(code, **_outcome(office, order, connect))
    except FedclaimsError as error:
        _LOG.error("no delivery: %s", error)
    return True


def awaited(office: Office, code: str) -> Delivery:
    """A delivery once it is over.

    Raises:
        EngineError: If it does not end in time, or another one was ordered meanwhile.
    """
    run = office.configuration.run
    until = time.monotonic() + run.patience + run.replies + CLAIM_S
    while time.monotonic() < until:
        found = office.registry.models.delivery()
        if found is None or found.code != code:
            msg = "another delivery was ordered meanwhile: wait for it, then try again"
            raise EngineError(msg)
        if found.ended:
            return found
        time.sleep(LOOK_S)
    msg = "the delivery does not end: look at the SuperLink's log"
    raise EngineError(msg)


def _outcome(office: Office, order: Delivery, connect: Connect) -> dict[str, object]:
    try:
        kept, wanted = _published(office, order.version), frozenset(missing(office, order.version))
        said = bring(office, connect(wanted), kept.signed, kept.model)
    except FedclaimsError as error:
        return {"reason": str(error)}
    except Exception as error:  # noqa: BLE001  whatever it is, whoever waits must learn that it is over
        _LOG.exception("the delivery failed")
        return {"reason": f"the delivery failed inside its process ({type(error).__name__})"}
    return {"said": tuple(sorted(said.values()))}


def _published(office: Office, version: int) -> Kept:
    kept = office.registry.models.find(version)
    if kept is None:
        msg = f"no model of version {version} was published: look at `models`"
        raise InputError(msg)
    return kept
