"""A bureau's memory of rosters: checked before it is kept, kept before it is used, never back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from client.identity import membership as module
from client.identity.membership import PIN_FILE, REQUEST_FILE, ROSTER_FILE, Membership
from common.consortium.joining import JoinRequest
from common.consortium.roster import NotAMemberError, Role
from common.consortium.signed import (
    ForgedRosterError,
    ForkedRosterError,
    MalformedRosterError,
    OldRosterError,
    OtherGovernanceError,
    RosterTimeError,
    UnsignedRosterError,
)
from common.errors import EngineError, InputError
from tests.common.consortium.rosters import (
    DAY,
    GOVERNORS,
    MEMBERS,
    NOON,
    SUCCESSORS,
    governance,
    identity,
    member,
    roster,
    signed,
    whole,
)

TOLD = governance().digest


@pytest.fixture
def bureau(tmp_path: Path) -> Membership:
    found = Membership(tmp_path / "consortium")
    found.request("east", "East health", None, seed=identity(2).seed())
    return found


@pytest.fixture
def joined(bureau: Membership) -> Membership:
    bureau.accept(whole(3).to_json(), TOLD, NOON)
    return bureau


def state(found: Membership) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in found.directory.iterdir()}


def test_a_request_names_the_key_that_was_made(bureau: Membership) -> None:
    request = JoinRequest.from_json((bureau.directory / REQUEST_FILE).read_bytes())
    assert (request.name, request.public_key) == ("east", bureau.identity(None).public)


def test_asking_again_keeps_the_key(bureau: Membership) -> None:
    request = bureau.request("east two", "East health", None)
    assert request.public_key == identity(2).public


def test_without_a_seed_every_key_is_another(tmp_path: Path) -> None:
    first, second = (Membership(tmp_path / name).request(name, "o", None) for name in ("a", "b"))
    assert first.public_key != second.public_key


def test_a_directory_is_for_its_owner_alone(bureau: Membership) -> None:
    assert bureau.directory.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in bureau.directory.iterdir())


def test_a_roster_that_was_accepted_is_there_afterwards(joined: Membership) -> None:
    assert Membership(joined.directory).roster(NOON) == whole(3).roster
    assert joined.member(joined.roster(NOON)) == MEMBERS[1]


def test_the_first_roster_needs_the_digest_told_by_another_way(bureau: Membership) -> None:
    before = state(bureau)
    with pytest.raises(InputError, match="--governance"):
        bureau.accept(whole(3).to_json(), None, NOON)
    with pytest.raises(OtherGovernanceError, match="not the one you were told"):
        bureau.accept(whole(3).to_json(), bytes(32), NOON)
    assert state(bureau) == before


def test_the_next_one_does_not(joined: Membership) -> None:
    assert joined.accept(whole(4).to_json(), None, NOON).version == 4


@pytest.mark.parametrize(
    ("held", "error"),
    [
        (whole(2), OldRosterError),
        (whole(3, members=MEMBERS[:2]), ForkedRosterError),
        (signed(roster(4), GOVERNORS[0]), UnsignedRosterError),
        (whole(4).model_copy(update={"roster": roster(4, members=MEMBERS[:2])}), ForgedRosterError),
        (signed(roster(4, governance=governance(SUCCESSORS)), *SUCCESSORS), OtherGovernanceError),
        (whole(4, valid_until=NOON), RosterTimeError),
    ],
)
def test_what_does_not_count_changes_nothing(joined: Membership, held: module.SignedRoster, error: type) -> None:
    before = state(joined)
    for told in (None, held.roster.governance.digest):
        with pytest.raises(error):
            joined.accept(held.to_json(), told, NOON)
    assert state(joined) == before


def test_what_is_no_roster_changes_nothing(joined: Membership) -> None:
    before = state(joined)
    with pytest.raises(MalformedRosterError):
        joined.accept(b"{}", None, NOON)
    assert state(joined) == before


def test_an_older_roster_put_in_place_by_hand_is_noticed(joined: Membership) -> None:
    joined.accept(whole(4).to_json(), None, NOON)
    (joined.directory / ROSTER_FILE).write_bytes(whole(3).to_json())
    with pytest.raises(OldRosterError):
        joined.roster(NOON)


def test_a_newer_roster_put_in_place_by_hand_is_remembered(joined: Membership) -> None:
    (joined.directory / ROSTER_FILE).write_bytes(whole(5).to_json())
    assert joined.roster(NOON).version == 5
    with pytest.raises(OldRosterError):
        joined.accept(whole(4).to_json(), None, NOON)


def test_an_expired_roster_is_no_longer_given_out(joined: Membership) -> None:
    with pytest.raises(RosterTimeError):
        joined.roster(NOON + DAY)


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_crash_while_accepting_loses_neither_memory_nor_roster(
    joined: Membership, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    calls = iter(range(1, 100))
    real = module.write_new

    def failing(path: Path, held: bytes) -> None:
        if next(calls) == fails_at:
            path.write_bytes(held[:10])
            raise OSError
        real(path, held)

    monkeypatch.setattr(module, "write_new", failing)
    with pytest.raises(EngineError, match="free some space"):
        joined.accept(whole(4).to_json(), None, NOON)
    monkeypatch.undo()
    assert joined.roster(NOON).version == (3 if fails_at == 1 else 4)
    with pytest.raises(OldRosterError):
        joined.accept(whole(2).to_json(), None, NOON)
    assert joined.accept(whole(4).to_json(), None, NOON).version == 4


def test_the_pin_is_on_the_disk_before_a_roster_is_given_out(
    joined: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_path: Path, _held: bytes) -> None:
        raise OSError

    (joined.directory / ROSTER_FILE).write_bytes(whole(5).to_json())
    monkeypatch.setattr(module, "write_new", failing)
    with pytest.raises(EngineError):
        joined.roster(NOON)


def test_one_at_a_time_changes_the_memory(joined: Membership) -> None:
    newer = threading.Thread(target=joined.accept, args=(whole(4).to_json(), None, NOON))
    with joined._alone():
        newer.start()
        newer.join(0.3)
        assert newer.is_alive()
        assert PIN_FILE in state(joined)
    newer.join(30)
    assert joined.roster(NOON).version == 4


@pytest.mark.parametrize("held", [b"", b"{}", b"nonsense"])
def test_a_damaged_memory_is_not_forgotten(joined: Membership, held: bytes) -> None:
    (joined.directory / PIN_FILE).write_bytes(held)
    with pytest.raises(InputError, match="damaged"):
        joined.roster(NOON)
    with pytest.raises(InputError, match="damaged"):
        joined.accept(whole(3).to_json(), TOLD, NOON)


def test_a_bureau_under_another_key_or_name_is_not_listed(joined: Membership) -> None:
    for members in (MEMBERS[:1], (member("east", 22),), (member("west", 2),)):
        with pytest.raises(NotAMemberError, match="does not list"):
            joined.member(roster(members=members))


def test_the_role_is_the_rosters_to_say(joined: Membership) -> None:
    assert joined.member(roster(members=(member("east", 2, Role.AUDITOR),))).role is Role.AUDITOR


def test_a_directory_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fedclaims-bureau join"):
        Membership(tmp_path / "nowhere").roster(NOON)
    with pytest.raises(InputError, match="cannot be read"):
        Membership(tmp_path).roster(NOON)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        Membership(tmp_path / "file" / "below").request("a", "o", None)
