"""What the ledger says of a window: which claims entered it, as one digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from client.windows.digests import Digests

KIND = "window:"
_DOMAIN = b"fedclaims window 1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowName:
    """A session about a window; a window that is asked about again has other claims.

    Attributes:
        stream: 32 hexadecimal digits.
        number: Of the window.
        session: 16 bytes.
    """

    stream: str
    number: int
    session: bytes

    @property
    def place(self) -> str:
        """Where the ledger's mark stands."""
        return f"{KIND}{self.stream}{self.session.hex()}:{self.number}"


def digest_of(keys: Digests, contents: Digests) -> bytes:
    """SHA-256 over how many claims there are, and their digests in rising order."""
    order = np.argsort(keys, kind="stable")
    pairs = np.column_stack([keys[order], contents[order]]).astype(">u8")
    return hashlib.sha256(_DOMAIN + len(keys).to_bytes(8, "big") + pairs.tobytes()).digest()
