"""The coordinator's directory: the last version that counts stays in use, and none comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.consortium.roster import Roster
from common.consortium.signed import (
    ForgedRosterError,
    OldRosterError,
    RosterTimeError,
    SignedRoster,
    UnsignedRosterError,
)
from common.errors import InputError
from server.consortium.drafting import Span, renewed, with_member, without_member
from server.consortium.files import make_directory
from server.consortium.holding import IN_FORCE_FILE, PIN_FILE, ROSTER_FILE, Holding
from tests.common.consortium.rosters import (
    DAY,
    GOVERNORS,
    MEMBERS,
    NOON,
    STRANGER,
    SUCCESSORS,
    governance,
    member,
    roster,
    signed,
    whole,
)

SPAN = Span(now=NOON, seconds=2 * DAY)


@pytest.fixture
def holding(tmp_path: Path) -> Holding:
    found = Holding(tmp_path / "consortium")
    make_directory(found.directory)
    found.begin(roster())
    return found


def put(holding: Holding, held: SignedRoster) -> None:
    """As if it came back from the signers."""
    (holding.directory / ROSTER_FILE).write_bytes(held.to_json())


def grown(holding: Holding, number: int = 9) -> Roster:
    return holding.change(lambda found, pinned: with_member(found, member("south", number), pinned, SPAN), NOON)


def test_an_unsigned_first_version_does_not_count(holding: Holding) -> None:
    with pytest.raises(UnsignedRosterError, match="2 more"):
        holding.roster(NOON)


def test_a_signed_version_counts(holding: Holding) -> None:
    put(holding, whole())
    assert holding.roster(NOON) == roster()
    assert holding.pin().version == 1


def test_while_a_new_version_is_signed_the_last_one_counts(holding: Holding) -> None:
    put(holding, whole())
    changed = grown(holding)
    assert (changed.version, holding.newest().signatures) == (2, ())
    assert holding.roster(NOON) == roster()
    put(holding, signed(changed, GOVERNORS[0]))
    assert holding.roster(NOON) == roster()
    put(holding, signed(changed, *GOVERNORS[:2]))
    assert holding.roster(NOON) == changed
    assert holding.pin().version == 2


def test_changes_before_the_first_signature_add_up(holding: Holding) -> None:
    grown(holding)
    changed = holding.change(lambda found, pinned: without_member(found, "east", pinned, SPAN), NOON)
    assert (changed.version, [one.name for one in changed.members]) == (3, ["coordinator", "north", "south", "west"])


def test_a_version_that_was_seen_never_comes_back(holding: Holding) -> None:
    put(holding, whole(3))
    holding.roster(NOON)
    put(holding, whole(2))
    with pytest.raises(OldRosterError):
        holding.roster(NOON)
    with pytest.raises(OldRosterError):
        grown(holding)


def test_no_change_follows_a_stale_draft(holding: Holding) -> None:
    """A draft from before a revocation would bring the revoked member back."""
    put(holding, whole(3))
    holding.roster(NOON)
    put(holding, signed(roster(2)))
    with pytest.raises(OldRosterError, match="restore the newest"):
        grown(holding)


def test_no_change_follows_a_forged_version(holding: Holding) -> None:
    put(holding, whole().model_copy(update={"roster": roster(members=MEMBERS[:2])}))
    with pytest.raises(ForgedRosterError):
        grown(holding)


def test_an_expired_roster_does_not_count_and_can_be_renewed(holding: Holding) -> None:
    put(holding, whole())
    holding.roster(NOON)
    later = NOON + 5 * DAY
    with pytest.raises(RosterTimeError):
        holding.roster(later)
    span = Span(now=later, seconds=DAY)
    changed = holding.change(lambda found, pinned: renewed(found, found.governance, pinned, span), later)
    put(holding, signed(changed, *GOVERNORS[:2]))
    assert holding.roster(later).version == 2


def test_governance_is_handed_over_and_then_pinned(holding: Holding) -> None:
    put(holding, whole())
    changed = holding.change(lambda found, pinned: renewed(found, governance(SUCCESSORS), pinned, SPAN), NOON)
    put(holding, signed(changed, *SUCCESSORS))
    assert holding.roster(NOON).version == 1
    put(holding, signed(changed, *SUCCESSORS, *GOVERNORS[:2]))
    assert holding.roster(NOON).version == 2
    assert holding.pin().governance == governance(SUCCESSORS)
    assert grown(holding).former is None


@pytest.mark.parametrize("name", [PIN_FILE, ROSTER_FILE])
def test_a_missing_file_is_said(holding: Holding, name: str) -> None:
    (holding.directory / name).unlink()
    with pytest.raises(InputError, match="cannot be read"):
        holding.roster(NOON)


def test_a_damaged_memory_is_not_forgotten(holding: Holding) -> None:
    (holding.directory / PIN_FILE).write_bytes(b"{}")
    with pytest.raises(InputError, match="damaged"):
        holding.roster(NOON)


def test_what_is_in_force_is_checked_like_any_other(holding: Holding) -> None:
    put(holding, whole())
    grown(holding)
    altered = whole().model_copy(update={"roster": roster(members=MEMBERS[:2])})
    (holding.directory / IN_FORCE_FILE).write_bytes(altered.to_json())
    with pytest.raises(ForgedRosterError):
        holding.roster(NOON)
    assert STRANGER.public not in {one.public_key for one in holding.newest().roster.members}
