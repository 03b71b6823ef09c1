"""Identities at rest: PKCS #8, encrypted if there is a passphrase. Which file they lie in is not known here."""

from __future__ import annotations

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from common.consortium.identity import Identity
from common.errors import InputError


class PemError(InputError):
    """These bytes are no identity, or not under this passphrase."""


def to_pem(identity: Identity, passphrase: bytes | None) -> bytes:
    """The identity for its key file; without a passphrase the bytes are the secret itself."""
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    key = Ed25519PrivateKey.from_private_bytes(identity.seed())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def of_pem(held: bytes, passphrase: bytes | None) -> Identity:
    """The identity of a key file.

    Raises:
        PemError: If it is none, or not under this passphrase.
    """
    try:
        key = load_pem_private_key(held, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        how = "with this passphrase" if passphrase else "without a passphrase"
        msg = f"it cannot be read {how}: give the right one, or restore the file"
        raise PemError(msg) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PemError("it holds no Ed25519 key: restore the file")
    return Identity.of_seed(key.private_bytes_raw())
