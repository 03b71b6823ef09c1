"""The policy: what this bureau never exceeds, whatever a plan asks. Only the bureau changes it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from client.ledger.release import Charge
from client.ledger.spending import Limits, Spending, Spent, objection
from common.accounting.guarantee import LARGEST_EPSILON, Guarantee, Unit
from common.errors import InputError
from common.features.spec import FeatureSpec
from common.messages import Cohort, Fingerprint, RefusalCode
from common.plan import Plan, Protection

GUARDED = frozenset(Protection) - {Protection.NONE}
"""By default nothing leaves that is not protected: by the bureau's own noise, or by its part of it under masks."""


CELL_FLOOR = 11
"""No cell of 1 to 10 persons is shown (CMS cell size policy)."""

_MOST_BYTES = 1 << 13


class LateEdits(StrEnum):
    """What becomes of a claim that was changed after it had entered a window."""

    LEAVE_OUT = "leave_out"
    CHARGE = "charge"


_Kind = TypeVar("_Kind", Protection, Unit)
Loose = Annotated[_Kind, Field(strict=False)]
"""Given as itself or by its word."""

Epsilon = Annotated[float, Field(ge=0.01, le=LARGEST_EPSILON)]
Listed = Literal["any"] | Annotated[frozenset[Fingerprint], Field(strict=False)]


