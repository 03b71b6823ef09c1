"""An input that is small enough to be read costs little to be refused, however it is made."""

from __future__ import annotations

import tracemalloc

import pytest

from client.policy import parse_policy
from common.consortium.signed import MalformedRosterError, SignedRoster
from common.errors import InputError, MessageError, PlanError
from common.plan import Plan
from common.wire import decode

MEBIBYTE = 1 << 20


def peak_of(refusal: type[Exception], read: object, *given: object) -> int:
    """Bytes at most in use while something is refused."""
    tracemalloc.start()
    try:
        with pytest.raises(refusal):
            read(*given)  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "held",
    [
        b"\x91" * 200_000,
        b"\xdc\x27\x10" * 500 + bytes(200_000),
        b"\x81\xa1a" * 100_000,
        b"\x81\xa1a\xc6\x00\x03\x0d\x40",
    ],
    ids=["nested lists", "lists announced in lists", "nested maps", "bytes announced"],
)
def test_a_large_message_is_refused_in_little_space(held: bytes) -> None:
    assert peak_of(MessageError, decode, held) < 64 * MEBIBYTE


@pytest.mark.parametrize("value", [b"[" * 200_000, b"9" * 200_000, b"[" + b"0," * 100_000 + b"0]"], ids=lambda v: v[:2])
def test_a_large_plan_is_refused_in_little_space(value: bytes) -> None:
    assert peak_of(PlanError, Plan.from_canonical, b'{"protocol":3,"seed":' + value + b"}") < 16 * MEBIBYTE


@pytest.mark.parametrize(
    "held",
    [
        b'{"roster":' + b"[" * 60_000,
        b'{"roster":{"version":' + b"9" * 60_000 + b"}}",
        b'{"roster":{"members":[' + b"{}," * 20_000 + b"{}]}}",
    ],
    ids=["nested", "a long number", "many empty members"],
)
def test_a_large_roster_is_refused_in_little_space(held: bytes) -> None:
    assert peak_of(MalformedRosterError, SignedRoster.from_json, held) < 16 * MEBIBYTE


def test_a_policy_with_a_long_dotted_key_is_refused_in_little_space() -> None:
    assert peak_of(InputError, parse_policy, b"a" + b".a" * 4000 + b"=1", "dotted") < 128 * MEBIBYTE
    assert peak_of(InputError, parse_policy, b"a" + b".a" * 500_000 + b"=1", "dotted") < MEBIBYTE


@pytest.mark.parametrize("text", [b"plans = " + b"[" * 3000, b"a = " + b"{a=" * 3000])
def test_a_policy_that_is_nested_too_deeply_is_refused_as_documented(text: bytes) -> None:
    with pytest.raises(InputError):
        parse_policy(text, "nested")
