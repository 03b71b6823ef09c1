"""One spelling: different contents never share their bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.consortium.encoding import PROTOCOL, hashed, label, spell

LEAVES = st.binary(max_size=4) | st.text(max_size=4) | st.integers()
PARTS = st.lists(st.recursive(LEAVES, lambda below: st.lists(below, max_size=3), max_leaves=6), max_size=4)


def despelled(held: bytes) -> list[object]:
    """The fields that some bytes spell: what can be read back in one way has been written in one way."""
    found: list[object] = []
    while held:
        kind, length, held = held[:1], int.from_bytes(held[1:9], "big"), held[9:]
        content, held = held[:length], held[length:]
        assert len(content) == length
        read: dict[bytes, Any] = {b"b": bytes, b"s": bytes.decode, b"i": int, b"l": despelled}
        found.append(read[kind](content))
    return found


def test_the_spelling_by_hand() -> None:
    assert spell(b"a", "é", -7, [b""]) == (
        b"b\0\0\0\0\0\0\0\x01a" + b"s\0\0\0\0\0\0\0\x02\xc3\xa9" + b"i\0\0\0\0\0\0\0\x02-7"
        b"l\0\0\0\0\0\0\0\x09b\0\0\0\0\0\0\0\0"
    )  # fmt: skip


@given(PARTS)
def test_what_is_spelled_can_be_read_back(parts: list[Any]) -> None:
    assert despelled(spell(*parts)) == parts


@given(PARTS, PARTS)
def test_different_fields_have_different_bytes(first: list[Any], second: list[Any]) -> None:
    assume(first != second)
    assert spell(*first) != spell(*second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["ab"], ["a", "b"]),
        (["ab", ""], ["a", "b"]),
        (["ab", "c"], ["a", "bc"]),
        ([1], ["1"]),
        (["1"], [b"1"]),
        ([1], [b"1"]),
        ([[1, 2], 3], [1, [2, 3]]),
        ([[1, 2]], [1, 2]),
        ([[]], []),
        ([[]], [""]),
        ([spell("a")], ["a"]),
        ([["a"]], [spell("a")]),
        ([0], [""]),
        ([12], [1, 2]),
        ([-1], [1]),
        (["é"], ["e\u0301"]),
    ],
)
def test_near_misses_have_different_bytes(first: list[Any], second: list[Any]) -> None:
    assert spell(*first) != spell(*second)


@pytest.mark.parametrize("part", [True, False, 1.0, float("nan"), None, {"a": 1}, {1}, object(), [1.0], ["a", [True]]])
def test_what_has_no_single_spelling_is_refused(part: Any) -> None:
    with pytest.raises(TypeError, match="no single spelling"):
        spell(part)


def test_a_tuple_is_spelled_as_a_list_and_an_enumeration_by_its_value() -> None:
    assert spell((1, "a")) == spell([1, "a"])


def test_a_label_names_the_protocol_and_the_purpose_first() -> None:
    assert label("purpose", b"x") == spell(PROTOCOL, "purpose", b"x")
    assert label("a", "b") != label("ab")


def test_hashes_under_two_purposes_differ() -> None:
    assert hashed("one", b"x") != hashed("other", b"x")
    assert len(hashed("one")) == 32


def test_a_hash_is_the_same_everywhere() -> None:
    expected = "8503ee8f48d6626ae8e32b860e358eec781240538f135951437580b4a12e22c3"
    assert hashed("vector", 1, "a", b"\0", [2, []]).hex() == expected
