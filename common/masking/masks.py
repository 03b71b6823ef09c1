"""Masks: words that look random until they cancel, modulo 2^64.

References:
    Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS 2017 (pairwise masks);
    NIST SP 800-38A, section 6.5 (counter mode).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Words = npt.NDArray[np.uint64]
"""Numbers modulo 2^64; a signed 64-bit word stands for its residue."""


def mask(key: bytes, n_words: int) -> Words:
    """The mask of a key that is used for nothing else: AES-256 in counter mode from zero, little-endian words."""
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return np.frombuffer(stream.update(bytes(8 * n_words)), "<u8").astype(np.uint64, copy=False)


def masked(words: npt.NDArray[np.int64], name: str, own: bytes, pairs: Mapping[str, bytes]) -> Words:
    """A bureau's words under its own mask and those of its pairs.

    Args:
        words: Noised, int64.
        name: Of the bureau.
        own: Key of its own mask.
        pairs: Key of the mask shared with each other bureau of the cohort, by name.
    """
    total = words.astype(np.uint64) + mask(own, len(words))
    for peer, key in pairs.items():
        add_pair(total, name, peer, key)
    return total


def add_pair(total: Words, name: str, peer: str, key: bytes) -> None:
    """Put the mask of a pair on ``total`` as bureau ``name`` does: the lesser name adds, the greater subtracts."""
    if name < peer:
        np.add(total, mask(key, len(total)), out=total)
    else:
        np.subtract(total, mask(key, len(total)), out=total)


def remove_pair(total: Words, name: str, peer: str, key: bytes) -> None:
    """Take off what ``add_pair`` put on."""
    add_pair(total, peer, name, key)


def as_signed(total: Words) -> npt.NDArray[np.int64]:
    """The signed numbers that residues below 2^63 in magnitude stand for."""
    return total.astype(np.int64)
