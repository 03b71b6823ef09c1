"""Pseudonyms are HMAC-SHA256, bit for bit."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from client.claims.pseudonym import Pseudonymiser


@given(st.binary(min_size=32, max_size=32), st.text())
def test_a_pseudonym_is_the_first_128_bits_of_hmac_sha256(key: bytes, name: str) -> None:
    expected = hmac.digest(key, name.encode(), "sha256")
    pseudonymiser = Pseudonymiser(key)
    assert pseudonymiser.pseudonym(name) == expected[:16].hex()
    assert pseudonymiser.person_ids([name.encode()]).tolist() == [int.from_bytes(expected[:8], "big")]


def test_the_vector_of_rfc_4231_holds() -> None:
    """Test case 4 has a key of 25 bytes; HMAC pads keys with zeros, so 32 bytes with 7 zeros give the same."""
    key = bytes(range(1, 26)).ljust(32, b"\0")
    data = (b"\xcd" * 50).decode("latin-1")
    expected = "82558a389a443c0ea4cc819899f2083a"
    assert hmac.digest(key, b"\xcd" * 50, "sha256").hex()[:32] == expected
    assert int(Pseudonymiser(key).person_ids([data.encode("latin-1")])[0]) == int(expected[:16], 16)
