"""Models: checked when they come, pinned before they are used, gone back to only where a bureau has been."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from client.router.models.canaries import CanaryError, insist_steady, moves
from client.router.models.shelf import ModelShelf, Trust
from client.router.models.standing import ModelChoiceError, Stance, Standing
from client.router.router import now
from common.consortium.publishing import (
    ForkedPublicationError,
    OldPublicationError,
    OtherModelError,
    PublicationTimeError,
    SignedPublication,
    UnsignedPublicationError,
    sign_publication,
)
from common.consortium.roster import Role
from common.errors import InputError
from tests.client.router.homes import AUDITED, BEGUN, LASTS_S, chain, model_bytes, publication
from tests.common.consortium.rosters import DAY, STRANGER, identity, roster

TRUST = Trust(roster=roster(members=AUDITED), roles=frozenset({Role.COORDINATOR}))
BOTH = Trust(roster=TRUST.roster, roles=frozenset({Role.COORDINATOR, Role.AUDITOR}))


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    return ModelShelf(tmp_path)


def receive(shelf: ModelShelf, signed: SignedPublication, trust: Trust = TRUST) -> int:
    version = signed.publication.version
    return shelf.receive(signed.to_json(), model_bytes(version), trust, now()).publication.version


def accept(shelf: ModelShelf, *versions: int, length: int = 4) -> Standing:
    for version in versions:
        shelf.accept(receive(shelf, chain(length)[version - 1]), TRUST, now())
    return shelf.standing()


def test_what_is_received_decides_nothing_until_it_is_accepted(shelf: ModelShelf) -> None:
    receive(shelf, chain(1)[0])
    assert (shelf.standing().in_force, shelf.standing().pinned) == (None, None)
    assert shelf.standing().entry(1).stance is Stance.WAITING
    assert (accept(shelf, 1).in_force, shelf.standing().pinned) == (1, 1)


def test_an_unsigned_or_strangely_signed_model_is_not_taken(shelf: ModelShelf) -> None:
    found = chain(1)[0].publication
    for signed in (SignedPublication(publication=found), sign_publication(found, "coordinator", STRANGER)):
        with pytest.raises(UnsignedPublicationError):
            receive(shelf, signed)
    assert shelf.standing() == Standing()


def test_where_an_auditor_is_wanted_the_coordinator_alone_is_not_enough(shelf: ModelShelf) -> None:
    signed = chain(1)[0]
    with pytest.raises(UnsignedPublicationError):
        receive(shelf, signed, BOTH)
    receive(shelf, signed.approved_by("auditor", Role.AUDITOR, identity(9)), BOTH)


def test_another_models_bytes_are_not_taken(shelf: ModelShelf) -> None:
    with pytest.raises(OtherModelError):
        shelf.receive(chain(1)[0].to_json(), model_bytes(2), TRUST, now())
    with pytest.raises(InputError):
        shelf.receive(chain(1)[0].to_json(), b"{}", TRUST, now())


def test_a_publication_about_another_plan_is_not_taken(shelf: ModelShelf) -> None:
    with pytest.raises(OtherModelError):
        receive(shelf, publication(plan_fingerprint="a" * 64))


def test_an_expired_model_is_neither_taken_nor_gone_back_to(shelf: ModelShelf) -> None:
    with pytest.raises(PublicationTimeError):
        receive(shelf, publication(issued=BEGUN - 2 * DAY, expires=BEGUN - DAY))
    accept(shelf, 1, 2)
    with pytest.raises(PublicationTimeError):
        shelf.roll_back(1, TRUST, BEGUN + LASTS_S)


def test_versions_never_go_back_and_a_fork_is_noticed(shelf: ModelShelf) -> None:
    accept(shelf, 2)
    with pytest.raises(OldPublicationError):
        receive(shelf, chain(1)[0])
    with pytest.raises(ForkedPublicationError):
        receive(shelf, publication(3, previous="d" * 64))
    with pytest.raises(ForkedPublicationError):
        receive(shelf, publication(2, previous="d" * 64))


def test_a_fork_through_a_version_that_only_waits_is_noticed(shelf: ModelShelf) -> None:
    accept(shelf, 1)
    receive(shelf, chain(2)[1])
    with pytest.raises(ForkedPublicationError):
        receive(shelf, publication(3, previous="d" * 64))
    assert [one.publication.version for one in shelf.standing().entries] == [1, 2]
    accept(shelf, 2, 3)


def test_a_fork_is_noticed_whichever_side_of_it_comes_first(shelf: ModelShelf) -> None:
    accept(shelf, 1)
    receive(shelf, publication(3, previous="d" * 64))
    with pytest.raises(ForkedPublicationError):
        receive(shelf, chain(2)[1])


def test_no_version_is_accepted_over_a_fork_that_is_on_the_shelf_already(shelf: ModelShelf) -> None:
    accept(shelf, 1)
    for signed in (chain(2)[1], publication(3, previous=chain(2)[1].publication.digest)):
        receive(shelf, signed)
    standing = shelf.standing()
    forged = standing.entry(2).publication.model_copy(update={"session": "f" * 32})
    entries = tuple(
        one.model_copy(update={"publication": forged}) if one.publication.version == 2 else one
        for one in standing.entries
    )
    (shelf._directory / "standing.json").write_bytes(standing.model_copy(update={"entries": entries}).to_json())
    with pytest.raises(ForkedPublicationError):
        shelf.accept(3, TRUST, now())
    assert shelf.standing().in_force == 1


def test_two_contents_of_one_version_are_noticed_before_either_is_accepted(shelf: ModelShelf) -> None:
    receive(shelf, publication(1))
    with pytest.raises(ModelChoiceError):
        receive(shelf, publication(1, session="e" * 32))


def test_one_goes_back_only_to_what_was_accepted_and_the_pin_stays(shelf: ModelShelf) -> None:
    accept(shelf, 1, 3)
    receive(shelf, chain(4)[3])
    with pytest.raises(ModelChoiceError):
        shelf.roll_back(4, TRUST, now())
    with pytest.raises(InputError):
        shelf.roll_back(2, TRUST, now())
    after = shelf.roll_back(1, TRUST, now())
    assert (after.in_force, after.pinned) == (1, 3)
    with pytest.raises(OldPublicationError):
        receive(shelf, chain(4)[1])
    shelf.accept(3, TRUST, now())
    assert shelf.standing().in_force == 3


def test_one_goes_back_only_over_versions_that_name_each_other(shelf: ModelShelf) -> None:
    accept(shelf, 1, 2)
    standing = shelf.standing()
    forged = standing.entries[1].publication.model_copy(update={"previous": "d" * 64})
    entries = (standing.entries[0], standing.entries[1].model_copy(update={"publication": forged}))
    (shelf._directory / "standing.json").write_bytes(standing.model_copy(update={"entries": entries}).to_json())
    with pytest.raises(ModelChoiceError):
        shelf.roll_back(1, TRUST, now())


def test_a_refused_version_is_never_used(shelf: ModelShelf) -> None:
    receive(shelf, chain(1)[0])
    shelf.refuse(1, now())
    for step in (lambda: shelf.accept(1, TRUST, now()), lambda: shelf.shadow(1)):
        with pytest.raises(ModelChoiceError):
            step()


def test_the_version_in_force_is_neither_refused_nor_its_own_shadow(shelf: ModelShelf) -> None:
    accept(shelf, 1)
    with pytest.raises(ModelChoiceError):
        shelf.refuse(1, now())
    with pytest.raises(ModelChoiceError):
        shelf.shadow(1)


def test_a_shadow_that_is_accepted_is_none_any_more(shelf: ModelShelf) -> None:
    accept(shelf, 1)
    receive(shelf, chain(2)[1])
    assert shelf.shadow(2).shadow == 2
    assert shelf.accept(2, TRUST, now()).shadow is None


def test_a_file_that_was_changed_is_not_used(shelf: ModelShelf) -> None:
    accept(shelf, 1)
    [folder] = [path for path in shelf._directory.iterdir() if path.is_dir()]
    held = (folder / "model.json").read_bytes()
    (folder / "model.json").write_bytes(held + b" ")
    with pytest.raises(OtherModelError):
        shelf.held(1)
    (folder / "model.json").write_bytes(held)
    assert hashlib.sha256(shelf.held(1).bytes).hexdigest() == chain(1)[0].publication.model_sha256
    (shelf._directory / "standing.json").write_bytes(b"{")
    with pytest.raises(InputError):
        shelf.standing()


def test_lanes_that_move_are_counted_and_limited() -> None:
    found = moves(["FAST", "FAST", "HUMAN", "HOLD"], ["FAST", "HUMAN", "HUMAN", "HOLD"])
    assert (found.n_moved, found.share_moved) == (1, 0.25)
    insist_steady(found, 0.25)
    with pytest.raises(CanaryError, match="1 from FAST to HUMAN"):
        insist_steady(found, 0.24)


def test_without_canaries_only_a_bureau_that_allows_every_move_goes_on() -> None:
    with pytest.raises(CanaryError):
        insist_steady(moves([], []), 0.99)
    insist_steady(moves([], []), 1.0)
