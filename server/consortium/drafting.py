"""The next version of a roster: every change is one, and has no signatures yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from common.consortium.roster import Governance, Member, Role, Roster, Terms
from common.consortium.signed import faults
from common.errors import InputError

_Content = TypeVar("_Content", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a version counts.

    Attributes:
        now: Unix seconds, the first in which it does.
        seconds: For so long.
    """

    now: int
    seconds: int


def governance_of(keys: Iterable[bytes], threshold: int) -> Governance:
    """The governance of some keys, in any order.

    Raises:
        InputError: If a key is not one, occurs twice, or the threshold cannot be reached.
    """
    return _made(Governance, keys=tuple(sorted(keys)), threshold=threshold)


def terms_of(*, min_cohort: int, honest_floor: int, colluding: int, max_rounds: int) -> Terms:
    """Terms.

    Raises:
        InputError: If they cannot be kept.
    """
    return _made(Terms, min_cohort=min_cohort, honest_floor=honest_floor, colluding=colluding, max_rounds=max_rounds)


def member_of(*, name: str, organisation: str, role: Role, public_key: bytes) -> Member:
    """A member.

    Raises:
        InputError: If a roster cannot list it so.
    """
    return _made(Member, name=name, organisation=organisation, role=role, public_key=public_key)


def begin(coordinator: Member, terms: Terms, governance: Governance, span: Span) -> Roster:
    """Version 1: the coordinator alone.

    Raises:
        InputError: If the roster would contradict itself.
    """
    return _made(
        Roster,
        version=1,
        valid_from=span.now,
        valid_until=span.now + span.seconds,
        members=(coordinator,),
        terms=terms,
        governance=governance,
    )


def with_member(roster: Roster, member: Member, pinned: Governance, span: Span) -> Roster:
    """The next version, with one member more.

    Raises:
        InputError: If its name or key is taken, or it holds a governance key.
    """
    members = tuple(sorted((*roster.members, member), key=lambda one: one.name))
    return _following(roster, pinned, span, members=members)


def without_member(roster: Roster, name: str, pinned: Governance, span: Span) -> Roster:
    """The next version, without a member: from then on its key is nobody's.

    Raises:
        InputError: If there is no such member, or it is the last one.
    """
    members = tuple(one for one in roster.members if one.name != name)
    if len(members) == len(roster.members):
        msg = f"the roster lists no {name!r}: look at the names with `roster show`"
        raise InputError(msg)
    return _following(roster, pinned, span, members=members)


def renewed(roster: Roster, governance: Governance, pinned: Governance, span: Span) -> Roster:
    """The next version, with the same members, perhaps under another governance.

    Raises:
        InputError: If a member holds one of the governance's keys.
    """
    return _following(roster, pinned, span, governance=governance)


def _following(roster: Roster, pinned: Governance, span: Span, **changes: object) -> Roster:
    """The next version; what is pinned must hand over wherever another governance is to follow it."""
    fields = {name: getattr(roster, name) for name in Roster.model_fields} | changes
    fields |= {
        "version": roster.version + 1,
        "valid_from": span.now,
        "valid_until": span.now + span.seconds,
        "former": None if fields["governance"] == pinned else pinned,
    }
    return _made(Roster, **fields)


def _made(kind: type[_Content], **fields: object) -> _Content:
    """One of these, or plain words on what is wrong with it."""
    try:
        return kind(**fields)
    except ValidationError as error:
        raise InputError(faults(error)) from None
