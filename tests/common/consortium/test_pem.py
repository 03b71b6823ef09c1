"""Identities at rest: the right passphrase opens them, nothing else does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from common.consortium.pem import PemError, of_pem, to_pem
from common.errors import InputError
from tests.common.consortium.rosters import identity

ONE = identity(7)


@pytest.mark.parametrize("passphrase", [None, b"correct horse", "密码".encode()])
def test_an_identity_comes_back_under_its_passphrase(passphrase: bytes | None) -> None:
    assert of_pem(to_pem(ONE, passphrase), passphrase).public == ONE.public


@pytest.mark.parametrize(("under", "given"), [(b"right", b"wrong"), (b"right", None), (None, b"any")])
def test_another_passphrase_opens_nothing(under: bytes | None, given: bytes | None) -> None:
    with pytest.raises(PemError, match="give the right one"):
        of_pem(to_pem(ONE, under), given)


def test_under_a_passphrase_the_secret_does_not_stand_there() -> None:
    assert b"ENCRYPTED" in to_pem(ONE, b"right")
    assert to_pem(ONE, b"right") != to_pem(ONE, b"right")


@pytest.mark.parametrize("held", [b"", b"nonsense", to_pem(ONE, None)[:-40]])
def test_what_is_no_key_is_refused(held: bytes) -> None:
    with pytest.raises(PemError):
        of_pem(held, None)


def test_a_key_of_another_kind_is_refused() -> None:
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(PemError, match="no Ed25519 key"):
        of_pem(other, None)


def test_a_key_file_that_cannot_be_read_is_for_its_owner_to_mend() -> None:
    assert issubclass(PemError, InputError)
