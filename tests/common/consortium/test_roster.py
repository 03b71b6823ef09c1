"""The roster's content: unambiguous, one spelling, nothing unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.consortium.encoding import label
from common.consortium.roster import Governance, Member, NotAMemberError, Role, Roster, Terms
from common.consortium.signed import MOST_BYTES, MalformedRosterError, SignedRoster
from tests.common.consortium.rosters import GOVERNORS, MEMBERS, NOON, TERMS, governance, identity, member, roster, whole

PRIME = 2**255 - 19
EIGHTH = 2707385501144840649318225287225658788936804267575313519463743609750303402022
WEAK = {0, 1, PRIME - 1, EIGHTH, PRIME - EIGHTH, PRIME, PRIME + 1}

NAMES = st.text(st.sampled_from("abcdeé北京市 "), min_size=1, max_size=8).filter(lambda name: name == name.strip())


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    members = tuple(member(name, number, draw(st.sampled_from(Role))) for number, name in enumerate(sorted(names), 1))
    begin = draw(st.integers(0, NOON))
    return roster(
        draw(st.integers(1, 10**9)),
        members=members,
        valid_from=begin,
        valid_until=begin + draw(st.integers(1, NOON)),
        former=draw(st.none() | st.just(governance(threshold=3))),
    )


@given(rosters(), st.integers(0, 3))
def test_a_roster_comes_back_from_its_file_as_it_was(found: Roster, signers: int) -> None:
    held = SignedRoster(roster=found)
    for one in GOVERNORS[:signers]:
        held = held.signed_by(one)
    back = SignedRoster.from_json(held.to_json())
    assert back == held
    assert back.roster.canonical() == found.canonical()
    assert back.roster.digest == found.digest


@given(rosters(), rosters())
def test_two_rosters_have_one_digest_only_if_they_are_one(first: Roster, second: Roster) -> None:
    assert (first.digest == second.digest) == (first == second)


CHANGES: dict[str, Any] = {
    "version": 2,
    "valid_from": NOON,
    "valid_until": NOON + 7,
    "members": MEMBERS[:3],
    "terms": TERMS.model_copy(update={"max_rounds": 7}),
    "governance": governance(threshold=3),
    "former": governance(threshold=1),
}


@pytest.mark.parametrize("field", Roster.model_fields)
def test_every_field_of_a_roster_is_in_its_digest(field: str) -> None:
    assert roster().model_copy(update={field: CHANGES[field]}).digest != roster().digest


@pytest.mark.parametrize(
    ("kind", "whole_one"), [(Member, MEMBERS[1]), (Terms, TERMS), (Governance, governance())], ids=lambda x: str(x)[:9]
)
def test_every_field_of_its_parts_is_spelled(kind: Any, whole_one: Any) -> None:
    other = {
        "name": "x", "organisation": "x", "role": Role.AUDITOR, "public_key": identity(50).public, "min_cohort": 50,
        "honest_floor": 50, "colluding": 50, "max_rounds": 50, "keys": (identity(50).public,), "threshold": 1,
    }  # fmt: skip
    for field in kind.model_fields:
        assert whole_one.model_copy(update={field: other[field]}).spelled() != whole_one.spelled()


def test_its_digest_is_the_same_everywhere() -> None:
    assert roster().canonical().startswith(label("roster", 1, NOON - 86_400))
    assert roster().digest.hex() == "c2c175aa57c9045e657cd8305b299c9983e565cab4efeb89efc022ec7bae1217"


def refused(match: str, **changes: object) -> None:
    with pytest.raises(ValidationError, match=match):
        roster(**changes)  # type: ignore[arg-type]


def test_two_members_with_one_name_are_refused() -> None:
    refused("each once", members=(member("east", 2), member("east", 3)))


@pytest.mark.parametrize(("first", "second"), [("East", "east"), ("1", "１"), ("STRASSE", "straße")])
def test_two_names_that_differ_in_case_or_width_alone_are_one(first: str, second: str) -> None:
    refused(
        "two members have names", members=tuple(sorted((member(first, 2), member(second, 3)), key=lambda m: m.name))
    )


def test_two_members_with_one_key_are_refused() -> None:
    refused("two members have keys", members=(member("east", 2), member("west", 2)))


def test_a_governance_key_is_no_members() -> None:
    refused("governance key", members=(member("east", 101),))


def test_members_and_governance_keys_stand_in_order() -> None:
    refused("rising order", members=MEMBERS[::-1])
    with pytest.raises(ValidationError, match="rising order"):
        governance(GOVERNORS[::-1])
    with pytest.raises(ValidationError, match="rising order"):
        governance((GOVERNORS[0], GOVERNORS[0]))


@pytest.mark.parametrize("threshold", [0, 4, -1, True, 2.0])
def test_a_threshold_can_be_reached(threshold: Any) -> None:
    with pytest.raises(ValidationError, match="threshold"):
        governance(threshold=threshold)


@pytest.mark.parametrize(
    "changes",
    [
        {"min_cohort": 2},
        {"honest_floor": 1},
        {"colluding": 0},
        {"max_rounds": 0},
        {"honest_floor": 3},
        {"colluding": 2},
        {"min_cohort": 3.0},
        {"min_cohort": True},
        {"more": 1},
    ],
)
def test_terms_below_the_floor_or_that_cannot_be_kept_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Terms.model_validate(TERMS.model_dump() | changes)


@pytest.mark.parametrize(
    "changes",
    [{"version": 0}, {"valid_until": NOON - 86_400}, {"valid_from": -1}, {"members": ()}, {"valid_until": 10**12}],
)
def test_impossible_versions_and_times_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Roster.model_validate(roster().model_dump() | changes)


@pytest.mark.parametrize(
    "name", ["", "a\n", "a\x1b[31m", " a", "a ", "a\u202eb", "a\u200bb", "e\u0301", "x" * 65, "\ud800"]
)
def test_a_name_that_reads_as_another_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        member(name, 2)


@pytest.mark.parametrize("name", ["北京市医保局（东城）", "Île-de-France 75", "x" * 64])
def test_a_member_may_be_called_anything_readable(name: str) -> None:
    assert member(name, 2).name == name


def everybody_signs(key: bytes) -> bool:
    """Whether one signature that needs no secret is valid for some of many messages."""
    for number in range(200):
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(b"\1" + bytes(63), number.to_bytes(2, "big"))
        except InvalidSignature:
            continue
        return True
    return False


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", sorted(WEAK))
def test_a_key_that_everybody_can_sign_for_is_refused(y: int, sign: int) -> None:
    with pytest.raises(ValidationError, match="everybody"):
        Member(name="a", organisation="a", role=Role.BUREAU, public_key=(y | sign << 255).to_bytes(32, "little"))


def test_such_keys_are_a_real_danger_and_others_are_not() -> None:
    assert all(everybody_signs(y.to_bytes(32, "little")) for y in WEAK if y < PRIME)
    assert not everybody_signs(identity(1).public)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValidationError):
        Member(name="a", organisation="a", role=Role.BUREAU, public_key=b"\7" * length)


def test_a_member_is_found_by_name_and_role() -> None:
    assert roster().member("east", Role.BUREAU) == MEMBERS[1]
    assert roster().of_role(Role.BUREAU) == MEMBERS[1:]
    for name, role in (("east", Role.COORDINATOR), ("East", Role.BUREAU), ("south", Role.BUREAU)):
        with pytest.raises(NotAMemberError, match="lists no"):
            roster().member(name, role)


def test_a_roster_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        roster().version = 2


def spoiled(path: tuple[str | int, ...], value: object) -> bytes:
    held = json.loads(whole().to_json())
    at = held
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(held).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("more",), 1),
        (("roster", "more"), 1),
        (("roster", "members", 0, "more"), 1),
        (("roster", "terms", "more"), 1),
        (("roster", "governance", "more"), 1),
        (("signatures", 0, "more"), 1),
        (("roster", "version"), "1"),
        (("roster", "version"), 1.0),
        (("roster", "version"), True),
        (("roster", "members", 0, "role"), "owner"),
        (("roster", "members", 0, "public_key"), "zz" * 32),
        (("roster", "members", 0, "public_key"), "aa" * 31),
        (("roster", "members", 1, "name"), "coordinator"),
        (("signatures", 0, "signature"), "aa" * 63),
        (("roster", "former"), {}),
    ],
)
def test_a_file_with_anything_unknown_or_of_another_kind_is_refused(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(MalformedRosterError, match="cannot be used"):
        SignedRoster.from_json(spoiled(path, value))


@pytest.mark.parametrize(
    "held", [b"", b"{}", b"[]", b"\xff", b"null", b"[" * 100_000, whole().to_json() + b" " * MOST_BYTES]
)
def test_what_is_no_roster_is_refused(held: bytes) -> None:
    with pytest.raises(MalformedRosterError):
        SignedRoster.from_json(held)


def test_a_complaint_does_not_repeat_what_was_given() -> None:
    with pytest.raises(MalformedRosterError) as caught:
        SignedRoster.from_json(spoiled(("roster", "version"), "Jane Doe"))
    assert "Jane" not in str(caught.value)
    assert "roster.version" in str(caught.value)
