"""Identities: a signature is of one key, one purpose and one content."""

from __future__ import annotations

import pytest

from common.consortium.identity import KEY_BYTES, SIGNATURE_BYTES, Identity, SignatureError, verify
from common.errors import MessageError
from tests.common.consortium.rosters import STRANGER, identity

ONE = identity(7)
SIGNED = ONE.sign("purpose", "a", 1)


def test_a_signature_of_this_key_purpose_and_content_is_valid() -> None:
    verify(ONE.public, SIGNED, "purpose", "a", 1)
    assert (len(ONE.public), len(SIGNED)) == (KEY_BYTES, SIGNATURE_BYTES)


@pytest.mark.parametrize("parts", [("a",), ("a", 2), ("a", "1"), (["a", 1],), ("a", 1, ""), (1, "a")])
def test_a_signature_over_another_content_is_refused(parts: tuple[str | int, ...]) -> None:
    with pytest.raises(SignatureError, match="purpose"):
        verify(ONE.public, SIGNED, "purpose", *parts)


def test_a_signature_under_another_purpose_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(ONE.public, SIGNED, "other", "a", 1)


def test_a_signature_of_another_key_is_refused() -> None:
    with pytest.raises(SignatureError):
        verify(STRANGER.public, SIGNED, "purpose", "a", 1)


@pytest.mark.parametrize("bit", range(0, SIGNATURE_BYTES * 8, 37))
def test_a_flipped_bit_spoils_a_signature(bit: int) -> None:
    spoiled = bytearray(SIGNED)
    spoiled[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureError):
        verify(ONE.public, bytes(spoiled), "purpose", "a", 1)


@pytest.mark.parametrize("signature", [b"", SIGNED[:-1], SIGNED + b"\0"])
@pytest.mark.parametrize("public", [ONE.public, b"", ONE.public[:-1], ONE.public + b"\0"])
def test_keys_and_signatures_of_other_lengths_are_refused(public: bytes, signature: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(public, signature, "purpose", "a", 1)


def test_a_bad_signature_is_a_bad_message() -> None:
    assert issubclass(SignatureError, MessageError)


def test_the_text_of_an_identity_shows_its_public_half_alone() -> None:
    secret = bytes(range(32))
    shown = repr(Identity.of_seed(secret)) + str(Identity.of_seed(secret))
    assert secret.hex() not in shown
    assert Identity.of_seed(secret).public.hex() in shown


def test_the_same_seed_is_the_same_identity() -> None:
    assert Identity.of_seed(ONE.seed()).public == ONE.public
    assert Identity.of_seed(ONE.seed()).sign("purpose", "a", 1) == SIGNED


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        Identity.of_seed(bytes(length))


def test_rfc_8032_vector_1() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert Identity.of_seed(seed).public.hex() == public
