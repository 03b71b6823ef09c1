"""Rules that certainly find nothing against a single claim, told without running them.

Nearly every claim breaks no rule. Where this cannot be told at a glance, the rule runs, as in a batch; so does every
rule that a bureau has written itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.lone.claim import SEX, LoneClaim
from client.router.registers import Registers
from client.router.rules.bearable import FEMALE, MALE, bearer_of
from client.router.rules.conflicts import DiagnosisConflict
from client.router.rules.crowded import CrowdedClaims
from client.router.rules.death import ServiceAfterDeath
from client.router.rules.digest import NOTHING, digest
from client.router.rules.drugs import RepeatedDrugs
from client.router.rules.event import Field
from client.router.rules.fees import UnusualFeeShare
from client.router.rules.operations import UnrequestedOperation
from client.router.rules.repeated import CorrectedClaim, DuplicateClaim, NearDuplicateClaim
from client.router.rules.rule import Rule
from client.router.rules.stays import OverlappingStays, StayWithoutTreatment
from common.claim import FEE_CATEGORIES
from common.columns import DAYS_A_YEAR, MISSING, normalise_code

_FEN = 100
_PER_MILLE = 1000
_CARE = [place for place, name in enumerate(FEE_CATEGORIES) if name in ("03", "04", "05", "06", "08", "09", "10", "11")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What there is to see of a claim at first sight.

    Attributes:
        lone: The claim.
        event: Of it.
        alone: Whether nothing that is remembered must be compared with it, and nothing was too much to be compared.
        cluster: Its nearest.
        registers: Of the bureau.
    """

    lone: LoneClaim
    event: Sequence[int]
    alone: bool
    cluster: int
    registers: Registers


Spares = Callable[[Glance], bool]


class Sparing:
    """Tells which rules must run.

    Guarantees:
        * A rule that is not among them finds nothing against the claim. One that is among them may find nothing, too.
          A test holds both against each other.
    """

    def __init__(self, rules: Sequence[Rule], usual: npt.NDArray[np.float64] | None) -> None:
        """Prepare the limits of the rules.

        Args:
            rules: Of the policy.
            usual: As in ``Assigned``.
        """
        self._checks = [(rule, _check(rule, usual)) for rule in rules]

    def left(self, glance: Glance) -> list[Rule]:
        """The rules that must run, in their order."""
        return [rule for rule, spares in self._checks if not spares(glance)]


def _check(rule: Rule, usual: npt.NDArray[np.float64] | None) -> Spares:
    """By the rule's own class: one that derives from it may find more."""
    if type(rule) in _ALONE:
        return lambda glance: glance.alone
    if type(rule) is UnusualFeeShare:
        return _usual_shares(rule, usual)
    if type(rule) is StayWithoutTreatment:
        return _treated(rule)
    return _BY_CLASS.get(type(rule), lambda _: False)


def _usual_shares(rule: UnusualFeeShare, usual: npt.NDArray[np.float64] | None) -> Spares:
    least, inpatient = max(rule.least_yuan * _FEN, 1), _inpatient(rule.inpatient)
    limits = _limits(rule, usual)

    def spares(glance: Glance) -> bool:
        total = glance.lone.total
        if total < least or not inpatient(glance):
            return True
        most = limits[glance.cluster if usual is not None else 0]
        return all(
            fee * _PER_MILLE <= limit * total for fee, limit in zip(glance.lone.fees, most, strict=True)
        )  # the rule allows at least that

    return spares


def _limits(rule: UnusualFeeShare, usual: npt.NDArray[np.float64] | None) -> list[list[int]]:
    """Per mille by cluster and fee category, as the rule reckons them."""
    declared = [
        {str(name): most for name, most in rule.declared.items()}.get(name, _PER_MILLE) for name in FEE_CATEGORIES
    ]
    if usual is None:
        return [declared]
    beside = np.rint(usual * _PER_MILLE).astype(np.int64) + rule.margin
    limits: list[list[int]] = np.minimum(np.minimum(beside, declared), _PER_MILLE).tolist()
    return limits


def _treated(rule: StayWithoutTreatment) -> Spares:
    a_day = rule.least_yuan_a_day * _FEN

    def spares(glance: Glance) -> bool:
        lone = glance.lone
        return lone.stay_days < rule.least_days or sum([lone.fees[place] for place in _CARE]) >= a_day * lone.stay_days

    return spares


def _inpatient(kinds: tuple[str, ...]) -> Spares:
    known = frozenset(digest(normalise_code(kind)) for kind in kinds)

    def inpatient(glance: Glance) -> bool:
        visit = glance.event[Field.VISIT]
        return visit in known or (visit == NOTHING and glance.lone.stay_days > 0)

    return inpatient


def _bearable(glance: Glance) -> bool:
    """Whether nobody is kept from having these diagnoses, by sex or age."""
    sex, age_days = glance.lone.attributes[SEX], glance.lone.age_days
    years = MISSING if age_days == MISSING else age_days // DAYS_A_YEAR
    for code in glance.lone.diagnoses:
        bearer = bearer_of(code)
        if bearer is None:
            continue
        if bearer.sex and sex in {MALE, FEMALE} and bearer.sex != sex:
            return False
        if years != MISSING and not bearer.youngest <= years <= bearer.oldest:
            return False
    return True


def _alive(glance: Glance) -> bool:
    deaths = glance.registers.deaths
    return deaths is None or not deaths.day_of(np.array([glance.lone.person_id], np.uint64))[0].any()


def _no_drugs(glance: Glance) -> bool:
    items = glance.registers.drug_items
    return items is None or bool((items.worst_of(np.array([glance.event[Field.CLAIM]], np.int64)) < 0).all())


def _nothing_requested(glance: Glance) -> bool:
    requested = glance.registers.requested_operations
    return requested is None or glance.lone.claim.claim_key not in requested


_ALONE = frozenset({CorrectedClaim, CrowdedClaims, DuplicateClaim, NearDuplicateClaim, OverlappingStays})
_BY_CLASS: dict[type[Rule], Spares] = {
    DiagnosisConflict: _bearable,
    ServiceAfterDeath: _alive,
    RepeatedDrugs: _no_drugs,
    UnrequestedOperation: _nothing_requested,
}
