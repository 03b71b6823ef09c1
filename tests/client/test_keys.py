"""Keys have one spelling, however they come in."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.claims.parsing.keys import normal_key, parse_keys

BLANKS = st.sampled_from(["", " ", "\t", "\u3000", "\u00a0", "\x1c", "\x1f", "\r\n", "\u2009"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text("Ｐ１①²ﾊﾟé", max_size=6)
KEYS = st.builds("".join, st.tuples(BLANKS, TEXTS, BLANKS))


@settings(derandomize=True, max_examples=500, deadline=None)
@given(st.lists(st.none() | KEYS, max_size=6))
def test_a_column_of_keys_is_spelled_as_each_of_them_alone(given: list[str | None]) -> None:
    found = parse_keys([pa.array(given, pa.string())])
    assert found.text.to_pylist() == [None if one is None else normal_key(one) or None for one in given]
    assert found.missing.tolist() == [not (one and normal_key(one)) for one in given]


@settings(derandomize=True, max_examples=500, deadline=None)
@given(KEYS)
def test_a_normal_key_stays_as_it_is(text: str) -> None:
    assert normal_key(normal_key(text)) == normal_key(text)


@pytest.mark.parametrize("text", ["P1", " P1", "Ｐ１", "\u3000P１\u00a0", "P¹\x1f", "Ⓟ①"])
def test_one_key_in_many_spellings_is_one(text: str) -> None:
    assert normal_key(text) == "P1"
    assert parse_keys([pa.array([text, "other"], pa.string())]).text.to_pylist() == ["P1", "other"]
