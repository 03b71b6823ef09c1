"""Whatever bytes come in: a claim, or a refusal in words of our own."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from client.router.serving.reading import MOST_CLAIM_BYTES, UnreadableClaimError, read_claim
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


def test_deep_and_long_texts_are_refused() -> None:
    assert refused(b"[" * MOST_CLAIM_BYTES)
    assert refused(b'{"a":' * 10_000)
    assert refused(b" " * (MOST_CLAIM_BYTES + 1)) == f"a claim has at most {MOST_CLAIM_BYTES} bytes"
    assert refused(b'{"age": ' + b"9" * 60_000 + b"}")


def test_a_direct_identifier_is_refused_and_not_repeated() -> None:
    said = refused(json.dumps(fields(1) | {"psn_name": "Zhang San"}).encode())
    assert said is not None
    assert "Zhang" not in said
