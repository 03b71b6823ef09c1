"""Published models: signed, monotone, current, and about the bytes that came with them."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.consortium.publishing import (
    CLOCK_SLACK_S,
    NONE_BEFORE,
    ForkedPublicationError,
    MalformedPublicationError,
    OldPublicationError,
    OtherModelError,
    Publication,
    PublicationError,
    PublicationTimeError,
    SignedPublication,
    UnsignedPublicationError,
    accept,
    sign_publication,
)
from common.consortium.roster import Role
from tests.common.consortium.rosters import DAY, MEMBERS, NOON, STRANGER, identity, member, roster

MODEL = b'{"centroids": []}'
FEATURES = "b" * 64
AUDITED = roster(members=tuple(sorted((*MEMBERS, member("auditor", 9, Role.AUDITOR)), key=lambda one: one.name)))
BOTH = frozenset({Role.COORDINATOR, Role.AUDITOR})


def publication(version: int = 1, previous: str = NONE_BEFORE, **changes: Any) -> Publication:
    fields = {
        "version": version,
        "previous": previous,
        "model_sha256": hashlib.sha256(MODEL).hexdigest(),
        "plan_fingerprint": "a" * 64,
        "features_sha256": FEATURES,
        "session": "c" * 32,
        "issued": NOON,
        "expires": NOON + DAY,
    } | changes
    return Publication.model_validate(fields)


def signed(found: Publication) -> SignedPublication:
    return sign_publication(found, "coordinator", identity(1))


def accepted(held: SignedPublication, before: Publication | None = None, **changes: Any) -> Publication:
    terms: dict[str, Any] = {
        "model": MODEL,
        "features_sha256": FEATURES,
        "roster": AUDITED,
        "roles": frozenset({Role.COORDINATOR}),
        "now": NOON + 1,
    }
    return accept(held, accepted=before, **(terms | changes))


def test_a_signed_current_first_version_is_accepted() -> None:
    assert accepted(signed(publication())) == publication()


def test_versions_that_follow_are_accepted_also_where_some_were_missed() -> None:
    first = publication()
    second = publication(2, first.digest)
    assert accepted(signed(second), first) == second
    assert accepted(signed(publication(5, "d" * 64)), first).version == 5


def test_a_version_never_goes_back() -> None:
    with pytest.raises(OldPublicationError):
        accepted(signed(publication(2, "d" * 64)), publication(3, "d" * 64))


@pytest.mark.parametrize(
    "second",
    [publication(2, "d" * 64), publication(1, expires=NOON + DAY + 1)],
    ids=["names another version before", "the same number with another content"],
)
def test_a_version_that_contradicts_what_was_accepted_is_a_fork(second: Publication) -> None:
    with pytest.raises(ForkedPublicationError):
        accepted(signed(second), publication())


def test_both_signatures_are_needed_where_an_auditor_was_agreed_on() -> None:
    held = signed(publication())
    with pytest.raises(UnsignedPublicationError, match="auditor"):
        accepted(held, roles=BOTH)
    assert accepted(held.approved_by("auditor", Role.AUDITOR, identity(9)), roles=BOTH)


@pytest.mark.parametrize(
    "forge",
    [
        lambda: SignedPublication(publication=publication()),
        lambda: sign_publication(publication(), "coordinator", STRANGER),
        lambda: sign_publication(publication(), "east", identity(2)),
        lambda: sign_publication(publication(), "stranger", STRANGER),
        lambda: signed(publication()).approved_by("auditor", Role.AUDITOR, STRANGER),
        lambda: signed(publication()).model_copy(update={"publication": publication(expires=NOON + 2 * DAY)}),
    ],
    ids=["unsigned", "strange key", "a bureau", "no member", "one good and one strange signature", "altered"],
)
def test_a_signature_that_does_not_count_refuses_the_model(forge: Callable[[], SignedPublication]) -> None:
    with pytest.raises(UnsignedPublicationError):
        accepted(forge())


def test_an_auditor_s_signature_is_no_coordinator_s() -> None:
    held = SignedPublication(publication=publication()).approved_by("auditor", Role.AUDITOR, identity(9))
    (one,) = held.approvals
    moved = one.model_copy(update={"role": Role.COORDINATOR})
    promoted = roster(members=(member("auditor", 9, Role.COORDINATOR), *MEMBERS[1:]))
    with pytest.raises(UnsignedPublicationError):
        accepted(held.model_copy(update={"approvals": (moved,)}), roster=promoted)


@pytest.mark.parametrize("now", [NOON + DAY, NOON - CLOCK_SLACK_S - 1])
def test_a_model_counts_from_its_issue_to_its_end(now: int) -> None:
    with pytest.raises(PublicationTimeError):
        accepted(signed(publication()), now=now)


def test_a_model_counts_up_to_its_last_second() -> None:
    assert accepted(signed(publication()), now=NOON + DAY - 1)
    assert accepted(signed(publication()), now=NOON - CLOCK_SLACK_S)


@pytest.mark.parametrize("changes", [{"model": MODEL + b" "}, {"features_sha256": "e" * 64}])
def test_other_bytes_or_other_features_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(OtherModelError):
        accepted(signed(publication()), **changes)


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"previous": "d" * 64}, {"expires": NOON}, {"version": 0}, {"session": "x" * 32}]
)
def test_an_impossible_publication_cannot_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"publication|version|greater|match"):
        publication(**changes)


def test_what_is_written_is_read_back() -> None:
    held = signed(publication()).approved_by("auditor", Role.AUDITOR, identity(9))
    assert SignedPublication.from_json(held.to_json()) == held


@given(st.binary(max_size=300))
def test_other_bytes_are_no_publication(held: bytes) -> None:
    with pytest.raises(MalformedPublicationError):
        SignedPublication.from_json(held)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_is_accepted_as_something_else(place: int, change: int) -> None:
    held = bytearray(signed(publication()).to_json())
    place %= len(held)
    held[place] ^= change
    try:
        found = accepted(SignedPublication.from_json(bytes(held)))
    except PublicationError:
        return
    assert found == publication()


def test_every_field_has_its_part_in_the_digest() -> None:
    first = publication(2, "d" * 64)
    others = [
        first.model_copy(update={name: "f" * len(value) if isinstance(value, str) else value + 1})
        for name, value in first.model_dump().items()
    ]
    assert len({first.digest, *(one.digest for one in others)}) == len(others) + 1
