"""Requests to join: nobody brings another's key, and nobody changes what was asked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.consortium.joining import MOST_BYTES, PURPOSE, JoinRequest, JoinRequestError
from tests.common.consortium.rosters import STRANGER, identity

REQUEST = JoinRequest.by(identity(2), "east", "East health")


@given(st.integers(1, 2**200), st.text(st.sampled_from("aé北市 -"), min_size=1, max_size=64))
def test_a_request_comes_back_from_its_file_as_it_was(number: int, name: str) -> None:
    name = name.strip() or "a"
    request = JoinRequest.by(identity(number), name, "East health")
    assert JoinRequest.from_json(request.to_json()) == request


def spoiled(**changes: object) -> bytes:
    return json.dumps(json.loads(REQUEST.to_json()) | changes).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "west"},
        {"organisation": "West health"},
        {"public_key": STRANGER.public.hex()},
        {"signature": STRANGER.sign(PURPOSE, "east", "East health", identity(2).public).hex()},
        {"signature": identity(2).sign("roster signature", "east", "East health", identity(2).public).hex()},
        {"signature": identity(2).sign(PURPOSE, "east", "East health").hex()},
        {"signature": "00" * 64},
    ],
)
def test_a_request_signed_by_another_key_or_altered_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(JoinRequestError, match="not signed by the key it names"):
        JoinRequest.from_json(spoiled(**changes))


def test_a_request_with_a_key_that_everybody_can_sign_for_is_refused() -> None:
    with pytest.raises(JoinRequestError, match="no join request"):
        JoinRequest.from_json(spoiled(public_key="01" + "00" * 31, signature="01" + "00" * 63))


@pytest.mark.parametrize(
    "held", [b"", b"{}", b"null", b"\xff", REQUEST.to_json() + b" " * MOST_BYTES, spoiled(more=1), spoiled(name=1)]
)
def test_what_is_no_request_is_refused(held: bytes) -> None:
    with pytest.raises(JoinRequestError, match="no join request"):
        JoinRequest.from_json(held)


@pytest.mark.parametrize(
    ("name", "organisation"), [("", "o"), ("n", ""), ("a\nb", "o"), ("n", "x" * 65), ("\ud800", "o")]
)
def test_a_name_that_no_roster_can_list_is_refused_at_once(name: str, organisation: str) -> None:
    with pytest.raises(JoinRequestError):
        JoinRequest.by(identity(2), name, organisation)


def test_a_request_holds_nothing_secret() -> None:
    assert identity(2).seed().hex().encode() not in REQUEST.to_json()
