"""Signed rosters: each way in which one must not count, for its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.consortium.roster import Role, RosterError
from common.consortium.signed import (
    PURPOSE,
    Endorsement,
    ForgedRosterError,
    ForkedRosterError,
    OldRosterError,
    OtherGovernanceError,
    Pin,
    RosterTimeError,
    SignedRoster,
    UnsignedRosterError,
    check,
    pin_of,
)
from common.errors import InputError, RefusedError
from tests.common.consortium.rosters import (
    DAY,
    GOVERNORS,
    MEMBERS,
    NOON,
    STRANGER,
    SUCCESSORS,
    governance,
    identity,
    member,
    pin,
    roster,
    signed,
    whole,
)


def test_a_roster_with_enough_signatures_counts_and_is_remembered() -> None:
    found = whole()
    assert check(found, pin(), NOON) == Pin(governance=governance(), version=1, digest=found.roster.digest)


@given(st.sets(st.integers(0, 2)))
def test_any_two_of_three_are_enough_and_fewer_are_not(who: set[int]) -> None:
    found = signed(roster(), *(GOVERNORS[number] for number in sorted(who)))
    assert found.missing() == max(0, 2 - len(who))
    if len(who) >= 2:
        assert check(found, pin(), NOON).version == 1
    else:
        with pytest.raises(UnsignedRosterError, match=f"{2 - len(who)} more"):
            check(found, pin(), NOON)


def test_the_order_of_signatures_does_not_matter() -> None:
    assert check(signed(roster(), *GOVERNORS[::-1]), pin(), NOON) == check(signed(roster(), *GOVERNORS), pin(), NOON)


def test_signing_twice_adds_nothing() -> None:
    once = signed(roster(), GOVERNORS[0])
    assert once.signed_by(GOVERNORS[0]) == once


def test_a_signature_twice_does_not_count_twice() -> None:
    once = signed(roster(), GOVERNORS[0])
    twice = once.model_copy(update={"signatures": once.signatures * 2})
    with pytest.raises(UnsignedRosterError, match="1 more"):
        check(twice, pin(), NOON)


def endorsed(found: SignedRoster, key: bytes, signature: bytes) -> SignedRoster:
    added = Endorsement(key=key, signature=signature)
    return found.model_copy(update={"signatures": (*found.signatures, added)})


def test_a_stranger_cannot_sign() -> None:
    with pytest.raises(InputError, match="has no say"):
        signed(roster(), STRANGER)


def test_a_strangers_signature_is_refused_even_beside_enough_others() -> None:
    found = endorsed(whole(), STRANGER.public, STRANGER.sign(PURPOSE, whole().roster.digest))
    with pytest.raises(ForgedRosterError, match="none of its governance keys"):
        check(found, pin(), NOON)


def test_a_signature_under_a_governors_name_by_another_key_is_refused() -> None:
    found = endorsed(whole(), GOVERNORS[2].public, STRANGER.sign(PURPOSE, whole().roster.digest))
    with pytest.raises(ForgedRosterError, match="altered"):
        check(found, pin(), NOON)


def test_a_signature_of_a_governor_under_another_purpose_is_refused() -> None:
    found = signed(roster(), GOVERNORS[0])
    other = GOVERNORS[1].sign("join request", found.roster.digest)
    with pytest.raises(ForgedRosterError, match="altered"):
        check(endorsed(found, GOVERNORS[1].public, other), pin(), NOON)


ALTERED = {
    "a member's key": {"members": (*MEMBERS[:3], member("west", 44))},
    "a member's role": {"members": (*MEMBERS[:3], member("west", 4, Role.AUDITOR))},
    "a member more": {"members": tuple(sorted((*MEMBERS, member("sybil", 5)), key=lambda one: one.name))},
    "a member less": {"members": MEMBERS[:3]},
    "its version": {"version": 2},
    "its end": {"valid_until": NOON + 2 * DAY},
    "its threshold": {"governance": governance(threshold=1)},
}


@pytest.mark.parametrize("what", ALTERED)
def test_nothing_can_be_altered_after_signing(what: str) -> None:
    altered = whole().model_copy(update={"roster": roster(**({"version": 1} | ALTERED[what]))})  # type: ignore[arg-type]
    with pytest.raises(ForgedRosterError, match="altered"):
        check(altered, pin(), NOON)


@pytest.mark.parametrize(("version", "seen"), [(1, 2), (2, 3), (1, 1000)])
def test_versions_never_go_back(version: int, seen: int) -> None:
    with pytest.raises(OldRosterError, match=f"version {seen} was seen"):
        check(whole(version), pin(seen), NOON)


def test_versions_go_on_also_over_gaps() -> None:
    assert check(whole(7), pin(3), NOON).version == 7


def test_the_same_version_again_is_the_same_pin() -> None:
    assert check(whole(3), pin(3), NOON) == pin(3)
    assert check(signed(roster(3), *GOVERNORS), pin(3), NOON) == pin(3)


def test_the_same_version_with_another_content_is_a_fork() -> None:
    with pytest.raises(ForkedRosterError, match="keep both"):
        check(whole(3, members=MEMBERS[:3]), pin(3), NOON)


@pytest.mark.parametrize(
    ("now", "match"),
    [(NOON - DAY - 1, "clock"), (NOON + DAY, "expired"), (NOON + 10 * DAY, "expired"), (0, "clock")],
)
def test_outside_its_time_a_roster_does_not_count(now: int, match: str) -> None:
    with pytest.raises(RosterTimeError, match=match):
        check(whole(), pin(), now)


@pytest.mark.parametrize("now", [NOON - DAY, NOON, NOON + DAY - 1])
def test_within_its_time_it_does(now: int) -> None:
    assert check(whole(), pin(), now).version == 1


def test_a_digest_told_by_another_way_pins_governance() -> None:
    assert pin_of(whole(), governance().digest) == pin()
    with pytest.raises(OtherGovernanceError, match="not the one you were told"):
        pin_of(whole(), governance(threshold=1).digest)


def test_a_governance_of_ones_own_does_not_count() -> None:
    own = signed(roster(9, governance=governance(SUCCESSORS)), *SUCCESSORS)
    with pytest.raises(OtherGovernanceError, match="has not handed over"):
        check(own, pin(1), NOON)


HANDING_OVER = {"governance": governance(SUCCESSORS), "former": governance()}


def test_a_new_governance_needs_the_old_one_and_itself() -> None:
    handed = roster(2, **HANDING_OVER)
    after = check(signed(handed, *GOVERNORS[:2], *SUCCESSORS), pin(1), NOON)
    assert after.governance == governance(SUCCESSORS)
    with pytest.raises(UnsignedRosterError, match="former"):
        check(signed(handed, GOVERNORS[0], *SUCCESSORS), pin(1), NOON)
    with pytest.raises(UnsignedRosterError, match="2 signatures, 1 more"):
        check(signed(handed, *GOVERNORS, SUCCESSORS[0]), pin(1), NOON)
    assert signed(handed, *GOVERNORS, SUCCESSORS[0]).missing() == 1
    assert signed(handed, GOVERNORS[0], *SUCCESSORS).missing() == 1


def test_after_the_change_the_old_governance_has_no_say() -> None:
    after = check(signed(roster(2, **HANDING_OVER), *GOVERNORS, *SUCCESSORS), pin(1), NOON)
    with pytest.raises(OtherGovernanceError):
        check(signed(roster(3), *GOVERNORS), after, NOON)
    assert check(signed(roster(3, governance=governance(SUCCESSORS)), *SUCCESSORS), after, NOON).version == 3


def test_whoever_joins_after_the_change_pins_the_new_one() -> None:
    handed = signed(roster(2, **HANDING_OVER), *GOVERNORS, *SUCCESSORS)
    assert check(handed, pin_of(handed, governance(SUCCESSORS).digest), NOON).version == 2


def test_a_change_that_was_missed_is_not_skipped() -> None:
    third = governance((identity(300),), 1)
    skipping = signed(
        roster(3, governance=third, former=governance(SUCCESSORS)), *SUCCESSORS, identity(300)
    )  # fmt: skip
    with pytest.raises(OtherGovernanceError, match="versions between"):
        check(skipping, pin(1), NOON)


def test_a_lower_threshold_is_another_governance() -> None:
    lower = governance(threshold=1)
    with pytest.raises(OtherGovernanceError):
        check(signed(roster(2, governance=lower), GOVERNORS[0]), pin(1), NOON)
    with pytest.raises(UnsignedRosterError, match="former"):
        check(signed(roster(2, governance=lower, former=governance()), GOVERNORS[0]), pin(1), NOON)


def test_signatures_are_looked_at_before_anything_else() -> None:
    forged = endorsed(whole(1), GOVERNORS[2].public, bytes(64))
    with pytest.raises(ForgedRosterError):
        check(forged, pin(9), NOON + 9 * DAY)


def test_every_reason_has_a_class_of_its_own_and_all_are_refusals() -> None:
    kinds = {UnsignedRosterError, ForgedRosterError, OtherGovernanceError, RosterTimeError, OldRosterError}
    kinds.add(ForkedRosterError)
    assert all(kind.__base__ is RosterError for kind in kinds)
    assert RosterError.__base__ is RefusedError
    assert RosterError.exit_code == 5