class Policy(BaseModel):
    """Limits of one bureau.

    Attributes:
        min_cohort: Bureaus below which this bureau does not answer: with one bureau a sum *is* its summary.
        protections: What must stand between the summary and the coordinator; one of these.
        cell_floor: Clusters with fewer claims must never be shown; it may only be raised.
        plans: Fingerprints of the plans that are accepted, or any.
        feature_specs: Fingerprints of the feature specifications that are accepted, or any.
        units: Whom a release must protect; one of these.
        delta: The largest delta of a plan, and the one at which the limits on epsilon hold.
        epsilon_per_release: Of one reply.
        epsilon_per_session: Of all replies of one run.
        epsilon_per_data_version: Of all replies about one version of the claims, for ever.
        epsilon_per_year: Of all replies in any 366 days.
        releases_per_day: Replies in any 24 hours, those about windows left out.
        epsilon_per_year_of_windows: Epsilon of all windows of streams in any 366 days, part of that of a year: what is
            left is for runs beside streams. Whoever has been charged so much stays out of further windows.
        windows_per_day: Windows of streams that are begun in any 24 hours.
        late_edits: Whether a claim that was changed after it entered a window stays out of later ones, or enters once
            more and is charged once more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    min_cohort: Annotated[int, Field(ge=1)] = 3
    protections: Annotated[frozenset[Loose[Protection]], Field(strict=False)] = GUARDED
    cell_floor: Annotated[int, Field(ge=CELL_FLOOR)] = CELL_FLOOR
    plans: Listed = "any"
    feature_specs: Listed = "any"
    units: Annotated[frozenset[Loose[Unit]], Field(strict=False, min_length=1)] = frozenset({Unit.PERSON})
    delta: Annotated[float, Field(gt=0, le=1e-3)] = 1e-6
    epsilon_per_release: Epsilon = 1.0
    epsilon_per_session: Epsilon = 1.0
    epsilon_per_data_version: Epsilon = 8.0
    epsilon_per_year: Epsilon = 8.0
    releases_per_day: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    epsilon_per_year_of_windows: Epsilon = 4.0
    windows_per_day: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    late_edits: Annotated[LateEdits, Field(strict=False)] = LateEdits.LEAVE_OUT

    @model_validator(mode="after")
    def _widens(self) -> Self:
        wider = min(self.epsilon_per_data_version, self.epsilon_per_year)
        if not self.epsilon_per_release <= self.epsilon_per_session <= wider:
            msg = "epsilon may not fall from release to session, nor from session to data version or year"
            raise ValueError(msg)
        return self

    def objection_to_plan(self, plan: Plan) -> RefusalCode | None:
        """Why this plan is not accepted, or None."""
        listed = _lists(self.plans, plan.fingerprint) and _lists(self.feature_specs, fingerprint_of(plan.features))
        accepted = listed and plan.protection in self.protections and self._counts_on_a_cohort(plan)
        return None if accepted else RefusalCode.POLICY

    def _counts_on_a_cohort(self, plan: Plan) -> bool:
        """Whether noise is counted on of fewer bureaus than must take part; a part of the noise is none alone."""
        if plan.privacy is None or plan.protection is not Protection.SECURE:
            return True
        return plan.privacy.honest_floor < max(self.min_cohort, plan.min_cohort)

    def objection_to_floor(self, plan: Plan) -> RefusalCode | None:
        """Whether this plan would show clusters that are too small: why it is not accepted, or None."""
        return None if plan.smallest_cluster >= self.cell_floor else RefusalCode.POLICY

    def objection_to_cohort(self, cohort: Cohort, plan: Plan) -> RefusalCode | None:
        """Why this cohort is not accepted, or None; the stricter of plan and policy counts."""
        enough = len(cohort) >= max(self.min_cohort, plan.min_cohort)
        return None if enough else RefusalCode.COHORT_TOO_SMALL

    def objection_to_guarantee(self, guarantee: Guarantee) -> RefusalCode | None:
        """Why what a run promises is not enough, or None."""
        within = guarantee.epsilon <= self.epsilon_per_session and guarantee.delta <= self.delta
        return None if within and guarantee.unit in self.units else RefusalCode.POLICY

    def objection_to_charge(
        self, charge: Charge, *, session: bytes, spending: Spending, now: int, limits: Limits
    ) -> RefusalCode | None:
        """Why one more release does not fit, or None. Nothing is charged: a dry run may ask as often as it likes.

        Args:
            charge: Of the release.
            session: Whose.
            spending: So far.
            now: Seconds since 1970.
            limits: Those of ``limits``, computed once.
        """
        asked = Spent.of(charge, time=now, session=session)
        fits = charge.unit in self.units and objection(spending, asked, limits) is None
        return None if fits else RefusalCode.POLICY

    def limits(self, rho_within: Callable[[float, float], int]) -> Limits:
        """The limits in the ledger's currency.

        Args:
            rho_within: The largest sum of charges, in units of 1e-9 rho, that stays within an epsilon at a delta.
        """
        return Limits(
            release=rho_within(self.epsilon_per_release, self.delta),
            session=rho_within(self.epsilon_per_session, self.delta),
            data_version=rho_within(self.epsilon_per_data_version, self.delta),
            year=rho_within(self.epsilon_per_year, self.delta),
            releases_per_day=self.releases_per_day,
            windows_per_day=self.windows_per_day,
        )


def fingerprint_of(features: FeatureSpec) -> str:
    """SHA-256 of a feature specification's canonical JSON, hexadecimal: what a policy lists."""
    held = json.dumps(features.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(held.encode()).hexdigest()


def load_policy(path: Path) -> Policy:
    """The policy in a TOML file.

    Guarantees:
        * Every key is written in the file: nothing is allowed by a default that nobody read.

    Raises:
        InputError: If it cannot be read, a key is unknown or missing, or a value is not allowed; the text names it.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError:
        msg = f"the policy {path} cannot be read: name the bureau's policy file"
        raise InputError(msg) from None
    return parse_policy(text, str(path))


def parse_policy(text: bytes, name: str) -> Policy:
    """The policy of a TOML text; ``name`` is what errors call it.

    Raises:
        InputError: As ``load_policy``.
    """
    if len(text) > _MOST_BYTES:
        msg = f"the policy {name} is larger than {_MOST_BYTES} bytes; it cannot be one"
        raise InputError(msg)
    try:
        given = tomllib.loads(text.decode("utf-8"))
        policy = Policy.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'][:1])) or 'policy'}: {one['msg']}" for one in error.errors())
        msg = f"policy {name} needs mending: {faults}"
        raise InputError(msg) from None
    except RecursionError:
        msg = f"policy {name} is nested too deeply to be one"
        raise InputError(msg) from None
    except ValueError as error:
        msg = f"policy {name} is not valid TOML in UTF-8: {error}"
        raise InputError(msg) from None
    if missing := sorted(set(Policy.model_fields) - set(given)):
        msg = f"policy {name} does not say everything: add {', '.join(missing)}"
        raise InputError(msg)
    return policy


def example_policy() -> str:
    """A policy file with every key, its default and what it means, for a bureau to change."""
    given = Policy()
    guarded = sorted(GUARDED)
    return f"""\
# What this bureau never exceeds, whatever a plan asks. Only the bureau changes this file. Every key must be here.

# With fewer bureaus in a cohort this one does not answer.
min_cohort = {given.min_cohort}
# What must stand between a summary and the coordinator: one of these.
protections = {json.dumps(guarded)}
# Clusters with fewer claims must never be shown. May only be raised.
cell_floor = {given.cell_floor}

# "any", or a list of SHA-256 fingerprints of the plans, and of the feature specifications, that were approved.
plans = "any"
feature_specs = "any"

# Whom a release must protect: "person", "claim", or either.
units = {json.dumps(sorted(given.units))}
# The largest delta; the limits on epsilon hold at this delta. Well below one in the number of insured persons.
delta = {given.delta}
# Epsilon of one reply, of all replies of one run, of all replies about one version of the claims for ever, and of all
# replies in any 366 days: for a person whose claims are in all of them.
epsilon_per_release = {given.epsilon_per_release}
epsilon_per_session = {given.epsilon_per_session}
epsilon_per_data_version = {given.epsilon_per_data_version}
epsilon_per_year = {given.epsilon_per_year}
# Replies in any 24 hours. A run takes about 20.
releases_per_day = {given.releases_per_day}

# Windows of streams that are begun in any 24 hours; every 15 minutes makes 96. Each is a data version of its own, and a
# claim enters one window at most. Over a year a person (or a claim, where claims are protected) may be in so many
# windows that epsilon_per_year holds, what was charged without windows included; then their claims stay out.
windows_per_day = {given.windows_per_day}
# Epsilon of all windows of streams in any 366 days, for a person whose claims are in all of them (for a claim where
# claims are protected); part of epsilon_per_year, so that runs beside streams stay possible.
epsilon_per_year_of_windows = {given.epsilon_per_year_of_windows}
# A claim that was changed after it entered a window: "leave_out" of later windows, or let it enter again and "charge"
# it again, as long as its own year allows.
late_edits = {json.dumps(given.late_edits)}
"""


def _lists(listed: Literal["any"] | frozenset[str], fingerprint: str) -> bool:
    return listed == "any" or fingerprint in listed
