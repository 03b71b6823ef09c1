"""Which rules there are, and how a policy names them. Only rules of this table can run: no code comes by policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from client.router.rules.conflicts import DiagnosisConflict
from client.router.rules.crowded import CrowdedClaims
from client.router.rules.death import ServiceAfterDeath
from client.router.rules.drugs import RepeatedDrugs
from client.router.rules.fees import UnusualFeeShare
from client.router.rules.finding import RuleText
from client.router.rules.operations import UnrequestedOperation
from client.router.rules.repeated import CorrectedClaim, DuplicateClaim, NearDuplicateClaim
from client.router.rules.rule import Rule
from client.router.rules.stays import OverlappingStays, StayWithoutTreatment
from common.errors import InputError

READY_MADE: tuple[type[Rule], ...] = (
    DuplicateClaim,
    NearDuplicateClaim,
    OverlappingStays,
    ServiceAfterDeath,
    DiagnosisConflict,
    StayWithoutTreatment,
    RepeatedDrugs,
    UnusualFeeShare,
    UnrequestedOperation,
    CorrectedClaim,
    CrowdedClaims,
)

_known: dict[str, type[Rule]] = {str(rule.model_fields["kind"].default): rule for rule in READY_MADE}


def register(rule: type[Rule]) -> type[Rule]:
    """Take a bureau's own rule into the table; its program calls this before it opens the router.

    Raises:
        ValueError: If its kind or its rule id is taken.
    """
    kind = rule.model_fields["kind"].default
    if (
        not isinstance(kind, str)
        or kind in _known
        or rule.text.rule_id in {one.text.rule_id for one in _known.values()}
    ):
        msg = "a rule needs a kind and a rule id that no other rule has; its kind stands as the field's default"
        raise ValueError(msg)
    _known[kind] = rule
    return rule


def text_of(rule_id: str) -> RuleText:
    """What a rule says, in both languages.

    Raises:
        ValueError: If no rule has this id.
    """
    for rule in _known.values():
        if rule.text.rule_id == rule_id:
            return rule.text
    msg = f"no rule {rule_id} is registered; register the bureau's own rules before reading its records"
    raise ValueError(msg)


def rules_from(section: Mapping[str, Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules that run under the ``rules`` section of a policy: parameters by kind.

    Guarantees:
        * Every rule of the table runs, with its defaults where the section does not name it, but for those that the
          section switches off (``enabled = false``).
        * Nothing is accepted that no rule knows.

    Raises:
        InputError: If a kind or a parameter is unknown, or a value is not allowed; the text names it.
    """
    if unknown := sorted(set(section) - set(_known)):
        msg = f"rules.{unknown[0]} is no rule; there are {', '.join(_known)}"
        raise InputError(msg)
    rules = (_rule(kind, section.get(kind, {})) for kind in _known)
    return tuple(rule for rule in rules if rule.enabled)


def default_rules() -> tuple[Rule, ...]:
    """All rules with their defaults."""
    return rules_from({})


def example_rules() -> str:
    """The ``rules`` section of a policy file: every ready-made rule, its parameters and its names."""
    return "\n".join(_example(rule) for rule in READY_MADE)


def _rule(kind: str, given: Mapping[str, Any]) -> Rule:
    try:
        return _known[kind].model_validate({"kind": kind, **given})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        msg = f"rules.{'.'.join((kind, *map(str, first['loc'])))}: {first['msg']}"
        raise InputError(msg) from None


def _example(rule: type[Rule]) -> str:
    text, held = rule.text, rule.model_validate({}).model_dump(exclude={"kind"})
    needs = f" Needs the register {rule.needs}." if rule.needs else ""
    lines = [f"# {text.rule_id} {text.name}: {text.english_name}.{needs}", f"[rules.{_kind_of(rule)}]"]
    return "\n".join([*lines, *(f"{name} = {_toml(value)}" for name, value in held.items()), ""])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)  # booleans, whole numbers, texts and lists of texts read alike in JSON and in TOML


def _kind_of(rule: type[Rule]) -> str:
    return str(rule.model_fields["kind"].default)
