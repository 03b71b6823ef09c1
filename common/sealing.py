"""Seals: a message's signature over its own bytes, with the signature left empty.

Guarantees:
    * Whoever checks a seal has checked every field, the kind, the session and the protocol's version.
"""

from __future__ import annotations

from typing import TypeVar

from common.consortium.identity import Identity, verify
from common.masked_messages import (
    Invite,
    Masked,
    MaskedOffer,
    MaskedResult,
    Members,
    Ready,
    Reveal,
    RevealRequest,
    Survivors,
)
from common.wire import encode

Sealed = MaskedOffer | Members | Ready | Invite | Masked | Survivors | RevealRequest | Reveal | MaskedResult
_Kind = TypeVar("_Kind", MaskedOffer, Members, Ready, Invite, Masked, Survivors, RevealRequest, Reveal, MaskedResult)


def sealed(message: _Kind, identity: Identity) -> _Kind:
    """The message with its signature."""
    return message.model_copy(update={"signature": identity.sign(message.kind, _unsigned(message))})


def check_seal(message: Sealed, public: bytes) -> None:
    """Nothing, if this party has signed this message.

    Raises:
        SignatureError: If not.
    """
    verify(public, message.signature, message.kind, _unsigned(message))


def _unsigned(message: Sealed) -> bytes:
    return encode(message.model_copy(update={"signature": b""}))
