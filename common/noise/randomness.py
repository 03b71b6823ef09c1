"""Secret randomness is an argument: whoever draws is given a source of bytes.

At the edge the station makes a new ``AesStream(os.urandom(32))`` for each release and drops it afterwards; tests give
a fixed seed. A stream is never shared by two processes or two threads: whoever repeats bytes repeats noise, and the
difference of two releases with the same noise is free of noise.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SEED_BYTES = 32

Words = npt.NDArray[np.uint64]


class RandomBytes(Protocol):
    """A source of independent uniform bytes that nobody else can foresee; ``os.urandom`` is one."""

    def __call__(self, n_bytes: int, /) -> bytes:
        """The next ``n_bytes`` bytes, never given before."""


class AesStream:
    """The key stream of AES-256 in counter mode, starting at counter zero.

    Guarantees:
        * The same seed gives the same bytes on every machine.
        * Only the number of bytes taken matters, not in how many calls.

    References:
        NIST SP 800-38A, section 6.5.
    """

    def __init__(self, seed: bytes) -> None:
        """Start the stream of a seed that is used for nothing else.

        Raises:
            ValueError: If the seed has not 32 bytes.
        """
        if len(seed) != SEED_BYTES:
            msg = f"a seed has {SEED_BYTES} bytes, not {len(seed)}"
            raise ValueError(msg)
        self._encryptor = Cipher(algorithms.AES(seed), modes.CTR(bytes(16))).encryptor()

    def __call__(self, n_bytes: int, /) -> bytes:
        """The next ``n_bytes`` bytes of the stream."""
        return self._encryptor.update(bytes(n_bytes))


def random_words(random_bytes: RandomBytes, count: int) -> Words:
    """``count`` uniform 64-bit words, the same on every machine for the same bytes.

    Raises:
        ValueError: If the source gave fewer or more bytes than it was asked for.
    """
    drawn = random_bytes(8 * count)
    if len(drawn) != 8 * count:
        msg = f"the source of randomness gave {len(drawn)} bytes instead of {8 * count}"
        raise ValueError(msg)
    return np.frombuffer(drawn, "<u8").astype(np.uint64, copy=False)
