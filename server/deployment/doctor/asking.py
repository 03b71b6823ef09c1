"""Checks of what is asked, and of whom: roster, plan, bundle."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

from common.consortium.roster import Role, Roster
from common.errors import RefusedError
from common.plan import Plan, Protection
from common.private.feasible import feasibility, refuse_infeasible
from server.consortium.holding import ROSTER_FILE, Holding
from server.deployment.bundle import PROJECT, PROJECT_FILE, bundle_digest
from server.deployment.configuration import Configuration
from server.deployment.doctor.findings import Finding, fault, fine, warning
from server.deployment.opening import database_of
from server.deployment.place import Place, is_running
from server.deployment.plan_file import load_plan
from server.deployment.saying import status_of
from server.deployment.secrets_file import passphrase_of
from server.registry.registry import Registry

DAY_S = 86_400
SOON_S = 30 * DAY_S


def roster(place: Place, configuration: Configuration, now: int) -> Iterator[Finding]:
    """Whether a roster counts, until when, and whether it lists this coordinator under its key."""
    if not (place.consortium / ROSTER_FILE).exists():
        fix = f"fedclaims-coordinator roster init --dir {place.consortium} --name {configuration.name!r} ..."
        yield fault("roster", "no consortium was begun yet", fix)
        return
    holding = Holding(place.consortium)
    found = holding.roster(now)
    identity = holding.identity(passphrase_of(place, configuration))
    if found.member(configuration.name, Role.COORDINATOR).public_key != identity.public:
        yield fault("roster", "it lists another key for this coordinator", "restore consortium/identity.key")
    until = datetime.fromtimestamp(found.valid_until, UTC).date().isoformat()
    if found.valid_until - now < SOON_S:
        yield warning("roster", f"version {found.version} ends on {until}", "`roster renew`, and have it signed")
    else:
        yield fine("roster", f"version {found.version}, {_n_bureaus(found)} bureaus, until {until}")


def plan(place: Place, now: int) -> Iterator[Finding]:
    """Whether the plan can be asked: a valid one, worth its budget, and within the roster's terms."""
    found = load_plan(place.plan)
    yield fine("plan", f"{found.name!r}, {found.fingerprint}")
    if not (place.consortium / ROSTER_FILE).exists():
        return
    try:
        listed = Holding(place.consortium).roster(now)
    except RefusedError:
        return  # said by the check of the roster
    yield from _cohort(found, listed)
    if found.privacy is not None and _n_bureaus(listed) >= found.min_cohort:
        refuse_infeasible(found, _n_bureaus(listed))
        yield fine(
            "feasibility", f"phi {feasibility(found, _n_bureaus(listed)).phi:.1f} with {_n_bureaus(listed)} bureaus"
        )


def bundle(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether the bundle is this software's, and the one that every admission names."""
    path = place.app / PROJECT_FILE
    if not path.exists() or path.read_bytes() != PROJECT.encode():
        yield fault("bundle", f"{path} is not what this software writes", "start the service: it writes the file anew")
        return
    digest = bundle_digest(place)
    stale = [node.name for node in Registry(database_of(place, configuration)).nodes.live() if node.bundle != digest]
    if stale:
        said = f"the admissions of {', '.join(stale)} name another one"
        yield fault("bundle", said, "`link admit` their requests again, and send them the new admissions")
    else:
        yield fine("bundle", digest)


def links(place: Place) -> Iterator[Finding]:
    """Whether the service could tell the SuperLink of every link; nothing where none was let in."""
    faults = status_of(place).get("link_faults", {}) if is_running(place) else {}
    for name, said in sorted(faults.items()):
        yield warning(
            f"link of {name}", said, f"fedclaims-coordinator link revoke {shlex.quote(name)}, then admit the new one"
        )


def _cohort(found: Plan, listed: Roster) -> Iterator[Finding]:
    floor = found.privacy.honest_floor if found.privacy else 0
    terms, secure = listed.terms, found.protection is Protection.SECURE
    if secure and (found.min_cohort < terms.min_cohort or floor < terms.honest_floor):
        said = "it asks for a smaller cohort or honest floor than the roster's terms: stations refuse it"
        yield fault("terms", said, f"min_cohort {terms.min_cohort}, honest_floor {terms.honest_floor} in plan.toml")
    if _n_bureaus(listed) < found.min_cohort:
        said = f"the roster lists {_n_bureaus(listed)} bureaus, the plan needs {found.min_cohort}"
        yield warning("cohort", said, "list more bureaus with `roster add`; until then every run fails")


def _n_bureaus(listed: Roster) -> int:
    return len(listed.of_role(Role.BUREAU))
