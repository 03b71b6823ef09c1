"""The station's key: one Ed25519 key that signs entries, and from which the keys of kept vectors are derived."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from client.ledger.durable import read_private, write_new
from client.ledger.errors import KeyFileError

_VECTORS = b"fedclaims ledger vectors 1\0"
_SESSIONS = b"fedclaims ledger sessions 1\0"


@dataclass(frozen=True, slots=True)
class StationKey:
    """The key, in memory; its text form shows nothing of it."""

    signing: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """The public half, hexadecimal."""
        return self.signing.public_key().public_bytes_raw().hex()

    def session_key(self, name: bytes) -> bytes:
        """The AES-256 key of something kept of a session, by its whole name."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=name, info=_SESSIONS)
        return derive.derive(self.signing.private_bytes_raw())

    def vector_key(self, entry_digest: str) -> bytes:
        """The AES-256 key of the vector that one entry paid for; every entry has its own."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=bytes.fromhex(entry_digest), info=_VECTORS)
        return derive.derive(self.signing.private_bytes_raw())


def create_key(path: Path, passphrase: bytes | None) -> StationKey:
    """Make a key and write it, for its owner alone, as PKCS #8; encrypted if there is a passphrase."""
    key = Ed25519PrivateKey.generate()
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
    return StationKey(key)


def load_key(path: Path, passphrase: bytes | None) -> StationKey:
    """The key in a file.

    Raises:
        KeyFileError: If the file is open to others or cannot be read as the key, with this passphrase.
    """
    try:
        key = load_pem_private_key(read_private(path), passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
        how = "with this passphrase" if passphrase else "without a passphrase"
        msg = f"{path} cannot be read as the station's key {how}: give the right one, or restore the file"
        raise KeyFileError(msg) from None
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{path} holds no Ed25519 key: restore the file that `fedclaims-bureau ledger init` made"
        raise KeyFileError(msg)
    return StationKey(key)
