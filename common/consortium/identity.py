"""Identities: Ed25519 keys that sign under a purpose, and nothing else.

References:
    RFC 8032, "Edwards-Curve Digital Signature Algorithm (EdDSA)".
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.consortium.encoding import Spelled, label
from common.errors import MessageError

KEY_BYTES = 32
SIGNATURE_BYTES = 64


class SignatureError(MessageError):
    """A signature is not that of the key, the purpose or the content it is shown for: reject the peer."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that signs. Its text form shows the public half alone."""

    _key: Ed25519PrivateKey

    @classmethod
    def of_seed(cls, seed: bytes) -> Identity:
        """The identity of 32 secret bytes.

        Raises:
            ValueError: If they are not 32.
        """
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> bytes:
        """What others know it by, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def seed(self) -> bytes:
        """The 32 secret bytes, for its key file and nothing else."""
        return self._key.private_bytes_raw()

    def sign(self, purpose: str, *parts: Spelled) -> bytes:
        """A signature over fields under a purpose, 64 bytes."""
        return self._key.sign(label(purpose, *parts))

    def __repr__(self) -> str:
        return f"Identity(public={self.public.hex()})"


def verify(public: bytes, signature: bytes, purpose: str, *parts: Spelled) -> None:
    """Nothing, if ``public`` has signed these fields under this purpose.

    Raises:
        SignatureError: If not.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, label(purpose, *parts))
    except (InvalidSignature, ValueError) as error:
        msg = f"a signature under {purpose!r} is not valid"
        raise SignatureError(msg) from error
