"""Whatever bytes come in: a claim, or a refusal in words of our own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.router.serving.reading import MOST_CLAIM_BYTES, NationalClaim, UnreadableClaimError, read_claim
from common.claim import Claim
from tests.client.router.routed import claim_json, fields

SAID = re.compile(r"this is no claim: .{1,600}|a claim has at most \d+ bytes")
CANARY = "canary4711"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(CANARY) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.just(CANARY) | st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def refused(held: bytes) -> str | None:
    try:
        assert isinstance(read_claim(held), Claim)
    except UnreadableClaimError as error:
        return str(error)
    return None


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_claim_or_refused(held: bytes) -> None:
    said = refused(held)
    assert said is None or SAID.fullmatch(said)


@settings(derandomize=True, max_examples=600, deadline=None)
@given(st.sampled_from([*Claim.model_fields, "claim_id", CANARY]), values)
def test_a_field_of_anything_is_a_claim_or_refused_and_never_shown(name: str, value: Any) -> None:
    said = refused(json.dumps(fields(1) | {name: value}).encode())
    assert said is None or (SAID.fullmatch(said) and CANARY not in said)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(st.integers(0, 700), st.integers(0, 255), st.integers(0, 30))
def test_a_claim_with_bytes_changed_or_cut_off_is_a_claim_or_refused(place: int, byte: int, cut: int) -> None:
    held = bytearray(claim_json(2))
    held[place % len(held)] = byte
    said = refused(bytes(held[: len(held) - cut]))
    assert said is None or SAID.fullmatch(said)


def judged(kind: type[Claim], held: bytes) -> dict[str, Any] | None:
    try:
        return vars(kind.model_validate_json(held))
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return None


def agrees(held: bytes) -> bool:
    """Whether what is read without a detour is what the claim itself would be; where it is not read, whatever."""
    found = judged(NationalClaim, held)
    return found is None or repr(found) == repr(judged(Claim, held))


@settings(derandomize=True, max_examples=1500, deadline=None)
@given(
    st.sampled_from([*Claim.model_fields, "claim_id", "sex", CANARY]),
    values
    | st.sampled_from(
        [
            "1",
            "1.10",
            1.1,
            1e-3,
            "1e2",
            " 7 ",
            "2024-03-01",
            "2024-03-05T10:00:00+08:00",
            1_700_000_000,
            0.1 + 0.2,
            10**15,
        ]
    ),
)
def test_a_field_of_anything_is_read_as_by_the_claim_itself(name: str, value: Any) -> None:
    assert agrees(json.dumps(fields(1) | {name: value}).encode())


@settings(derandomize=True, max_examples=1500, deadline=None)
@given(st.integers(0, 700), st.integers(0, 255), st.integers(0, 3))
def test_a_claim_with_bytes_changed_is_read_as_by_the_claim_itself(place: int, byte: int, cut: int) -> None:
    held = bytearray(claim_json(2))
    held[place % len(held)] = byte
    assert agrees(bytes(held[: len(held) - cut]))


def test_a_field_given_twice_is_read_as_by_the_claim_itself() -> None:
    for name, value in fields(1).items():
        for other in (None, "9", 1, value):
            twice = b'{"%b": %b, %b' % (name.encode(), json.dumps(other).encode(), claim_json(1)[1:])
            thrice = twice[:-1] + b', "%b": %b}' % (name.encode(), json.dumps(other).encode())
            assert agrees(twice)
            assert agrees(thrice)


def test_english_names_are_read_and_no_field_by_both_of_its_names() -> None:
    english = {{"claim_key": "claim_id", "gend": "sex"}.get(name, name): value for name, value in fields(1).items()}
    assert read_claim(json.dumps(english).encode()).claim_key == "S1"
    said = refused(json.dumps(english | {"claim_key": "S1"}).encode())
    assert said is not None
    assert "given twice" in said


def test_deep_and_long_texts_are_refused() -> None:
    assert refused(b"[" * MOST_CLAIM_BYTES)
    assert refused(b'{"a":' * 10_000)
    assert refused(b" " * (MOST_CLAIM_BYTES + 1)) == f"a claim has at most {MOST_CLAIM_BYTES} bytes"
    assert refused(b'{"age": ' + b"9" * 60_000 + b"}")


def test_a_direct_identifier_is_refused_and_not_repeated() -> None:
    said = refused(json.dumps(fields(1) | {"psn_name": "Zhang San"}).encode())
    assert said is not None
    assert "Zhang" not in said


def test_keys_are_spelled_as_in_files() -> None:
    read = read_claim(claim_json(1, claim_key="\u3000Ｓ１ ", psn_key=" P１"))
    assert (read.claim_key, read.psn_key) == ("S1", "P1")
    assert read == read_claim(claim_json(1, claim_key="S1", psn_key="P1"))


@pytest.mark.parametrize("key", [" ", "\u3000\u00a0", "\ufdfa" * 100])
@pytest.mark.parametrize("name", ["claim_key", "psn_key"])
def test_a_key_that_is_blank_or_too_long_in_its_one_spelling_is_none(name: str, key: str) -> None:
    said = refused(claim_json(1, **{name: key}))
    assert said is not None
    assert SAID.fullmatch(said)
    assert name in said
