"""Keyed pseudonyms: what stands for a claim key or an insured person inside a bureau.

A pseudonym is HMAC-SHA256 under a key that only this bureau has, cut to 128 bits. Without the key it can
neither be computed from a name nor be compared between bureaus.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_BLOCK = 64
_KEY_BYTES = 32
_PSEUDONYM_BYTES = 16


class Pseudonymiser:
    """HMAC-SHA256 (RFC 2104) under one key, with the two key blocks hashed once instead of once a call."""

    def __init__(self, key: bytes) -> None:
        """Take the bureau's key.

        Raises:
            ValueError: If the key is not of 32 bytes.
        """
        if len(key) != _KEY_BYTES:
            msg = f"a pseudonym key has {_KEY_BYTES} bytes, not {len(key)}"
            raise ValueError(msg)
        padded = key.ljust(_BLOCK, b"\0")
        self._key = key
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def pseudonym(self, name: str) -> str:
        """The 32 hexadecimal digits that stand for a name."""
        return hmac.digest(self._key, name.encode(), "sha256")[:_PSEUDONYM_BYTES].hex()

    def person_ids(self, names: Iterable[bytes]) -> npt.NDArray[np.uint64]:
        """The first 64 bits of each name's pseudonym (names in UTF-8), the ``person_id`` of a claim table.

        One loop without calls of our own, since it runs once a claim: half the time of ``hmac.digest``.
        """
        copy_inner, copy_outer = self._inner.copy, self._outer.copy
        heads: list[bytes] = []
        for name in names:
            inner, outer = copy_inner(), copy_outer()
            inner.update(name)
            outer.update(inner.digest())
            heads.append(outer.digest()[:8])
        return np.frombuffer(b"".join(heads), ">u8").astype(np.uint64)
