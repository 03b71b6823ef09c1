"""The next version of a roster: one above, sorted, unsigned, handed over where governance changes."""

from __future__ import annotations

import pytest

from common.consortium.roster import Role, Roster
from common.errors import InputError
from server.consortium.drafting import (
    Span,
    begin,
    governance_of,
    member_of,
    renewed,
    terms_of,
    with_member,
    without_member,
)
from tests.common.consortium.rosters import (
    GOVERNORS,
    MEMBERS,
    NOON,
    SUCCESSORS,
    TERMS,
    governance,
    identity,
    member,
    roster,
)

SPAN = Span(now=NOON, seconds=100)
PINNED = governance()


def times(found: Roster) -> tuple[int, int, int]:
    return found.version, found.valid_from, found.valid_until


def test_version_one_lists_the_coordinator_alone() -> None:
    found = begin(MEMBERS[0], TERMS, PINNED, SPAN)
    assert (found.members, times(found)) == (MEMBERS[:1], (1, NOON, NOON + 100))


def test_a_member_is_added_in_its_place() -> None:
    found = with_member(roster(4), member("middle", 9), PINNED, SPAN)
    assert [one.name for one in found.members] == ["coordinator", "east", "middle", "north", "west"]
    assert times(found) == (5, NOON, NOON + 100)
    assert (found.terms, found.governance, found.former) == (TERMS, PINNED, None)


def test_a_revoked_member_is_no_longer_there() -> None:
    found = without_member(roster(4), "north", PINNED, SPAN)
    assert [one.name for one in found.members] == ["coordinator", "east", "west"]
    assert times(found) == (5, NOON, NOON + 100)


@pytest.mark.parametrize("one", [member("east", 9), member("EAST", 9), member("new", 2), member("new", 101)])
def test_a_taken_name_or_key_is_refused(one: object) -> None:
    with pytest.raises(InputError):
        with_member(roster(), one, PINNED, SPAN)  # type: ignore[arg-type]


def test_whoever_is_not_listed_cannot_be_revoked_nor_the_last_one() -> None:
    with pytest.raises(InputError, match="roster show"):
        without_member(roster(), "south", PINNED, SPAN)
    with pytest.raises(InputError, match="members"):
        without_member(roster(members=MEMBERS[:1]), "coordinator", PINNED, SPAN)


def test_another_governance_is_handed_over_to_by_the_pinned_one_until_it_is_pinned_itself() -> None:
    new = governance(SUCCESSORS)
    found = renewed(roster(4), new, PINNED, SPAN)
    assert (found.governance, found.former) == (new, PINNED)
    assert with_member(found, member("x", 9), PINNED, SPAN).former == PINNED
    assert with_member(found, member("x", 9), new, SPAN).former is None


def test_governance_keys_come_in_any_order_and_once() -> None:
    keys = [one.public for one in GOVERNORS]
    assert governance_of(keys[::-1], 2) == PINNED
    with pytest.raises(InputError, match="each once"):
        governance_of([*keys, keys[0]], 2)
    with pytest.raises(InputError, match="cannot be reached"):
        governance_of(keys, 4)
    with pytest.raises(InputError, match="threshold"):
        governance_of(keys, 0)


def test_terms_and_members_that_no_roster_can_have_are_refused() -> None:
    with pytest.raises(InputError, match="min_cohort"):
        terms_of(min_cohort=2, honest_floor=2, colluding=1, max_rounds=9)
    with pytest.raises(InputError, match="everybody"):
        member_of(name="a", organisation="o", role=Role.BUREAU, public_key=b"\1" + bytes(31))
    with pytest.raises(InputError, match="printable"):
        member_of(name="a\n", organisation="o", role=Role.BUREAU, public_key=identity(5).public)
