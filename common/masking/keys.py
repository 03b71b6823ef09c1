"""Session keys: what two bureaus share, and what each derives from it for one attempt of one round.

References:
    RFC 7748 (X25519), RFC 5869 (HKDF).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from common.consortium.encoding import hashed, label
from common.errors import MessageError

SECRET_BYTES = 32
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class SessionSecrets:
    """A bureau's secrets of one session: kept encrypted, destroyed at its end.

    Attributes:
        exchange: X25519, 32 bytes.
        own: From which the own masks are derived, 32 bytes.
    """

    exchange: bytes
    own: bytes

    def __post_init__(self) -> None:
        """Refuse secrets of another length.

        Raises:
            ValueError: If one has not 32 bytes.
        """
        if len(self.exchange) != SECRET_BYTES or len(self.own) != SECRET_BYTES:
            msg = f"session secrets have {SECRET_BYTES} bytes each"
            raise ValueError(msg)

    @property
    def public(self) -> bytes:
        """The half of ``exchange`` that others get, 32 bytes."""
        return X25519PrivateKey.from_private_bytes(self.exchange).public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return "SessionSecrets(...)"


def session_digest(offer_digest: bytes, members: Mapping[str, bytes]) -> bytes:
    """What a session is called in everything that follows: its offer, its members and their session keys.

    Args:
        offer_digest: Of the offer.
        members: Public session key of each, by name.
    """
    return hashed("session", offer_digest, [[name, members[name]] for name in sorted(members)])


def pair_secret(secrets: SessionSecrets, peer_public: bytes, session: bytes) -> bytes:
    """What this bureau shares with a peer in a session, the same at both ends.

    Raises:
        MessageError: If the peer's key is none that a bureau could have.
    """
    own = X25519PrivateKey.from_private_bytes(secrets.exchange)
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(peer_public))
    except ValueError as error:
        msg = "a session key is not one: exclude the bureau that sent it"
        raise MessageError(msg) from error
    return HKDF.extract(hashes.SHA256(), session, shared)


def pair_key(secret: bytes, one: str, other: str, context: bytes) -> bytes:
    """The key of the mask between two bureaus in one context; 32 bytes, used once."""
    first, second = sorted((one, other))
    return _derived(secret, "pair", first, second, context)


def own_key(secrets: SessionSecrets, name: str, context: bytes) -> bytes:
    """The key of a bureau's own mask in one context; 32 bytes, used once."""
    return _derived(secrets.own, "self", name, context)


def _derived(secret: bytes, purpose: str, *parts: str | bytes) -> bytes:
    return HKDFExpand(hashes.SHA256(), KEY_BYTES, label(purpose, *parts)).derive(secret)
