"""What is asked: the identity of a claim key with a content, by which the same question gets the same answer.

The first 8 bytes are of the claim key alone, so that all decisions about one claim lie side by side.
"""

from __future__ import annotations

import hashlib

from client.router.claims import RoutedClaims
from client.router.content import CONTENT_BYTES, contents

KEY_BYTES = 8

__all__ = ["CONTENT_BYTES", "KEY_BYTES", "asked_ids", "key_prefix"]


def asked_ids(claims: RoutedClaims) -> list[bytes]:
    """What is asked about each claim.

    Guarantees:
        * The same claim key with the same content gives the same 24 bytes, alone or in any batch, from a file or a
          single claim; another content gives others (SHA-256, cut).
        * Whether the person refused automated decisions counts as content: a refusal is heard when it is made.
    """
    return [key_prefix(key) + content for key, content in zip(claims.claim_keys, contents(claims), strict=True)]


def key_prefix(claim_key: str) -> bytes:
    """The first bytes of all that is asked about a claim key."""
    return hashlib.sha256(claim_key.encode()).digest()[:KEY_BYTES]
