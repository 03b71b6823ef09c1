"""Conducting an ordered run: from the claim of the order to the published model, over any transport.

All that comes from outside is the order's code. Plan, roster and keys come from the coordinator's directory.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version

from common.consortium.identity import Identity
from common.consortium.publishing import Publication, SignedPublication, sign_publication
from common.consortium.roster import Role, Roster
from common.errors import EngineError, FedclaimsError
from common.model import Model
from common.plan import Plan, Protection
from server.consortium.holding import Holding
from server.coordinator import Coordinator
from server.deployment.delivering import Connect, bring
from server.deployment.office import Office
from server.deployment.planning import plan_for
from server.deployment.recording import recorded
from server.deployment.secrets_file import passphrase_of
from server.deployment.stream.windows import plan_of_window
from server.masked.run import MaskedRun
from server.masked.session import run_masked_session
from server.masked.terms import Terms
from server.registry.models import next_place
from server.registry.run import Run, RunClosedError, State, Taken
from server.session import RoundReport, SessionReport, run_session
from server.transport import Transport

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """On what a run goes.

    Attributes:
        plan: Of the run.
        roster: That counts now.
        identity: Signs for the coordinator.
        session: 16 bytes that no other run has.
    """

    plan: Plan
    roster: Roster
    identity: Identity
    session: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def bureaus(self) -> dict[str, bytes]:
        """Identities of the bureaus, by name."""
        return {member.name: member.public_key for member in self.roster.of_role(Role.BUREAU)}


def conduct(office: Office, code: str, connect: Connect) -> None:
    """Run what was ordered, and leave its outcome in the registry; raises nothing.

    Guarantees:
        * Nothing happens without an order that is starting; an order is taken once.
        * A run that was closed meanwhile is not gone on with after the round that is open.
    """
    try:
        run = office.registry.runs.claim(code, os.getpid(), office.clock())
    except FedclaimsError as error:
        _LOG.error("no run: %s", error)
        return
    taken = Taken()

    def learn(found: Taken) -> None:
        nonlocal taken
        taken = found

    try:
        _conduct(office, run, connect, learn)
    except RunClosedError:
        _LOG.warning("run %d was closed by others", run.number)
    except FedclaimsError as error:
        _fail(office, run, str(error), taken)
    except Exception as error:  # noqa: BLE001  whatever it is, the registry must learn that it is over
        _LOG.exception("run %d failed", run.number)
        _fail(office, run, f"the run failed inside its process ({type(error).__name__})", taken)


def agreed(office: Office, run: Run) -> Agreed:
    """What the directory says now of a run.

    Raises:
        InputError: If a file needs mending.
        PlanError: If the plan does.
        RosterError: If no roster counts, or it does not list this coordinator under its key.
    """
    holding, name = Holding(office.place.consortium), office.configuration.name
    roster = holding.roster(office.clock())
    identity = holding.identity(passphrase_of(office.place, office.configuration))
    if roster.member(name, Role.COORDINATOR).public_key != identity.public:
        raise EngineError("the roster lists another key for this coordinator: restore consortium/identity.key")
    plan = plan_of_window(office, run, roster) or plan_for(office, run.purpose)
    return Agreed(plan=plan, roster=roster, identity=identity)


def _conduct(office: Office, run: Run, connect: Connect, learn: Callable[[Taken], None]) -> None:
    ground, runs = agreed(office, run), office.registry.runs
    facts = {"session": ground.session.hex(), "fingerprint": ground.plan.fingerprint}
    runs.note(run.number, **facts, roster_version=ground.roster.version)
    transport = connect(frozenset(ground.bureaus))
    _deliver_missed(office, transport)
    with recorded(office, run, ground.session) as record:
        report = _session(office, ground, transport, _Telling(office, run, record), learn)
    signed = _signed(office, ground, report.model)
    taken = Taken(cohort=report.model.provenance.cohort, lost=report.lost, refused=report.refused, heads=report.heads)
    runs.publish(run.number, signed, report.model.to_json(), taken, office.clock())
    bring(office, transport, signed, report.model.to_json())


def _deliver_missed(office: Office, transport: Transport) -> None:
    """Bring the newest model first, if the process that had published it was ended before it did."""
    models = office.registry.models
    newest = models.newest()
    if newest is None or newest.version <= models.delivered():
        return
    kept = models.find(newest.version)
    if kept is not None:
        bring(office, transport, kept.signed, kept.model)


@dataclass(slots=True)
class _Telling:
    """Whom a session tells what happens in it."""

    office: Office
    run: Run
    record: Callable[[bytes], None]
    place: int = 0

    def on_round(self, report: RoundReport) -> None:
        self.place += 1
        self.office.registry.runs.add_round(self.run.number, self.place, report, self.office.clock())


def _session(
    office: Office, ground: Agreed, transport: Transport, telling: _Telling, learn: Callable[[Taken], None]
) -> SessionReport:
    if ground.plan.protection is Protection.SECURE:
        masked = MaskedRun(_terms(office, ground))
        with _learning(learn, lambda: _of_masked(masked)):
            return run_masked_session(masked, transport, telling.on_round, telling.record)
    opened = Coordinator(ground.plan, ground.session, version("fedclaims"))
    with _learning(learn, lambda: _of_open(opened)):
        return run_session(opened, transport, telling.on_round)


def _terms(office: Office, ground: Agreed) -> Terms:
    return Terms(
        plan=ground.plan,
        session=ground.session,
        version=version("fedclaims"),
        coordinator=office.configuration.name,
        identity=ground.identity,
        roster=ground.roster.digest,
        bureau_keys=ground.bureaus,
        colluding=ground.roster.terms.colluding,
        expires=office.clock() + office.configuration.run.limit,
    )


def _signed(office: Office, ground: Agreed, model: Model) -> SignedPublication:
    now = office.clock()
    number, previous = next_place(office.registry.models.newest())
    publication = Publication(
        version=number,
        previous=previous,
        model_sha256=hashlib.sha256(model.to_json()).hexdigest(),
        plan_fingerprint=ground.plan.fingerprint,
        features_sha256=ground.plan.features.fingerprint,
        session=ground.session.hex(),
        issued=now,
        expires=now + office.configuration.models.last,
    )
    return sign_publication(publication, office.configuration.name, ground.identity)


@contextmanager
def _learning(learn: Callable[[Taken], None], look: Callable[[], Taken]) -> Iterator[None]:
    """However a session ends, say who took part."""
    try:
        yield
    finally:
        learn(look())


def _of_masked(run: MaskedRun) -> Taken:
    gone = {*run.lost, *run.excluded}
    cohort = sorted(set(run.node_of) - gone)
    return Taken(cohort=cohort, lost=sorted(gone), refused=tuple(run.refused), heads=run.heads)


def _of_open(run: Coordinator) -> Taken:
    return Taken(cohort=run.cohort.bureaus, lost=tuple(run.cohort.lost), heads=run.heads)


def _fail(office: Office, run: Run, reason: str, taken: Taken) -> None:
    try:
        office.registry.runs.close(run.number, State.FAILED, reason, office.clock(), taken)
    except FedclaimsError as error:
        _LOG.error("run %d could not be closed, the service will do it: %s", run.number, error)
