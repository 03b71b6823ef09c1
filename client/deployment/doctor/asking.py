"""Checks of claims and policy: whether the mapping fits the source, and the policy a plan."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, nullcontext

from client.claims.identifiers import refuse_named_identifiers
from client.claims.mapping import ClaimMapping
from client.claims.projection import present_columns
from client.claims.sources.source import ClaimSource
from client.claims.sources.sql import SqlSource
from client.deployment.claims import mapping_of, open_claims
from client.deployment.configuration import Configuration
from client.deployment.doctor.findings import Finding, fault, fine, warning
from client.deployment.place import Place
from client.identity.membership import ROSTER_FILE, Membership
from client.ledger.ledger import inspect
from client.policy import Policy, load_policy
from client.preview.preview import objection_to_spending, preview
from client.releasing import rho_within
from common.accounting.guarantee import Unit
from common.consortium.roster import Terms
from common.plan import Plan, Protection

PERSONS = "map the column that tells insured persons apart, or let the policy accept claims as units"


def claims(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether the claims can be opened and hold what the mapping names; no row is read."""
    mapping = mapping_of(place, configuration)
    source = open_claims(place, configuration, mapping)
    with closing(source) if isinstance(source, SqlSource) else nullcontext(source):
        refuse_named_identifiers(source.schema_names, mapping.ignored_identifiers)
        found = present_columns(source, mapping)
        yield fine("claims", f"mapping {mapping.name} finds {len(found)} of its {len(mapping.columns)} columns")
        yield from _account(source)
    yield from _persons(mapping, load_policy(place.policy))


def _account(source: ClaimSource) -> Iterator[Finding]:
    if isinstance(source, SqlSource) and source.may_write():
        said, fix = "the account may change the claims", "give the station an account that may only SELECT"
        yield warning("database account", said, fix)


def _persons(mapping: ClaimMapping, policy: Policy) -> Iterator[Finding]:
    if mapping.person_key == "each_claim" and Unit.PERSON in policy.units:
        level = fault if policy.units == {Unit.PERSON} else warning
        yield level(
            "persons", f"mapping {mapping.name} cannot tell persons apart; plans for persons are refused", PERSONS
        )


def policy(place: Place) -> Iterator[Finding]:
    """Whether the policy says everything."""
    found = load_policy(place.policy)
    if Protection.NONE in found.protections:
        said = "it lets exact sums leave: a sum over one claim is that claim"
        yield warning("policy", said, 'take "none" off the protections in policy.toml, unless the claims are public')
    else:
        yield fine("policy", f"epsilon {found.epsilon_per_session:g} a run, cohort of {found.min_cohort} at least")


def plan_fits(place: Place, configuration: Configuration, plan: Plan, now: int) -> Iterator[Finding]:
    """Whether this bureau would take part in a plan, as policy, ledger, mapping and roster stand."""
    found = load_policy(place.policy)
    fix = "change policy.toml if you agree with the plan, else tell the coordinator"
    objections = list(_objections(place, found, plan, configuration.name, now))
    persons = plan.privacy is not None and plan.privacy.unit is Unit.PERSON
    for said in objections:
        yield fault("plan", said, fix)
    if persons and mapping_of(place, configuration).person_key == "each_claim":
        yield fault("plan", "it protects persons, and the mapping cannot tell them apart", PERSONS)
    elif not objections:
        yield fine("plan", f"{plan.name!r}, {plan.fingerprint}")


def _objections(place: Place, policy: Policy, plan: Plan, bureau: str, now: int) -> Iterator[str]:
    if plan.privacy is None:
        if policy.objection_to_plan(plan) is not None:
            yield "it has no protection, and the policy asks for one"
        return
    yield from preview(plan, bureau, policy, os.urandom).objections
    spending = inspect(place.ledger).book.spending
    spent = objection_to_spending(plan, policy, spending, policy.limits(rho_within), now)
    if spent is not None:
        yield spent
    if plan.protection is Protection.SECURE:
        yield from _against_terms(place, plan, now)


def _against_terms(place: Place, plan: Plan, now: int) -> Iterator[str]:
    if not (place.consortium / ROSTER_FILE).exists():
        yield "it needs masked sums, and no roster was accepted yet"
        return
    terms: Terms = Membership(place.consortium).roster(now).terms
    floor = plan.privacy.honest_floor if plan.privacy else 0
    if plan.min_cohort < terms.min_cohort or floor < terms.honest_floor:
        yield "it asks for a smaller cohort or honest floor than the roster's terms"
